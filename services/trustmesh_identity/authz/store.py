"""The repositories in SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Row, String, Table, Text, delete, insert, select, update

from trustmesh_chassis.errors import Aborted
from trustmesh_chassis.storage import ByteText, Database, EtagMismatch, UniqueViolation, UnitOfWork, UtcTime, tenant_table
from trustmesh_identity.authz.clients import Client, SecretHash
from trustmesh_identity.authz.errors import ClientExists, ClientNotFound
from trustmesh_identity.authz.signing_keys import Keys, SigningKey, State

METADATA = MetaData()

CLIENTS = tenant_table(
    "clients",
    METADATA,
    Column("id", ByteText(63), primary_key=True),
    Column("client_id", ByteText(96), nullable=False),
    Column("display_name", String(128), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("orgs", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("secret_create_time", UtcTime, nullable=False),
    Column("previous_secret", LargeBinary),
    Column("previous_secret_expires", UtcTime),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("clients_by_client_id", "org", "client_id", unique=True),
)

# The keys belong to no organisation. Two instances that rotate at once make the same sequence number, and one of them fails.
SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("kid", ByteText(64), nullable=False),
    Column("state", ByteText(16), nullable=False),
    Column("x", LargeBinary, nullable=False),
    Column("y", LargeBinary, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("publish_time", UtcTime),
    Column("activate_time", UtcTime),
    Column("expire_time", UtcTime),
)

_ATTEMPTS = 5


class SqlClients:
    """ClientRepository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, client: Client) -> None:
        try:
            async with self._database.unit(client.org) as unit:
                await unit.execute(insert(CLIENTS).values(_client_row(client)))
        except UniqueViolation:
            raise ClientExists(f"{client.name} exists.") from None

    async def get(self, org: str, id: str) -> Client:
        async with self._database.read(org) as read:
            row = (await read.execute(select(CLIENTS).where(CLIENTS.c.id == id))).one_or_none()
        if row is None:
            raise ClientNotFound(f"orgs/{org}/clients/{id} does not exist.")
        return _client(row)

    async def find(self, org: str, client_id: str) -> Client | None:
        async with self._database.read(org) as read:
            row = (await read.execute(select(CLIENTS).where(CLIENTS.c.client_id == client_id))).one_or_none()
        return None if row is None else _client(row)

    async def list(self, org: str, after: str, limit: int) -> list[Client]:
        page = select(CLIENTS).where(CLIENTS.c.id > after).order_by(CLIENTS.c.id).limit(limit)
        async with self._database.read(org) as read:
            return [_client(row) for row in await read.execute(page)]

    async def replace(self, client: Client) -> None:
        change = update(CLIENTS).where(*_is(client, client.revision - 1)).values(_client_row(client))
        async with self._database.unit(client.org) as unit:
            _require_one((await unit.execute(change)).rowcount, client)

    async def delete(self, client: Client) -> None:
        async with self._database.unit(client.org) as unit:
            _require_one((await unit.execute(delete(CLIENTS).where(*_is(client, client.revision)))).rowcount, client)


class SqlSigningKeys:
    """SigningKeyRepository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Keys:
        async with self._database.platform_read() as read:
            return tuple(_key(row) for row in await read.execute(_ALL_KEYS))

    async def change(self, step: Callable[[Keys], Keys]) -> Keys:
        for _ in range(_ATTEMPTS):
            try:
                async with self._database.platform_unit() as unit:
                    before = tuple(_key(row) for row in await unit.execute(_ALL_KEYS.with_for_update()))
                    after = step(before)
                    await _write(unit, before, after)
                    return after
            except UniqueViolation:
                continue
        raise Aborted("Other instances kept changing the signing keys; try again.")


_ALL_KEYS = select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.sequence)


async def _write(unit: UnitOfWork, before: Keys, after: Keys) -> None:
    """Bring the table from `before` to `after`, new keys first: they are what fails when another instance was faster."""
    old, new = ({key.sequence: key for key in keys} for keys in (before, after))
    for sequence in new.keys() - old.keys():
        await unit.execute(insert(SIGNING_KEYS).values(_key_row(new[sequence])))
    for sequence in old.keys() - new.keys():
        await unit.execute(delete(SIGNING_KEYS).where(SIGNING_KEYS.c.sequence == sequence))
    for sequence in old.keys() & new.keys():
        if old[sequence] != new[sequence]:
            await unit.execute(update(SIGNING_KEYS).where(SIGNING_KEYS.c.sequence == sequence).values(_key_row(new[sequence])))


def _is(client: Client, revision: int) -> tuple[Any, ...]:
    return CLIENTS.c.id == client.id, CLIENTS.c.client_id == client.client_id, CLIENTS.c.revision == revision


def _require_one(rows: int, client: Client) -> None:
    if rows != 1:
        raise EtagMismatch(f"{client.name} changed meanwhile; read it again.")


def _client_row(client: Client) -> dict[str, Any]:
    previous = client.previous_secret
    return {
        "id": client.id,
        "client_id": client.client_id,
        "display_name": client.display_name,
        "scopes": json.dumps(client.scopes),
        "orgs": json.dumps(client.orgs),
        "secret": client.secret.digest,
        "secret_create_time": client.secret_create_time,
        "previous_secret": previous and previous.digest,
        "previous_secret_expires": previous and previous.expires,
        "create_time": client.create_time,
        "update_time": client.update_time,
        "revision": client.revision,
    }


def _client(row: Row[*tuple[Any, ...]]) -> Client:
    expires: datetime | None = row.previous_secret_expires
    return Client(
        org=row.org,
        id=row.id,
        client_id=row.client_id,
        display_name=row.display_name,
        scopes=tuple(json.loads(row.scopes)),
        orgs=tuple(json.loads(row.orgs)),
        secret=SecretHash(bytes(row.secret)),
        create_time=row.create_time,
        update_time=row.update_time,
        secret_create_time=row.secret_create_time,
        previous_secret=None if expires is None else SecretHash(bytes(row.previous_secret), expires),
        revision=row.revision,
    )


def _key_row(key: SigningKey) -> dict[str, Any]:
    return {
        "sequence": key.sequence,
        "kid": key.kid,
        "state": key.state.value,
        "x": key.x,
        "y": key.y,
        "sealed_private": key.sealed_private,
        "create_time": key.create_time,
        "publish_time": key.publish_time,
        "activate_time": key.activate_time,
        "expire_time": key.expire_time,
    }


def _key(row: Row[*tuple[Any, ...]]) -> SigningKey:
    return SigningKey(
        sequence=row.sequence,
        kid=row.kid,
        state=State(row.state),
        x=bytes(row.x),
        y=bytes(row.y),
        sealed_private=bytes(row.sealed_private),
        create_time=row.create_time,
        publish_time=row.publish_time,
        activate_time=row.activate_time,
        expire_time=row.expire_time,
    )
