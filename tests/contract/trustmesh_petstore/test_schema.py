from __future__ import annotations

from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.testing import schema_differences
from trustmesh_petstore import store


async def test_migrations_make_the_declared_tables(database_url: str) -> None:
    await (await Database.open(database_url, store.METADATA, "trustmesh_petstore:migrations")).close()
    assert await schema_differences(database_url, store.METADATA) == []
