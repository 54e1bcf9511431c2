"""From a URL to a usable database, or to one sentence that says why not."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, insert, make_url, select

from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.storage import ByteText, StorageUnusable, tenant_table
from trustmesh_chassis.storage.migration import migrations_folder
from trustmesh_chassis.storage.testing import schema_differences


async def test_migrations_make_the_declared_tables(library: Any, database_url: str) -> None:
    await (await library.open(database_url)).close()
    assert await schema_differences(database_url, library.metadata) == []


async def test_a_difference_is_seen(library: Any, database_url: str) -> None:
    await (await library.open(database_url)).close()
    declared = MetaData()
    for table in library.metadata.tables.values():
        table.to_metadata(declared)
    declared.tables["books"].append_column(Column("pages", ByteText(8)))
    assert len(await schema_differences(database_url, declared)) == 1


async def test_opening_again_keeps_the_data(opened: Any, library: Any) -> None:
    async with opened() as database, database.unit("north") as unit:
        await unit.execute(insert(library.books).values(id="a", title="a"))
    async with opened() as database, database.read("north") as read:
        assert (await read.execute(select(library.books.c.id))).scalars().all() == ["a"]


async def test_instances_that_start_together_migrate_once(library: Any, database_url: str) -> None:
    databases = await asyncio.gather(*(library.open(database_url) for _ in range(4)))
    token = databases[0].page_tokens.issue([1], "q")
    assert all(database.page_tokens.read(token, "q") == (1,) for database in databases)
    for database in databases:
        await database.close()


async def test_an_older_database_is_brought_up(library: Any, database_url: str, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / "0001_library.py").write_text((library.migrations / "0001_library.py").read_text())
    old = replace(library, metadata=MetaData(), migrations=first)
    await (await old.open(database_url)).close()
    database = await library.open(database_url)
    async with database.read("north") as read:
        assert (await read.execute(select(library.loans))).all() == []
    await database.close()


async def test_a_newer_database_still_serves_the_older_code(library: Any, database_url: str, tmp_path: Path) -> None:
    await (await library.open(database_url)).close()
    first = tmp_path / "first"
    first.mkdir()
    (first / "0001_library.py").write_text((library.migrations / "0001_library.py").read_text())
    old = replace(library, metadata=MetaData(), migrations=first)
    database = await old.open(database_url)
    async with database.unit("north") as unit:
        await unit.execute(insert(library.books).values(id="a", title="a"))
    await database.close()


async def test_a_failing_migration_leaves_nothing(library: Any, database_url: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "0001_library.py").write_text((library.migrations / "0001_library.py").read_text())
    failing = (
        "from alembic import op\nrevision, down_revision = '0002', '0001'\ndef upgrade():\n    op.execute('CREATE nonsense')\n"
    )
    (broken / "0002_broken.py").write_text(failing)
    with pytest.raises(StorageUnusable, match="nonsense"):
        await replace(library, migrations=broken).open(database_url)
    await (await library.open(database_url)).close()


async def test_a_tenant_table_without_isolation_is_refused(library: Any, database_url: str, tmp_path: Path) -> None:
    exposed = tmp_path / "exposed"
    exposed.mkdir()
    (exposed / "0001_library.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nfrom trustmesh_chassis.storage.migration import create_chassis_tables\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n    create_chassis_tables()\n"
        "    op.create_table('diaries', sa.Column('org', sa.String, primary_key=True))\n"
    )
    metadata = MetaData()
    tenant_table("diaries", metadata)
    with pytest.raises(StorageUnusable, match="diaries keep no tenants apart"):
        await replace(library, metadata=metadata, migrations=exposed).open(database_url)


async def test_missing_migrations(library: Any, database_url: str, tmp_path: Path) -> None:
    missing = replace(library, migrations=tmp_path / "none")
    with pytest.raises(StorageUnusable, match="There are no migrations at"):
        await missing.open(database_url)


def test_migrations_of_a_package() -> None:
    assert migrations_folder("xml:etree").name == "etree"


async def test_a_file_that_is_no_database(library: Any, tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    file.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StorageUnusable, match=f"The database {file} is damaged"):
        await library.open(f"sqlite:///{file}")


async def test_a_path_that_cannot_be_a_database(library: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageUnusable, match=f"The database {tmp_path} cannot be used"):
        await library.open(f"sqlite:///{tmp_path}")
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnusable, match=r"file/data\.db cannot be used"):
        await library.open(f"sqlite:///{tmp_path}/file/data.db")


async def test_a_read_only_file(library: Any, tmp_path: Path) -> None:
    file = tmp_path / "data.db"
    await (await library.open(f"sqlite:///{file}")).close()
    with pytest.raises(StorageUnusable, match="readonly database"):
        await library.open(f"sqlite:///file:{file}?mode=ro&uri=true")


async def test_a_server_that_is_down(library: Any) -> None:
    with pytest.raises(Unavailable):
        await library.open("postgresql://nobody@127.0.0.1:1/none")


async def test_a_database_that_does_not_exist(library: Any, postgres_server: str) -> None:
    url = make_url(postgres_server).set(database="nowhere", password="hidden").render_as_string(hide_password=False)
    with pytest.raises(StorageUnusable, match="nowhere") as caught:
        await library.open(url)
    assert "hidden" not in str(caught.value)


async def test_a_current_database_opens_without_alembic(library: Any, tmp_path: Path) -> None:
    """Alembic takes longer to import than the rest of a start takes."""
    url = f"sqlite:///{tmp_path}/data.db"
    await (await library.open(url)).close()
    program = (
        "import asyncio, pathlib, sys\nfrom sqlalchemy import MetaData\nfrom trustmesh_chassis.storage import Database\n"
        f"database = asyncio.run(Database.open({url!r}, MetaData(), pathlib.Path({str(library.migrations)!r})))\n"
        "assert 'alembic' not in sys.modules and 'asyncpg' not in sys.modules\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert await process.wait() == 0
