import math

from trustmesh_ratelimit.memory import MemoryCounters
from trustmesh_ratelimit.ports import Count
from trustmesh_ratelimit.rates import Bucket, Rate

TEN_A_MINUTE = Bucket("b", Rate(10, 60))


class Time:
    now = 60_000.0

    def __call__(self) -> float:
        return self.now


async def test_refuses_after_the_last_call_of_the_window() -> None:
    counters = MemoryCounters(Time(), 100)
    counts = [await counters.hit(TEN_A_MINUTE, 1) for _ in range(11)]
    assert [count.passed for count in counts] == [True] * 10 + [False]
    assert [count.remaining for count in counts] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert counts[0] == Count(True, 9, 60.0)


async def test_the_window_slides() -> None:
    time = Time()
    counters = MemoryCounters(time, 100)
    await counters.hit(TEN_A_MINUTE, 10)
    time.now += 60
    refused = await counters.hit(TEN_A_MINUTE, 1)
    assert not refused.passed and refused.remaining == 0
    # Ten calls fade in sixty seconds, one in six.
    assert math.isclose(refused.reset_after, 6.0)
    time.now += 6.001
    assert (await counters.hit(TEN_A_MINUTE, 1)).passed
    assert not (await counters.hit(TEN_A_MINUTE, 1)).passed
    time.now += 30
    assert [(await counters.hit(TEN_A_MINUTE, 1)).passed for _ in range(6)] == [True] * 5 + [False]


async def test_no_minute_has_twice_the_calls_of_its_limit() -> None:
    """What fixed windows get wrong: a burst at the end of one and another at the start of the next."""
    time = Time()
    counters = MemoryCounters(time, 100)
    time.now += 59
    assert (await counters.hit(TEN_A_MINUTE, 10)).passed
    time.now += 2
    assert not (await counters.hit(TEN_A_MINUTE, 2)).passed


async def test_forgets_after_two_windows() -> None:
    time = Time()
    counters = MemoryCounters(time, 100)
    await counters.hit(TEN_A_MINUTE, 10)
    time.now += 120
    assert (await counters.hit(TEN_A_MINUTE, 10)).passed


async def test_a_call_that_does_not_fit_counts_nothing() -> None:
    counters = MemoryCounters(Time(), 100)
    assert not (await counters.hit(TEN_A_MINUTE, 11)).passed
    assert (await counters.hit(TEN_A_MINUTE, 8)).passed
    assert not (await counters.hit(TEN_A_MINUTE, 3)).passed
    assert (await counters.hit(TEN_A_MINUTE, 2)).passed


async def test_memory_is_bounded_and_the_busy_stay() -> None:
    counters = MemoryCounters(Time(), 100)
    await counters.hit(TEN_A_MINUTE, 10)
    for number in range(10_000):
        await counters.hit(Bucket(f"flood {number}", Rate(10, 60)), 1)
        if number % 50 == 0:
            assert not (await counters.hit(TEN_A_MINUTE, 1)).passed
    assert len(counters._windows) == 100


async def test_check_and_close() -> None:
    counters = MemoryCounters(Time(), 100)
    await counters.check()
    await counters.hit(TEN_A_MINUTE, 10)
    await counters.close()
    assert (await counters.hit(TEN_A_MINUTE, 10)).passed
