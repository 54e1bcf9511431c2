"""PostgreSQL keeps organisations apart by itself, whatever SQL the application's own role sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import insert, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from trustmesh_chassis.storage import Database, StorageUnusable
from trustmesh_chassis.storage.engines import APPLICATION_ROLE
from trustmesh_chassis.storage.tables import METADATA as CHASSIS
from trustmesh_chassis.storage.tenancy import is_tenant


def plain_engine(url: str, role: str | None = None) -> AsyncEngine:
    settings = {"role": role} if role else {}
    driver_url = make_url(url).set(drivername="postgresql+asyncpg")
    return create_async_engine(driver_url, connect_args={"server_settings": settings}, poolclass=NullPool)


@pytest.fixture
async def application(library: Any, postgres_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection as the application's role, past all of our code, to a database with a book of north and one of south."""
    database: Database = await library.open(postgres_url)
    for org in ("north", "south"):
        async with database.unit(org) as unit:
            await unit.execute(insert(library.books).values(id=org, title=org))
    await database.close()
    async with plain_engine(postgres_url, APPLICATION_ROLE).connect() as connection:
        yield connection


async def act_in(connection: AsyncConnection, org: str) -> None:
    await connection.execute(text("SELECT set_config('trustmesh.org', :org, true)"), {"org": org})


async def test_without_organisation_nothing_is_visible(application: AsyncConnection) -> None:
    assert (await application.execute(text("SELECT * FROM books"))).all() == []


async def test_one_organisation_is_visible(application: AsyncConnection) -> None:
    await act_in(application, "north")
    assert (await application.execute(text("SELECT org FROM books"))).scalars().all() == ["north"]


async def test_the_setting_ends_with_its_transaction(application: AsyncConnection) -> None:
    await act_in(application, "north")
    await application.commit()
    assert (await application.execute(text("SELECT * FROM books"))).all() == []


@pytest.mark.parametrize("change", ["UPDATE books SET title = 'x' WHERE org = 'south'", "DELETE FROM books WHERE org = 'south'"])
async def test_foreign_rows_do_not_change(application: AsyncConnection, change: str) -> None:
    await act_in(application, "north")
    assert (await application.execute(text(change))).rowcount == 0


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO books (org, id, title) VALUES ('south', 'x', 'x')",
        "UPDATE books SET org = 'south'",
        "INSERT INTO books (org, id, title) VALUES ('south', 'south', 'x') ON CONFLICT (org, id) DO UPDATE SET title = 'x'",
        "ALTER TABLE books DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE books NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON books",
        "TRUNCATE books",
        "CREATE TABLE copy AS SELECT * FROM books",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
async def test_the_role_cannot_step_around_the_policy(application: AsyncConnection, change: str) -> None:
    await act_in(application, "north")
    with pytest.raises(DBAPIError):
        await application.execute(text(change))


async def test_every_tenant_table_is_covered(library: Any, application: AsyncConnection) -> None:
    """Read from PostgreSQL's own catalogue: each table with an org column, and each that the code calls a tenant table."""
    with_org = set(
        (
            await application.execute(
                text(
                    "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
                    "WHERE attname = 'org' AND relkind = 'r'"
                )
            )
        ).scalars()
    )
    declared = {table.name for table in (*library.metadata.tables.values(), *CHASSIS.tables.values()) if is_tenant(table)}
    assert with_org - {"outbox"} == declared  # the outbox's shipper reads every organisation's events
    catalogue = await application.execute(
        text(
            "SELECT tablename, permissive, roles::text, cmd, qual, with_check, relrowsecurity, relforcerowsecurity "
            "FROM pg_policies JOIN pg_class ON relname = tablename"
        )
    )
    policies = {row.tablename: row for row in catalogue}
    assert policies.keys() == declared
    for policy in policies.values():
        assert (policy.permissive, policy.roles, policy.cmd) == ("PERMISSIVE", "{public}", "ALL")
        assert policy.relrowsecurity and policy.relforcerowsecurity
        assert policy.qual == policy.with_check
        assert "NULLIF(current_setting('trustmesh.org'" in policy.qual and "SELECT" in policy.qual


async def test_the_application_serves_as_a_role_without_power(library: Any, postgres_url: str) -> None:
    await (await library.open(postgres_url)).close()
    async with plain_engine(postgres_url, APPLICATION_ROLE).connect() as connection:
        row = (await connection.execute(text("SELECT * FROM pg_roles WHERE rolname = current_user"))).one()
    assert row.rolname == APPLICATION_ROLE
    assert not (row.rolsuper or row.rolbypassrls or row.rolcreaterole or row.rolcreatedb or row.rolcanlogin)


async def test_a_login_that_could_step_around_is_refused(library: Any, postgres_url: str) -> None:
    with pytest.raises(StorageUnusable, match="step around row-level security"):
        await library.open(postgres_url, migration_url=postgres_url)


async def test_two_logins(library: Any, postgres_url: str) -> None:
    """Production's way: an owner that migrates, and a login of the application's own that owns nothing."""
    name = make_url(postgres_url).database
    async with plain_engine(postgres_url).connect() as connection:
        for statement in (
            f"CREATE ROLE owner_{name} LOGIN",
            f"CREATE ROLE app_{name} LOGIN",
            f"GRANT ALL ON SCHEMA public TO owner_{name}",
        ):
            await connection.execute(text(statement))
        await connection.commit()
    app, owner = (make_url(postgres_url).set(username=f"{kind}_{name}").render_as_string(False) for kind in ("app", "owner"))
    with pytest.raises(StorageUnusable, match="permission denied"):
        await library.open(app, migration_url=app)
    database = await library.open(app, migration_url=owner)
    async with database.unit("north") as unit:
        await unit.execute(insert(library.books).values(id="a", title="a"))
    await database.close()
