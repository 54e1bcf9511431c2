"""What the service needs of the outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trustmesh_ratelimit.rates import Bucket


@dataclass(frozen=True, slots=True)
class Count:
    """The state of a bucket after a call: whether the call passed, how many more would, and seconds until more than that do."""

    passed: bool
    remaining: int
    reset_after: float


class Counters(Protocol):
    """Sliding window counters: the calls of this window and, by the part of it that still overlaps, of the one before."""

    async def hit(self, bucket: Bucket, cost: int) -> Count:
        """Count `cost` calls, or none when they do not all fit. Raises Unavailable."""

    async def check(self) -> None:
        """Raise Unavailable when nothing can be counted."""

    async def close(self) -> None: ...
