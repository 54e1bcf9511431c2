from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.testing import database_url, postgres_server, postgres_url, storage_url
from trustmesh_registry import store
from trustmesh_registry.memory import MemoryConfigurations, MemoryServices
from trustmesh_registry.ports import ConfigurationRepository, ServiceRepository

__all__ = ["database_url", "postgres_server", "postgres_url", "storage_url"]

Ports = tuple[ServiceRepository, ConfigurationRepository]


@pytest.fixture
async def ports(storage_url: str) -> AsyncIterator[Ports]:
    """Both ports' implementations in turn, each empty: in memory, on SQLite, on PostgreSQL."""
    if storage_url == "memory:":
        yield MemoryServices(), MemoryConfigurations()
        return
    database = await Database.open(storage_url, store.METADATA, "trustmesh_registry:migrations")
    yield store.SqlServices(database), store.SqlConfigurations(database)
    await database.close()


@pytest.fixture
def services(ports: Ports) -> ServiceRepository:
    return ports[0]


@pytest.fixture
def configurations(ports: Ports) -> ConfigurationRepository:
    return ports[1]
