"""The ledger's port on everything that implements it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.testing import postgres_server, postgres_url, storage_url
from trustmesh_pki.memory import MemoryLedger
from trustmesh_pki.ports import Ledger
from trustmesh_pki.store import METADATA, SqlLedger

__all__ = ["postgres_server", "postgres_url", "storage_url"]


@pytest.fixture
async def ledger(storage_url: str) -> AsyncIterator[Ledger]:
    if storage_url == "memory:":
        yield MemoryLedger()
        return
    database = await Database.open(storage_url, METADATA, "trustmesh_pki:migrations")
    yield SqlLedger(database)
    await database.close()
