"""One suite for the storage ports: memory, SQLite and PostgreSQL answer alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from trustmesh_chassis.storage import RequestIdReused
from trustmesh_kms import keys
from trustmesh_kms.errors import KeyExists
from trustmesh_kms.keys import Algorithm, Key, KeyVersion, Purpose, VersionState
from trustmesh_kms.ports import BarrierRecord, BarrierStore, KeyFilter, KeyRepository
from trustmesh_kms.testing import Installation

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(microseconds=1)
ALL = KeyFilter()
ANY_VERSION = (1 << 31) - 1
REQUEST_ID = "8f2c1a52-8f1e-4a4e-9d5e-0a3b9a1f0c11"


def fresh(
    key_id: str, algorithm: Algorithm = Algorithm.XAES_256_GCM, org: str = "demo", labels: Mapping[str, str] | None = None
) -> tuple[Key, KeyVersion]:
    uid = UUID(int=abs(hash((org, key_id))))
    return keys.new_key(org, key_id, uid, algorithm.purpose, algorithm, labels or {}, NOW)


@pytest.fixture
async def barrier(installation: Installation) -> BarrierStore:
    await installation.stored_barrier.initialise(b"root", b"content", NOW)
    return installation.stored_barrier


@pytest.fixture
async def repository(installation: Installation, barrier: BarrierStore) -> AsyncIterator[KeyRepository]:
    yield installation.stored_keys


async def add(repository: KeyRepository, key: Key, version: KeyVersion, sealed: bytes = b"sealed") -> None:
    async with repository.unit(key.org) as unit:
        await unit.add(key, version, sealed)


async def epoch(barrier: BarrierStore) -> int:
    record = await barrier.record()
    assert record is not None
    return record.epoch


async def test_the_barrier_is_initialised_once(installation: Installation) -> None:
    store = installation.stored_barrier
    assert await store.record() is None
    assert await store.content_keys() == {}
    await store.initialise(b"root", b"content", NOW)
    await store.initialise(b"other root", b"other content", LATER)
    assert await store.record() == BarrierRecord(b"root", 1, False, 1, NOW, NOW)
    assert await store.content_keys() == {1: b"content"}


async def test_sealing_is_recorded_and_moves_the_epoch(barrier: BarrierStore) -> None:
    await barrier.set_sealed(True, LATER)
    assert await barrier.record() == BarrierRecord(b"root", 1, True, 2, NOW, LATER)
    await barrier.set_sealed(False, LATER)
    assert await barrier.record() == BarrierRecord(b"root", 1, False, 3, NOW, LATER)


async def test_a_content_keys_number_is_taken_once(barrier: BarrierStore) -> None:
    assert await barrier.add_content_key(2, b"second", LATER)
    assert not await barrier.add_content_key(2, b"third", LATER)
    assert await barrier.content_keys() == {1: b"content", 2: b"second"}
    assert await barrier.record() == BarrierRecord(b"root", 2, False, 2, NOW, LATER)


async def test_a_key_comes_back_as_it_was_stored(repository: KeyRepository) -> None:
    key, version = fresh("k", labels={"team": "web", "env": ""})
    await add(repository, key, version, b"\x00sealed")
    async with repository.read("demo") as reading:
        assert await reading.key("k") == key
        assert await reading.version(key, 1) == version
        assert await reading.states(key) == {1: VersionState.ENABLED}
        assert await reading.sealed_material(key, 1) == b"\x00sealed"
        assert await reading.key("nothing") is None
        assert await reading.version(key, 2) is None


async def test_a_new_key_leaves_the_epoch_and_every_change_of_one_moves_it(
    repository: KeyRepository, barrier: BarrierStore
) -> None:
    key, version = fresh("k")
    await add(repository, key, version)
    assert await epoch(barrier) == 1
    rotated, second = keys.rotate(key, LATER)
    async with repository.unit("demo") as unit:
        await unit.add_version(rotated, second, b"second")
        await unit.save(rotated)
    after_rotation = await epoch(barrier)
    assert after_rotation > 1
    disabled = keys.disable(version, LATER)
    async with repository.unit("demo") as unit:
        await unit.save_version(rotated, disabled)
    assert await epoch(barrier) > after_rotation
    async with repository.read("demo") as reading:
        assert await reading.key("k") == rotated
        assert await reading.versions(rotated, ANY_VERSION, 10) == [second, disabled]
        assert await reading.states(rotated) == {1: VersionState.DISABLED, 2: VersionState.ENABLED}
        assert await reading.sealed_material(rotated, 2) == b"second"


async def test_a_unit_that_fails_leaves_nothing(repository: KeyRepository, barrier: BarrierStore) -> None:
    key, version = fresh("k")
    with pytest.raises(RuntimeError):
        async with repository.unit("demo") as unit:
            await unit.add(key, version, b"sealed")
            await unit.save(replace(key, labels={"a": "1"}))
            raise RuntimeError
    async with repository.read("demo") as reading:
        assert await reading.key("k") is None
    assert await epoch(barrier) == 1


async def test_a_key_id_is_taken_within_its_organisation(repository: KeyRepository) -> None:
    await add(repository, *fresh("k"))
    with pytest.raises(KeyExists):
        await add(repository, *fresh("k"))
    await add(repository, *fresh("k", org="other"))


async def test_organisations_see_and_change_their_own_alone(repository: KeyRepository) -> None:
    mine, version = fresh("k")
    theirs, their_version = fresh("k", org="other")
    await add(repository, mine, version, b"mine")
    await add(repository, theirs, their_version, b"theirs")
    async with repository.unit("demo") as unit:
        await unit.save(keys.relabel(theirs, {"stolen": "yes"}, LATER))
        await unit.save_version(theirs, keys.disable(their_version, LATER))
    async with repository.read("other") as reading:
        assert await reading.keys(ALL, "", 10) == [theirs]
        assert await reading.version(theirs, 1) == their_version
        assert await reading.sealed_material(theirs, 1) == b"theirs"
    async with repository.read("nobody") as reading:
        assert await reading.keys(ALL, "", 10) == []
        assert await reading.states(theirs) == {}


async def test_keys_are_listed_in_the_order_of_bytes(repository: KeyRepository) -> None:
    for key_id in ("b", "a-b", "ab", "a", "a0", "c"):
        await add(repository, *fresh(key_id))
    async with repository.read("demo") as reading:
        assert [key.id for key in await reading.keys(ALL, "", 10)] == ["a", "a-b", "a0", "ab", "b", "c"]
        assert [key.id for key in await reading.keys(ALL, "a-b", 2)] == ["a0", "ab"]
        assert await reading.keys(ALL, "c", 2) == []


FILTERS = {
    "purpose": (KeyFilter(purpose=Purpose.SIGN_VERIFY), ["c"]),
    "algorithm": (KeyFilter(algorithm=Algorithm.AES_256_GCM), ["b"]),
    "label": (KeyFilter(labels={"team": "web"}), ["a", "c"]),
    "empty label": (KeyFilter(labels={"env": ""}), ["b"]),
    "two labels": (KeyFilter(labels={"team": "web", "env": "prod"}), ["c"]),
    "all": (KeyFilter(Purpose.SIGN_VERIFY, Algorithm.EC_SIGN_ED25519, {"team": "web"}), ["c"]),
    "an unknown label": (KeyFilter(labels={"nothing": "web"}), []),
    "a label with a hyphen": (KeyFilter(labels={"cost-center": "7"}), ["a"]),
}


@pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS)
async def test_keys_are_filtered(repository: KeyRepository, wanted: KeyFilter, expected: list[str]) -> None:
    await add(repository, *fresh("a", labels={"team": "web", "cost-center": "7"}))
    await add(repository, *fresh("b", Algorithm.AES_256_GCM, labels={"team": "ops", "env": ""}))
    await add(repository, *fresh("c", Algorithm.EC_SIGN_ED25519, labels={"team": "web", "env": "prod"}))
    async with repository.read("demo") as reading:
        assert [key.id for key in await reading.keys(wanted, "", 10)] == expected


async def test_versions_are_listed_newest_first(repository: KeyRepository) -> None:
    key, version = fresh("k")
    await add(repository, key, version)
    async with repository.unit("demo") as unit:
        for _ in range(11):
            key, version = keys.rotate(key, LATER)
            await unit.add_version(key, version, b"sealed")
    async with repository.read("demo") as reading:
        assert [version.number for version in await reading.versions(key, ANY_VERSION, 3)] == [12, 11, 10]
        assert [version.number for version in await reading.versions(key, 3, 3)] == [2, 1]


async def test_messages_are_counted_up_to_the_limit(repository: KeyRepository) -> None:
    key, version = fresh("k", Algorithm.AES_256_GCM)
    await add(repository, key, version)
    limit = 1 << 32
    assert await repository.reserve("demo", "k", 1, limit - 10, limit)
    assert not await repository.reserve("demo", "k", 1, 11, limit)
    assert await repository.reserve("demo", "k", 1, 10, limit)
    assert not await repository.reserve("demo", "k", 1, 1, limit)


async def test_messages_counted_at_once_never_pass_the_limit(repository: KeyRepository) -> None:
    key, version = fresh("k", Algorithm.AES_256_GCM)
    await add(repository, key, version)
    counted = await asyncio.gather(*(repository.reserve("demo", "k", 1, 2, 10) for _ in range(12)))
    assert sum(counted) == 5


async def test_of_changes_at_once_each_sees_the_one_before(repository: KeyRepository) -> None:
    await add(repository, *fresh("k"))

    async def rotate() -> None:
        async with repository.unit("demo") as unit:
            key = await unit.key("k")
            assert key is not None
            rotated, version = keys.rotate(key, LATER)
            await unit.add_version(rotated, version, b"sealed")
            await unit.save(rotated)

    await asyncio.gather(*(rotate() for _ in range(8)))
    async with repository.read("demo") as reading:
        key = await reading.key("k")
        assert key is not None
        assert (key.latest, key.revision) == (9, 9)


async def test_a_request_is_remembered_with_its_organisation(repository: KeyRepository) -> None:
    async with repository.unit("demo") as unit:
        assert not await unit.recall(REQUEST_ID, "print")
        await unit.remember(REQUEST_ID, "print", "orgs/demo/keys/k")
        await unit.remember("", "print", "orgs/demo/keys/k")
    async with repository.unit("demo") as unit:
        assert await unit.recall(REQUEST_ID, "print")
        assert not await unit.recall("", "print")
        with pytest.raises(RequestIdReused):
            await unit.recall(REQUEST_ID, "another print")
    async with repository.unit("other") as unit:
        assert not await unit.recall(REQUEST_ID, "another print")
