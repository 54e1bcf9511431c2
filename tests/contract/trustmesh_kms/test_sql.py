"""What only a database can show: the migrations' truth, events, isolation below the code, and material that stays sealed."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from trustmesh.kms.v1 import key_pb2
from trustmesh_chassis.errors import Aborted
from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.tables import OUTBOX
from trustmesh_chassis.storage.testing import schema_differences
from trustmesh_kms import convert, keys, store
from trustmesh_kms.errors import KeyVersionDisabled
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.testing import Clock, Installation

REQUEST_ID = "8f2c1a52-8f1e-4a4e-9d5e-0a3b9a1f0c11"


async def open_database(url: str) -> Database:
    return await Database.open(url, store.METADATA, "trustmesh_kms:migrations", clock=lambda: datetime.now(UTC))


@pytest.fixture
def installation(database: Database, tmp_path: Path, clock: Clock) -> Installation:
    return Installation(tmp_path, clock, store.SqlBarrier(database), store.SqlKeys(database, convert.event_payload))


async def test_the_migrations_make_the_tables_that_the_code_declares(database: Database, database_url: str) -> None:
    assert await schema_differences(database_url, store.METADATA) == []


async def test_events_carry_the_resource_as_it_became(installation: Installation, database: Database) -> None:
    kms = await installation.start()
    key = await kms.create("k", labels={"team": "web"})
    await kms.disable(key.version_name(1))
    async with database.platform_read() as read:
        created, disabled = await read.execute(select(OUTBOX).order_by(OUTBOX.c.id))
    assert (created.type, created.org, created.resource) == ("kms.key.created", "demo", key.name)
    assert key_pb2.Key.FromString(created.payload) == convert.key(key)
    assert (disabled.type, disabled.resource) == ("kms.version.disabled", key.version_name(1))
    assert key_pb2.KeyVersion.FromString(disabled.payload).state == key_pb2.KEY_VERSION_STATE_DISABLED


async def test_no_material_reaches_the_database_in_the_clear(installation: Installation, database: Database) -> None:
    drawn: list[bytes] = []

    def random(size: int) -> bytes:
        drawn.append(secrets.token_bytes(size))
        return drawn[-1]

    barrier = installation.new_barrier()
    barrier._random = random
    await barrier.start()
    key, version = keys.new_key("demo", "k", UUID(int=7), keys.Purpose.ENCRYPT_DECRYPT, None, {}, installation.clock.now)
    async with installation.stored_keys.unit("demo") as unit:
        material = random(32)
        await unit.add(key, version, barrier.seal_value(material, b"what"))
    async with database.platform_read() as read:
        stored = b"".join(bytes(value) for row in await read.execute(select(store.BARRIER.c.wrapped_root)) for value in row)
        stored += b"".join([row.wrapped for row in await read.execute(select(store.CONTENT_KEYS.c.wrapped))])
    async with installation.stored_keys.read("demo") as reading:
        stored += await reading.sealed_material(key, 1)
    secret = [each for each in drawn if len(each) == 32]
    assert len(secret) == 3  # root key, content key, material
    assert not any(each in stored for each in secret)


async def test_what_is_encrypted_is_decrypted_by_the_next_process(installation: Installation) -> None:
    first = await installation.start()
    for algorithm in (Algorithm.AES_256_GCM, Algorithm.XAES_256_GCM):
        key = await first.create(algorithm.name.lower().replace("_", "-"), algorithm)
        usable = await first.keyring.encryption_key(key.name)
        ciphertext = usable.encrypt(secrets.token_bytes(usable.nonce_size), b"secret", b"")
        second = await installation.start()
        opened = await second.keyring.decryption_key(key.name, 1)
        assert opened is not None
        assert opened.decrypt(ciphertext, b"") == b"secret"


async def test_what_one_replica_changes_is_effective_on_the_other_within_a_second(installation: Installation) -> None:
    """With real clocks, both replicas watching, and the other one busy with the key all the while."""
    here, there = await installation.start(), await installation.start()
    for each in (here, there):
        each.keyring._monotonic = time.monotonic
    key = await here.create("k")
    watches = [asyncio.create_task(each.keyring.watch()) for each in (here, there)]

    async def until(effective: Callable[[], Awaitable[bool]]) -> float:
        started = time.monotonic()
        while not await effective():
            await asyncio.sleep(0.001)
        return time.monotonic() - started

    async def rotated() -> bool:
        return (await there.keyring.encryption_key(key.name)).number == 2

    async def disabled() -> bool:
        try:
            await there.keyring.encryption_key(key.name)
        except KeyVersionDisabled:
            return True
        return False

    assert not await rotated()
    await here.rotate(key)
    assert await until(rotated) < 1.1
    await here.disable(key.version_name(2))
    assert await until(disabled) < 1.1
    for watch in watches:
        watch.cancel()


async def test_the_same_request_at_once_makes_one_key(installation: Installation) -> None:
    kms = await installation.start()
    made = await asyncio.gather(*(kms.create("k", request_id=REQUEST_ID) for _ in range(4)), return_exceptions=True)
    assert len({result.uid for result in made if isinstance(result, keys.Key)}) == 1
    assert all(isinstance(result, keys.Key | Aborted) for result in made)


async def test_a_request_that_waited_for_the_same_one_is_told_to_repeat(postgres_url: str) -> None:
    """PostgreSQL's units run at once: the second waits for the first's row. SQLite's wait for each other from the start."""
    database = await open_database(postgres_url)
    repository = store.SqlKeys(database, convert.event_payload)

    async def second() -> None:
        async with repository.unit("demo") as unit:
            assert not await unit.recall(REQUEST_ID, "print")
            await unit.remember(REQUEST_ID, "print", "orgs/demo/keys/k")

    async with repository.unit("demo") as first:
        await first.remember(REQUEST_ID, "print", "orgs/demo/keys/k")
        waiting = asyncio.create_task(second())
        async with asyncio.timeout(10), database.platform_read() as read:
            blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not (await read._connection.execute(blocked)).scalar_one():
                await asyncio.sleep(0.005)
    with pytest.raises(Aborted):
        await waiting
    await database.close()


async def test_row_level_security_hides_foreign_rows_from_any_statement(postgres_url: str, tmp_path: Path, clock: Clock) -> None:
    database = await open_database(postgres_url)
    kms = await Installation(tmp_path, clock, store.SqlBarrier(database), store.SqlKeys(database, convert.event_payload)).start()
    await kms.create("k", org="other")
    async with database.unit("demo") as unit:
        raw = unit._connection
        for table in ("keys", "key_versions"):
            assert (await raw.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0
            assert (await raw.execute(text(f"UPDATE {table} SET revision = 99"))).rowcount == 0
            assert (await raw.execute(text(f"DELETE FROM {table}"))).rowcount == 0
    await database.close()


async def test_material_moved_between_rows_by_hand_does_not_open(installation: Installation, database: Database) -> None:
    kms = await installation.start()
    first, second = await kms.create("a"), await kms.create("b")
    async with installation.stored_keys.read("demo") as reading:
        sealed = await reading.sealed_material(second, 1)
    async with database.unit("demo") as unit:
        await unit.execute(update(store.KEY_VERSIONS).where(store.KEY_VERSIONS.c.key_id == "a").values(sealed=sealed))
    with pytest.raises(Exception, match="tampered"):
        await kms.keyring.encryption_key(first.name)
