"""Storage of the key management service: in memory, SQLite, PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.testing import database_url, postgres_server, postgres_url, storage_url
from trustmesh_kms import convert, store
from trustmesh_kms.testing import Clock, Installation

__all__ = ["database_url", "postgres_server", "postgres_url", "storage_url"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url)
    yield opened
    await opened.close()


async def open_database(url: str) -> Database:
    return await Database.open(url, store.METADATA, "trustmesh_kms:migrations", clock=lambda: datetime.now(UTC))


@pytest.fixture
async def installation(storage_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Installation]:
    if storage_url == "memory:":
        yield Installation.in_memory(tmp_path, clock)
        return
    database = await open_database(storage_url)
    yield Installation(tmp_path, clock, store.SqlBarrier(database), store.SqlKeys(database, convert.event_payload))
    await database.close()
