"""The directory over its port in memory, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_chassis.errors import NotFound, PermissionDenied
from trustmesh_registry import operations
from trustmesh_registry.errors import TooManyInstances
from trustmesh_registry.membership import Instance, LeaseTerms, RegisteredContract
from trustmesh_registry.memory import MemoryServices
from trustmesh_registry.operations import Directory, require_own

CONTRACT = RegisteredContract("d", b"", ())


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repository() -> MemoryServices:
    return MemoryServices()


@pytest.fixture
def directory(repository: MemoryServices, clock: Clock) -> Directory:
    return Directory(repository, clock, LeaseTerms())


def instance(name: str, now: datetime) -> Instance:
    return Instance("kms", name, "127.0.0.1", ord(name), 0, "", now, now)


def ids(directory: Directory) -> list[str]:
    return [each.id for each in directory.serving("kms")]


async def test_a_lapsed_instance_leaves_the_traffic_and_comes_back_with_a_heartbeat(directory: Directory, clock: Clock) -> None:
    for name in "ab":
        await directory.register(instance(name, clock()), CONTRACT)
    clock.pass_(10)
    directory.heartbeat("kms", "a")
    clock.pass_(6)
    await directory.sweep()
    assert ids(directory) == ["a"]
    with directory.watched() as watcher:
        directory.heartbeat("kms", "b")
        assert await watcher.wait() == ("kms",)
    assert ids(directory) == ["a", "b"]


async def test_heartbeats_of_an_instance_in_traffic_disturb_nobody(directory: Directory, clock: Clock) -> None:
    await directory.register(instance("a", clock()), CONTRACT)
    with directory.watched() as watcher:
        directory.heartbeat("kms", "a")
        await directory.sweep()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watcher.wait(), 0.01)


async def test_instances_that_are_long_gone_are_forgotten_for_good(
    directory: Directory, repository: MemoryServices, clock: Clock
) -> None:
    for name in "ab":
        await directory.register(instance(name, clock()), CONTRACT)
    clock.pass_(700)
    directory.heartbeat("kms", "a")
    await directory.sweep()
    [kept] = await repository.load()
    assert list(kept.instances) == ["a"]
    with pytest.raises(NotFound):
        directory.heartbeat("kms", "b")


async def test_a_restart_gives_every_instance_a_fresh_lease(
    directory: Directory, repository: MemoryServices, clock: Clock
) -> None:
    for name in "ab":
        await directory.register(instance(name, clock()), CONTRACT)
    clock.pass_(10_000)
    again = Directory(repository, clock, LeaseTerms())
    await again.load()
    assert ids(again) == ["a", "b"]
    assert all(again.live(each) for each in again.serving("kms"))
    clock.pass_(14)
    again.heartbeat("kms", "b")
    clock.pass_(2)
    await again.sweep()
    assert ids(again) == ["b"]


async def test_registering_again_keeps_the_first_create_time(directory: Directory, clock: Clock) -> None:
    first = await directory.register(instance("a", clock()), CONTRACT)
    clock.pass_(5)
    second = await directory.register(instance("a", clock()), CONTRACT)
    assert (second.create_time, second.update_time) == (first.create_time, clock())


async def test_instances_of_a_service_are_bounded(directory: Directory, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_INSTANCES", 1)
    await directory.register(instance("a", clock()), CONTRACT)
    await directory.register(instance("a", clock()), CONTRACT)
    with pytest.raises(TooManyInstances):
        await directory.register(instance("b", clock()), CONTRACT)


async def test_deregistering_is_immediate_and_repeatable(directory: Directory, clock: Clock) -> None:
    await directory.register(instance("a", clock()), CONTRACT)
    await directory.deregister("kms", "a")
    await directory.deregister("kms", "a")
    await directory.deregister("unknown", "a")
    assert ids(directory) == []
    assert directory.find("kms").contract == CONTRACT


async def test_sweeps_run_when_a_lease_runs_out(repository: MemoryServices) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    terms = LeaseTerms(timedelta(seconds=0.05), timedelta(seconds=0.02))
    directory = Directory(repository, now, terms)
    for name in "ab":
        await directory.register(instance(name, now()), CONTRACT)
    sweeping = asyncio.ensure_future(directory.run_sweeps())
    try:
        async with asyncio.timeout(5):
            while ids(directory) != ["a"]:
                directory.heartbeat("kms", "a")
                await asyncio.sleep(0.005)
    finally:
        sweeping.cancel()


async def test_nobody_is_blamed_for_the_time_in_which_the_registry_was_stopped(repository: MemoryServices, clock: Clock) -> None:
    terms = LeaseTerms(timedelta(seconds=0.05), timedelta(seconds=0.02))
    directory = Directory(repository, clock, terms)
    for name in "ab":
        await directory.register(instance(name, clock()), CONTRACT)
    sweeping = asyncio.ensure_future(directory.run_sweeps())
    await asyncio.sleep(0)
    clock.pass_(100)
    async with asyncio.timeout(5):
        while not all(directory.live(each) for each in directory.serving("kms")):
            await asyncio.sleep(0.005)
    sweeping.cancel()
    assert ids(directory) == ["a", "b"]


async def test_sweeps_wait_while_there_is_no_lease(directory: Directory) -> None:
    sweeping = asyncio.ensure_future(directory.run_sweeps())
    await asyncio.sleep(0)
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping


def test_a_service_speaks_for_itself_alone() -> None:
    require_own("kms", "kms")
    for peer in ("gateway", None):
        with pytest.raises(PermissionDenied):
            require_own(peer, "kms")


def test_an_unknown_service_is_not_found(directory: Directory) -> None:
    with pytest.raises(NotFound):
        directory.find("kms")
    assert directory.serving("kms") == ()
