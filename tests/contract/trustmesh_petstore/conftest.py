from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from trustmesh_chassis.storage import Database, PageTokens
from trustmesh_chassis.storage.testing import database_url, postgres_server, postgres_url, storage_url
from trustmesh_petstore import store
from trustmesh_petstore.memory import MemoryShops
from trustmesh_petstore.ports import Shops

__all__ = ["database_url", "postgres_server", "postgres_url", "storage_url"]


@pytest.fixture
async def shops(storage_url: str) -> AsyncIterator[Shops]:
    """The port's implementations in turn, each empty: in memory, on SQLite, on PostgreSQL."""
    if storage_url == "memory:":
        yield MemoryShops()
        return
    database = await Database.open(storage_url, store.METADATA, "trustmesh_petstore:migrations")
    yield store.SqlShops(database)
    await database.close()


@pytest.fixture
def tokens() -> PageTokens:
    return PageTokens(bytes(32))
