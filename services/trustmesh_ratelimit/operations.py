"""Deciding whether a call passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustmesh_ratelimit.ports import Count, Counters
from trustmesh_ratelimit.rates import Entry, Rate, Rates, buckets_of


@dataclass(frozen=True, slots=True)
class Decision:
    """What one descriptor came to; without `rate` and `count` nothing limits it."""

    rate: Rate | None = None
    count: Count | None = None

    @property
    def passed(self) -> bool:
        return self.count is None or self.count.passed


UNLIMITED = Decision()


async def decide(descriptors: Sequence[tuple[Sequence[Entry], int]], *, rates: Rates, counters: Counters) -> list[Decision]:
    """A decision for each descriptor (its entries, and how many calls it stands for), in order.

    Once one is over its limit the rest are not counted: a caller who is refused does not use up the organisation's share.
    Raises Unavailable.
    """
    decisions: list[Decision] = []
    over = False
    for entries, cost in descriptors:
        decision = UNLIMITED
        for bucket in () if over else buckets_of(entries, rates):
            count = await counters.hit(bucket, cost)
            over = not count.passed
            if decision.count is None or over or count.remaining < decision.count.remaining:
                decision = Decision(bucket.rate, count)
            if over:
                break
        decisions.append(decision)
    return decisions
