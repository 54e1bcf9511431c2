"""What counters do, in memory and in Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from trustmesh_chassis.errors import Unavailable
from trustmesh_ratelimit.memory import MemoryCounters
from trustmesh_ratelimit.ports import Counters
from trustmesh_ratelimit.rates import Bucket, Rate
from trustmesh_ratelimit.store import RedisCounters

# A day, so that no window ends while a test runs, but on its first or last second.
DAY = 86_400


def bucket(requests: int = 10, seconds: int = DAY) -> Bucket:
    return Bucket(f"READ:PRINCIPAL:{uuid4()}", Rate(requests, seconds))


@pytest.fixture(params=["memory", "redis"])
async def counters(request: pytest.FixtureRequest) -> AsyncIterator[Counters]:
    made = (
        MemoryCounters(time.monotonic, 1000) if request.param == "memory" else RedisCounters(request.getfixturevalue("redis_url"))
    )
    yield made
    await made.close()


async def test_counts_down_and_refuses(counters: Counters) -> None:
    own = bucket(3)
    counts = [await counters.hit(own, 1) for _ in range(4)]
    assert [(count.passed, count.remaining) for count in counts] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert all(0 < count.reset_after <= 2 * DAY for count in counts)


async def test_buckets_are_apart(counters: Counters) -> None:
    one, other = bucket(1), bucket(1)
    assert (await counters.hit(one, 1)).passed
    assert (await counters.hit(other, 1)).passed
    assert not (await counters.hit(one, 1)).passed


async def test_costs(counters: Counters) -> None:
    own = bucket(10)
    assert not (await counters.hit(own, 11)).passed
    assert (await counters.hit(own, 8)).remaining == 2
    assert not (await counters.hit(own, 3)).passed
    assert (await counters.hit(own, 2)).remaining == 0


async def test_of_parallel_hits_as_many_pass_as_fit(counters: Counters) -> None:
    own = bucket(20)
    counts = await asyncio.gather(*(counters.hit(own, 1) for _ in range(50)))
    assert sum(count.passed for count in counts) == 20


async def test_passes_again_when_the_window_has_gone(counters: Counters) -> None:
    own = bucket(1, 1)
    assert (await counters.hit(own, 1)).passed
    deadline = time.monotonic() + 10
    while not (await counters.hit(own, 1)).passed:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_check(counters: Counters) -> None:
    await counters.check()


async def test_instances_share_what_redis_counts(redis_url: str) -> None:
    one, other = RedisCounters(redis_url), RedisCounters(redis_url)
    own = bucket(2)
    assert [(await each.hit(own, 1)).passed for each in (one, other, one)] == [True, True, False]
    await one.close()
    await other.close()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nowhere/redis.sock"])
async def test_without_redis_it_says_so_at_once(url: str) -> None:
    counters = RedisCounters(url)
    before = time.monotonic()
    with pytest.raises(Unavailable):
        await counters.hit(bucket(), 1)
    with pytest.raises(Unavailable):
        await counters.check()
    assert time.monotonic() - before < 2
    await counters.close()
