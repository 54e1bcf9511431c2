"""A service's database: units of work bound to one organisation, with their events and audit record in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVarTuple

from google.protobuf.message import Message
from sqlalchemy import CursorResult, MetaData, Select, func, insert, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from trustmesh_chassis.storage import startup
from trustmesh_chassis.storage.engines import Engines, build_engines
from trustmesh_chassis.storage.failures import translated
from trustmesh_chassis.storage.paging import PageTokens
from trustmesh_chassis.storage.tables import AUDIT_OUTBOX, OUTBOX
from trustmesh_chassis.storage.tenancy import SETTING, Statement, bound, bound_to
from trustmesh_chassis.storage.types import uuid7

Ts = TypeVarTuple("Ts")
Rows = Sequence[Mapping[str, Any]]


class BrokenUnitError(RuntimeError):
    """The code of a unit went on after one of its statements had failed, and so after the database had given the unit up."""


class Reading:
    """Reads of one organisation, or of the tables that belong to none when `org` is None, from one snapshot of the data."""

    def __init__(self, connection: AsyncConnection, org: str | None) -> None:
        self._connection = connection
        self._failed = False
        self.org = org

    async def execute(self, statement: Statement, rows: Rows | None = None) -> CursorResult[*tuple[Any, ...]]:
        """Run a select, insert (of `rows`, when they are given), update or delete, bound to the organisation; rows are buffered.

        Raises UniqueViolation, Aborted (a conflict), Unavailable, DataLoss, or UnboundStatement for what cannot be bound.
        """
        if self._failed:
            raise BrokenUnitError("a statement of this unit failed; leave the unit")
        statement, rows = bound(statement, rows, self.org)
        self._failed = True
        with translated(), bound_to(self.org):
            result = await self._connection.execute(statement, rows)
        self._failed = False
        return result

    def held(self, statement: Select[*Ts]) -> Select[*Ts]:
        """The select with its rows held against others' changes until the unit ends; a unit that only reads holds nothing."""
        return statement


class UnitOfWork(Reading):
    """Changes that happen together or not at all, for one organisation."""

    def __init__(self, connection: AsyncConnection, org: str | None, database: Database) -> None:
        super().__init__(connection, org)
        self._database = database
        self._events: list[dict[str, Any]] = []

    def held(self, statement: Select[*Ts]) -> Select[*Ts]:
        return statement.with_for_update()  # SQLite, where writing units take turns, leaves it out

    def now(self) -> datetime:
        return self._database.clock()

    def emit(self, event_type: str, resource: str, payload: Message) -> None:
        """Publish an event when the unit commits: `event_type` such as "petstore.pet.created", `resource` what it is about."""
        self._events.append(
            {
                "id": self._database.new_id(),
                "type": event_type,
                "org": self.org or "",
                "resource": resource,
                "time": self.now(),
                "payload_type": payload.DESCRIPTOR.full_name,
                "payload": payload.SerializeToString(deterministic=True),
            }
        )

    async def _finish(self) -> None:
        if self._events:
            await self.execute(insert(OUTBOX), self._events)
        record = self._database.pending_audit()
        if record is not None:
            await self.execute(insert(AUDIT_OUTBOX), [{"id": self._database.new_id(), "record": record}])
        if self._failed:
            raise BrokenUnitError("a statement of this unit failed; a unit that goes on would lose what it did before")
        with translated():
            await self._connection.commit()


class Database:
    """One service's database. Build it with `open`."""

    def __init__(
        self,
        engines: Engines,
        page_tokens: PageTokens,
        clock: Callable[[], datetime],
        pending_audit: Callable[[], bytes | None],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self.page_tokens = page_tokens
        self.clock = clock
        self.pending_audit = pending_audit
        self._engines = engines
        self._random_bytes = random_bytes

    @classmethod
    async def open(
        cls,
        url: str,
        metadata: MetaData,
        migrations: str | Path,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pending_audit: Callable[[], bytes | None] = lambda: None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        migration_url: str | None = None,
        pool_size: int = 8,
    ) -> Self:
        """Connect to `sqlite:///path` or `postgresql://...`, at the newest revision of `migrations`: "package:folder" or a path.

        `pending_audit` gives the running call's audit record, once, to the unit that commits. `migration_url`: see build_engines.
        Raises StorageUnusable with a sentence for the operator, or Unavailable when the server may come up later.
        """
        engines = build_engines(url, migration_url=migration_url, pool_size=pool_size)
        try:
            key = await startup.prepare(engines, metadata, migrations, random_bytes)
        except BaseException:
            await engines.dispose()
            raise
        return cls(engines, PageTokens(key), clock, pending_audit, random_bytes)

    def unit(self, org: str) -> AbstractAsyncContextManager[UnitOfWork]:
        """`async with database.unit(org) as unit:` changes of one organisation, committed when the block ends well."""
        return self._unit(_named(org))

    def platform_unit(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """As `unit`, for tables that belong to no organisation."""
        return self._unit(None)

    def read(self, org: str) -> AbstractAsyncContextManager[Reading]:
        """`async with database.read(org) as read:` reads of one organisation."""
        return self._read(_named(org))

    def platform_read(self) -> AbstractAsyncContextManager[Reading]:
        """As `read`, for tables that belong to no organisation."""
        return self._read(None)

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        async with self.platform_read() as read:
            await read.execute(select(literal(1)))

    async def close(self) -> None:
        await self._engines.dispose()

    @property
    def dialect(self) -> str:
        """ "sqlite" or "postgresql"."""
        return self._engines.write.dialect.name

    @property
    def connections_in_use(self) -> int:
        """Connections that units hold now, for metrics."""
        pools = {self._engines.write.pool, self._engines.read.pool}
        return sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    def new_id(self) -> str:
        """A new UUIDv7."""
        return str(uuid7(self.clock(), self._random_bytes(10)))

    @asynccontextmanager
    async def _unit(self, org: str | None) -> AsyncIterator[UnitOfWork]:
        async with _transaction(self._engines.write, org) as connection:
            unit = UnitOfWork(connection, org, self)
            yield unit
            await unit._finish()

    @asynccontextmanager
    async def _read(self, org: str | None) -> AsyncIterator[Reading]:
        async with _transaction(self._engines.read, org) as connection:
            yield Reading(connection, org)


@asynccontextmanager
async def _transaction(engine: AsyncEngine, org: str | None) -> AsyncIterator[AsyncConnection]:
    async with AsyncExitStack() as stack:
        with translated():
            connection = await stack.enter_async_context(engine.connect())
            if org is not None and engine.dialect.name == "postgresql":
                await _bind(connection, org)
        yield connection


async def _bind(connection: AsyncConnection, org: str) -> None:
    """Tell row-level security the transaction's organisation; a pooled connection that the server dropped is replaced once."""
    setting = select(func.set_config(SETTING, org, True))
    try:
        await connection.execute(setting)
    except DBAPIError:
        await connection.rollback()
        await connection.execute(setting)


def _named(org: str) -> str:
    if not org:
        raise ValueError("an organisation needs a name")
    return org
