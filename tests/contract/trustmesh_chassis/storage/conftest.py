from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table

from trustmesh_chassis.storage import ByteText, Database, UtcTime, tenant_table
from trustmesh_chassis.storage.testing import database_url, postgres_server, postgres_url

__all__ = ["database_url", "postgres_server", "postgres_url"]

MIGRATIONS = Path(__file__).parent / "migrations"
NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True)
class Library:
    """A small service's tables and how to open its database."""

    metadata: MetaData
    books: Table
    loans: Table
    migrations: Path
    now: datetime

    async def open(self, url: str, **options: Any) -> Database:
        return await Database.open(url, self.metadata, self.migrations, clock=lambda: self.now, **options)


@pytest.fixture(scope="session")
def library() -> Library:
    metadata = MetaData()
    books = tenant_table(
        "books",
        metadata,
        Column("id", ByteText(63), primary_key=True),
        Column("title", ByteText(100), nullable=False),
        Column("bought", UtcTime),
    )
    loans = tenant_table(
        "loans",
        metadata,
        Column("id", ByteText(63), primary_key=True),
        Column("book", ByteText(63), nullable=False),
        ForeignKeyConstraint(["org", "book"], ["books.org", "books.id"], name="loans_book"),
    )
    return Library(metadata, books, loans, MIGRATIONS, NOW)


@pytest.fixture
async def database(library: Library, database_url: str) -> AsyncIterator[Database]:
    database = await library.open(database_url)
    yield database
    await database.close()


@pytest.fixture
def opened(library: Library, database_url: str) -> Callable[..., AbstractAsyncContextManager[Database]]:
    """Opens the test's database with options of the test's own, and closes it."""

    @asynccontextmanager
    async def open_with(service: Library = library, **options: Any) -> AsyncIterator[Database]:
        database = await service.open(database_url, **options)
        try:
            yield database
        finally:
            await database.close()

    return open_with
