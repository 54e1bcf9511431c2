"""SQLAlchemy engines as the storage wants them: one that writes and one that reads, on SQLite or PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from trustmesh_chassis.storage.failures import StorageUnusable
from trustmesh_chassis.storage.tenancy import tenant_compiler

APPLICATION_ROLE = "trustmesh_application"
CONNECT_TIMEOUT = 5.0  # seconds, for a connection and for a place in the pool
COMMAND_TIMEOUT = 30.0  # seconds for one statement on PostgreSQL
BUSY_TIMEOUT = 5.0  # seconds that a SQLite writer waits for one of another process


_URLS = "sqlite:///<path> or postgresql://<user>@<host>/<database>"
_SQLITE = "sqlite+aiosqlite"
_POSTGRESQL = "postgresql+asyncpg"


@dataclass(frozen=True, slots=True)
class Engines:
    """`owner` runs migrations, `write` and `read` serve, on PostgreSQL as `application_role`, which owns nothing.

    On SQLite `write` is one connection, so writers queue instead of colliding.
    """

    owner: AsyncEngine
    write: AsyncEngine
    read: AsyncEngine
    application_role: str | None

    async def dispose(self) -> None:
        for engine in {self.owner, self.write, self.read}:
            await engine.dispose()


def build_engines(url: str, *, migration_url: str | None, pool_size: int) -> Engines:
    """Engines for `sqlite:///path` or `postgresql://user:password@host:port/database`; nothing is connected yet.

    On PostgreSQL the login of `url` serves and that of `migration_url` migrates. Without the latter the login of `url` migrates,
    and serving connections give its power up for the role trustmesh_application. Raises StorageUnusable for any other URL.
    """
    try:
        parsed, owner = make_url(url), make_url(migration_url) if migration_url else None
    except ArgumentError:
        raise StorageUnusable(f"The database URL cannot be read; use {_URLS}.") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, pool_size)
        case "postgresql":
            return _postgresql(parsed, owner, pool_size)
        case other:
            raise StorageUnusable(f"The database URL begins with {other}; use {_URLS}.")


def _sqlite(url: URL, pool_size: int) -> Engines:
    if not url.database or url.database == ":memory:":
        raise StorageUnusable("The database URL names no file; use sqlite:///<path>.")
    url = url.set(drivername=_SQLITE)
    # isolation_level None: the driver begins no transaction of its own, the "begin" listener does
    options: dict[str, Any] = {
        "connect_args": {"timeout": BUSY_TIMEOUT, "isolation_level": None},
        "pool_timeout": CONNECT_TIMEOUT,
    }
    write = create_async_engine(url, pool_size=1, max_overflow=0, **options)
    read = create_async_engine(url, pool_size=pool_size, max_overflow=0, **options)
    _listen_sqlite(write, "BEGIN IMMEDIATE", ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"))
    _listen_sqlite(read, "BEGIN", ("query_only=ON",))
    return Engines(owner=write, write=_tenant(write), read=_tenant(read), application_role=None)


def _listen_sqlite(engine: AsyncEngine, begin: str, pragmas: tuple[str, ...]) -> None:
    def on_connect(connection: Any, record: object) -> None:
        try:
            for pragma in pragmas:
                cursor = connection.cursor()
                cursor.execute(f"PRAGMA {pragma}")
                cursor.close()
        except BaseException:
            connection.close()  # else its thread would outlive the attempt
            raise

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", on_begin)


def _postgresql(url: URL, migration_url: URL | None, pool_size: int) -> Engines:
    settings = {"application_name": "trustmesh", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}
    role = url.username
    if migration_url is None:
        role = settings["role"] = APPLICATION_ROLE
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": CONNECT_TIMEOUT}
    patience: dict[str, Any] = {"timeout": CONNECT_TIMEOUT, "command_timeout": COMMAND_TIMEOUT}
    owner = create_async_engine((migration_url or url).set(drivername=_POSTGRESQL), connect_args=patience, pool_size=1)
    serving = {**patience, "server_settings": settings}
    write = create_async_engine(url.set(drivername=_POSTGRESQL), connect_args=serving, **options)
    _tenant(write)
    read = write.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)  # the same pool
    return Engines(owner=owner, write=write, read=read, application_role=role)


def _tenant(engine: AsyncEngine) -> AsyncEngine:
    dialect = engine.sync_engine.dialect
    dialect.statement_compiler = tenant_compiler(dialect.statement_compiler)
    return engine
