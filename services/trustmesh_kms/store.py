"""Keys and the barrier in SQL. Rows stay in this module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    insert,
    select,
    update,
)

from trustmesh_chassis.storage import ByteText, Database, Reading, UniqueViolation, UnitOfWork, UtcTime, tenant_table
from trustmesh_chassis.storage.idempotency import recall, remember
from trustmesh_kms.errors import KeyExists
from trustmesh_kms.keys import Algorithm, Key, KeyVersion, Purpose, VersionState
from trustmesh_kms.ports import BarrierRecord, KeyFilter

METADATA = MetaData()

BARRIER = Table(
    "barrier",
    METADATA,
    Column("id", Integer, primary_key=True),  # always 1
    Column("wrapped_root", LargeBinary, nullable=False),
    Column("content_key", Integer, nullable=False),
    Column("sealed", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
)

CONTENT_KEYS = Table(
    "content_keys",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("create_time", UtcTime, nullable=False),
)

KEYS = tenant_table(
    "keys",
    METADATA,
    Column("id", ByteText(63), primary_key=True),
    Column("uid", ByteText(36), nullable=False),
    Column("purpose", Integer, nullable=False),
    Column("algorithm", Integer, nullable=False),
    Column("primary_version", Integer, nullable=False),
    Column("latest_version", Integer, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
)

KEY_VERSIONS = tenant_table(
    "key_versions",
    METADATA,
    Column("key_id", ByteText(63), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Integer, nullable=False),
    Column("algorithm", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("messages", BigInteger, nullable=False),  # counted in blocks, where the algorithm bears a limited number
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
)

_VERSION = (
    KEY_VERSIONS.c.number,
    KEY_VERSIONS.c.state,
    KEY_VERSIONS.c.algorithm,
    KEY_VERSIONS.c.create_time,
    KEY_VERSIONS.c.update_time,
    KEY_VERSIONS.c.revision,
)

Encode = Callable[[Key, KeyVersion | None], Message]


class SqlBarrier:
    """A BarrierStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self) -> BarrierRecord | None:
        async with self._database.platform_read() as read:
            row = (await read.execute(select(BARRIER))).one_or_none()
        if row is None:
            return None
        return BarrierRecord(row.wrapped_root, row.content_key, row.sealed, row.epoch, row.create_time, row.update_time)

    async def content_keys(self) -> dict[int, bytes]:
        async with self._database.platform_read() as read:
            rows = await read.execute(select(CONTENT_KEYS.c.number, CONTENT_KEYS.c.wrapped))
            return {row.number: row.wrapped for row in rows}

    async def initialise(self, wrapped_root: bytes, wrapped_content_key: bytes, now: datetime) -> None:
        record = {"id": 1, "wrapped_root": wrapped_root, "content_key": 1, "sealed": False, "epoch": 1}
        try:
            async with self._database.platform_unit() as unit:
                await unit.execute(insert(BARRIER).values(**record, create_time=now, update_time=now))
                await unit.execute(insert(CONTENT_KEYS).values(number=1, wrapped=wrapped_content_key, create_time=now))
        except UniqueViolation:  # another instance was first
            return

    async def add_content_key(self, number: int, wrapped: bytes, now: datetime) -> bool:
        try:
            async with self._database.platform_unit() as unit:
                await unit.execute(insert(CONTENT_KEYS).values(number=number, wrapped=wrapped, create_time=now))
                await unit.execute(update(BARRIER).values(content_key=number, epoch=BARRIER.c.epoch + 1, update_time=now))
        except UniqueViolation:  # another instance rotated at the same time
            return False
        return True

    async def set_sealed(self, sealed: bool, now: datetime) -> None:
        async with self._database.platform_unit() as unit:
            await unit.execute(update(BARRIER).values(sealed=sealed, epoch=BARRIER.c.epoch + 1, update_time=now))


class SqlKeys:
    """A KeyRepository. `encode` makes the payload of an event."""

    def __init__(self, database: Database, encode: Encode) -> None:
        self._database = database
        self._encode = encode

    @asynccontextmanager
    async def read(self, org: str) -> AsyncIterator[SqlReading]:
        async with self._database.read(org) as reading:
            yield SqlReading(reading)

    @asynccontextmanager
    async def unit(self, org: str) -> AsyncIterator[SqlUnit]:
        async with self._database.unit(org) as unit:
            yield SqlUnit(unit, self._encode)

    async def reserve(self, org: str, key_id: str, number: int, count: int, limit: int) -> bool:
        version = (KEY_VERSIONS.c.key_id == key_id) & (KEY_VERSIONS.c.number == number)
        messages = KEY_VERSIONS.c.messages + count
        async with self._database.unit(org) as unit:
            counted = await unit.execute(update(KEY_VERSIONS).where(version, messages <= limit).values(messages=messages))
        return counted.rowcount == 1


class SqlReading:
    """A KeyReading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._org = reading.org or ""

    async def key(self, key_id: str) -> Key | None:
        row = (await self._reading.execute(self._key_query(key_id))).one_or_none()
        return None if row is None else _key(self._org, row)

    async def keys(self, wanted: KeyFilter, after: str, limit: int) -> list[Key]:
        query = select(KEYS).where(KEYS.c.id > after).order_by(KEYS.c.id).limit(limit)
        if wanted.purpose is not None:
            query = query.where(KEYS.c.purpose == int(wanted.purpose))
        if wanted.algorithm is not None:
            query = query.where(KEYS.c.algorithm == int(wanted.algorithm))
        for label, value in wanted.labels.items():
            query = query.where(KEYS.c.labels[label].as_string() == value)
        return [_key(self._org, row) for row in await self._reading.execute(query)]

    async def version(self, key: Key, number: int) -> KeyVersion | None:
        query = select(*_VERSION).where(KEY_VERSIONS.c.key_id == key.id, KEY_VERSIONS.c.number == number)
        row = (await self._reading.execute(query)).one_or_none()
        return None if row is None else _version(row)

    async def versions(self, key: Key, below: int, limit: int) -> list[KeyVersion]:
        query = select(*_VERSION).where(KEY_VERSIONS.c.key_id == key.id, KEY_VERSIONS.c.number < below)
        return [_version(row) for row in await self._reading.execute(query.order_by(KEY_VERSIONS.c.number.desc()).limit(limit))]

    async def states(self, key: Key) -> dict[int, VersionState]:
        query = select(KEY_VERSIONS.c.number, KEY_VERSIONS.c.state).where(KEY_VERSIONS.c.key_id == key.id)
        return {row.number: VersionState(row.state) for row in await self._reading.execute(query)}

    async def sealed_material(self, key: Key, number: int) -> bytes:
        query = select(KEY_VERSIONS.c.sealed).where(KEY_VERSIONS.c.key_id == key.id, KEY_VERSIONS.c.number == number)
        sealed: bytes = (await self._reading.execute(query)).scalar_one()
        return sealed

    def _key_query(self, key_id: str) -> Select[*tuple[Any, ...]]:
        return select(KEYS).where(KEYS.c.id == key_id)


class SqlUnit(SqlReading):
    """A KeyUnit."""

    def __init__(self, unit: UnitOfWork, encode: Encode) -> None:
        super().__init__(unit)
        self._unit = unit
        self._encode = encode

    async def add(self, key: Key, version: KeyVersion, sealed: bytes) -> None:
        row = {"id": key.id, "uid": str(key.uid), "purpose": int(key.purpose), "algorithm": int(key.algorithm)}
        try:
            await self._unit.execute(insert(KEYS).values(**row, create_time=key.created, **_changing(key)))
        except UniqueViolation:
            raise KeyExists(f"{key.name} exists; choose another id") from None
        await self._add_version(key, version, sealed)

    async def add_version(self, key: Key, version: KeyVersion, sealed: bytes) -> None:
        await self._add_version(key, version, sealed)
        await self._move_on()

    async def save(self, key: Key) -> None:
        await self._unit.execute(update(KEYS).where(KEYS.c.id == key.id).values(**_changing(key)))
        await self._move_on()

    async def save_version(self, key: Key, version: KeyVersion) -> None:
        row = (KEY_VERSIONS.c.key_id == key.id) & (KEY_VERSIONS.c.number == version.number)
        values = {"state": int(version.state), "update_time": version.updated, "revision": version.revision}
        await self._unit.execute(update(KEY_VERSIONS).where(row).values(**values))
        await self._move_on()

    async def recall(self, request_id: str, fingerprint: str) -> bool:
        return await recall(self._unit, request_id, fingerprint) is not None

    async def remember(self, request_id: str, fingerprint: str, name: str) -> None:
        await remember(self._unit, request_id, fingerprint, name)

    def emit(self, event: str, key: Key, version: KeyVersion | None = None) -> None:
        resource = key.name if version is None else key.version_name(version.number)
        self._unit.emit(event, resource, self._encode(key, version))

    def _key_query(self, key_id: str) -> Select[*tuple[Any, ...]]:
        """Locks the key's row, so that of two changes the second sees the first; SQLite's units are serial anyway."""
        return super()._key_query(key_id).with_for_update()

    async def _add_version(self, key: Key, version: KeyVersion, sealed: bytes) -> None:
        values = {
            "key_id": key.id,
            "number": version.number,
            "state": int(version.state),
            "algorithm": int(version.algorithm),
            "sealed": sealed,
            "messages": 0,
            "create_time": version.created,
            "update_time": version.updated,
            "revision": version.revision,
        }
        await self._unit.execute(insert(KEY_VERSIONS).values(**values))

    async def _move_on(self) -> None:
        await self._unit.execute(update(BARRIER).values(epoch=BARRIER.c.epoch + 1))


def _changing(key: Key) -> Mapping[str, Any]:
    return {
        "primary_version": key.primary,
        "latest_version": key.latest,
        "labels": dict(key.labels),
        "update_time": key.updated,
        "revision": key.revision,
    }


def _key(org: str, row: Row[*tuple[Any, ...]]) -> Key:
    return Key(
        org=org,
        id=row.id,
        uid=UUID(row.uid),
        purpose=Purpose(row.purpose),
        algorithm=Algorithm(row.algorithm),
        primary=row.primary_version,
        latest=row.latest_version,
        labels=row.labels,
        created=row.create_time,
        updated=row.update_time,
        revision=row.revision,
    )


def _version(row: Row[*tuple[Any, ...]]) -> KeyVersion:
    return KeyVersion(
        number=row.number,
        state=VersionState(row.state),
        algorithm=Algorithm(row.algorithm),
        created=row.create_time,
        updated=row.update_time,
        revision=row.revision,
    )
