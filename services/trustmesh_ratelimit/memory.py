"""Counters of one process, in bounded memory.

`limits` has such counters too, but for asyncio they look through all keys after every hit and keep as many as callers invent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import floor

from trustmesh_ratelimit.ports import Count
from trustmesh_ratelimit.rates import Bucket


class MemoryCounters:
    """Keeps the `capacity` buckets that were used last."""

    def __init__(self, time: Callable[[], float], capacity: int) -> None:
        """`time` is in seconds and never goes back."""
        self._time = time
        self._capacity = capacity
        self._windows: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    async def hit(self, bucket: Bucket, cost: int) -> Count:
        now, rate = self._time(), bucket.rate
        window, elapsed = divmod(now, rate.seconds)
        previous, current = self._counts(bucket, int(window))
        left = rate.seconds - elapsed
        weighted = previous * left / rate.seconds + current
        passed = weighted + cost <= rate.requests
        if passed:
            current, weighted = current + cost, weighted + cost
        self._windows[bucket.key] = int(window), previous, current
        self._windows.move_to_end(bucket.key)
        if len(self._windows) > self._capacity:
            self._windows.popitem(last=False)
        remaining = floor(max(0, rate.requests - weighted))
        fading = weighted - (rate.requests - remaining - 1)
        until_more = fading * rate.seconds / previous if previous else left
        return Count(passed, remaining, min(left, until_more))

    async def check(self) -> None:
        """Memory always counts."""

    async def close(self) -> None:
        self._windows.clear()

    def _counts(self, bucket: Bucket, window: int) -> tuple[int, int]:
        """Calls of the window before and of this one."""
        last, previous, current = self._windows.get(bucket.key, (window, 0, 0))
        match window - last:
            case 0:
                return previous, current
            case 1:
                return current, 0
            case _:
                return 0, 0
