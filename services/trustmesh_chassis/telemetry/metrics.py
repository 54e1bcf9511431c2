"""Rate, errors and duration of each method, counted in plain Python: an increment must cost less than the call it counts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration histogram, in seconds."""


class MethodMetrics:
    """The numbers of one method since the process started."""

    __slots__ = ("buckets", "in_flight", "outcomes", "seconds")

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.in_flight = 0

    def observe(self, outcome: str, seconds: float) -> None:
        """Count one call that ended with `outcome` ("OK" or a status code's name) after `seconds`."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


class Metrics:
    """All methods of a service, and gauges that are read when someone asks."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._methods: dict[str, MethodMetrics] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def method(self, full_name: str) -> MethodMetrics:
        return self._methods.setdefault(full_name, MethodMetrics())

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """Expose `read()` under `name` (snake case, with its unit) at each scrape."""
        self._gauges[name] = (meaning, read)

    def exposition(self) -> str:
        """Everything in the Prometheus text format (version 0.0.4)."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP trustmesh_calls_total Calls by method and outcome."
        yield "# TYPE trustmesh_calls_total counter"
        for name, method in self._methods.items():
            for outcome, count in method.outcomes.items():
                yield f'trustmesh_calls_total{{{self._labels(name)},outcome="{outcome}"}} {count}'
        yield "# HELP trustmesh_calls_in_flight Calls under way."
        yield "# TYPE trustmesh_calls_in_flight gauge"
        for name, method in self._methods.items():
            yield f"trustmesh_calls_in_flight{{{self._labels(name)}}} {method.in_flight}"
        yield "# HELP trustmesh_call_duration_seconds How long calls took."
        yield "# TYPE trustmesh_call_duration_seconds histogram"
        for name, method in self._methods.items():
            yield from self._histogram(name, method)
        for name, (meaning, read) in self._gauges.items():
            yield f"# HELP {name} {meaning}"
            yield f"# TYPE {name} gauge"
            yield f'{name}{{service="{self._service}"}} {read()}'

    def _histogram(self, name: str, method: MethodMetrics) -> Iterator[str]:
        total = 0
        for bound, count in zip((*BUCKETS, "+Inf"), method.buckets, strict=True):
            total += count
            yield f'trustmesh_call_duration_seconds_bucket{{{self._labels(name)},le="{bound}"}} {total}'
        yield f"trustmesh_call_duration_seconds_sum{{{self._labels(name)}}} {method.seconds}"
        yield f"trustmesh_call_duration_seconds_count{{{self._labels(name)}}} {total}"

    def _labels(self, name: str) -> str:
        return f'service="{self._service}",method="{name}"'
