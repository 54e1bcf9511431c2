"""Bringing a service's database to the newest revision.

A service keeps its revisions as `migrations/NNNN_<slug>.py`, one linear chain with revision ids "0001", "0002" and so on. The
first calls `create_chassis_tables()`. A revision is written once and never changed; it only adds, so that the service's previous
version runs on it too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, select, text
from sqlalchemy.sql.schema import SchemaItem

from trustmesh_chassis.storage import tables
from trustmesh_chassis.storage.failures import StorageUnusable
from trustmesh_chassis.storage.tenancy import ORG_LENGTH, SETTING, is_tenant
from trustmesh_chassis.storage.types import ByteText

_REVISION = re.compile(r"(\d{4})_\w+\.py")
_VERSION = Table("alembic_version", MetaData(), Column("version_num", ByteText(32), primary_key=True))
_LOCK = 0x7472757374  # key of PostgreSQL's advisory lock, one migration per database at a time


def migrations_folder(location: str | Path) -> Path:
    """The folder itself, or that of "package:folder". Raises StorageUnusable when it is not there."""
    if isinstance(location, str):
        package, _, folder = location.partition(":")
        path = Path(str(resources.files(package)), folder)
    else:
        path = location
    if not path.is_dir():
        raise StorageUnusable(f"There are no migrations at {location}; reinstall the service.")
    return path


def head_of(folder: Path) -> str:
    """The newest revision of a folder, by its file names."""
    return max(match[1] for file in folder.iterdir() if (match := _REVISION.fullmatch(file.name)))


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar_one_or_none()


def upgrade(
    connection: Connection,
    folder: Path,
    metadata: MetaData,
    application_role: str | None,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Apply what is missing, all or nothing, in the connection's transaction; a database newer than the code is left as it is.

    `application_role` is the PostgreSQL role that serves: created when it is missing, granted the tables, owner of none.
    Raises StorageUnusable when a tenant table of `metadata` is left without isolation.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if (current_revision(connection) or "") < head_of(folder):
        script = ScriptDirectory(folder, version_locations=[folder])

        def missing(revision: Any, context: Any) -> Any:
            return script._upgrade_revs("head", revision)  # as alembic's own upgrade command does

        with EnvironmentContext(Config(), script, fn=missing) as environment:
            environment.configure(connection=connection, render_as_batch=True)
            environment.run_migrations()
    if connection.execute(select(tables.SHARED_KEYS.c.key)).first() is None:
        connection.execute(insert(tables.SHARED_KEYS).values(name=tables.PAGE_TOKENS, key=random_bytes(32)))
    if application_role is not None:
        _grant(connection, application_role)
    if exposed := exposed_tables(connection, metadata):
        raise StorageUnusable(f"The tables {', '.join(exposed)} keep no tenants apart; make them with create_tenant_table.")


def exposed_tables(connection: Connection, metadata: MetaData) -> list[str]:
    """The tenant tables of `metadata` and of the chassis that the database does not isolate, in order of name."""
    if connection.dialect.name == "postgresql":
        isolated = text(
            "SELECT relname FROM pg_class JOIN pg_policies ON tablename = relname "
            "WHERE relnamespace = 'public'::regnamespace AND relrowsecurity AND relforcerowsecurity "
            "AND cmd = 'ALL' AND permissive = 'PERMISSIVE' AND qual = with_check GROUP BY relname HAVING count(*) = 1"
        )
    else:
        isolated = text("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name = tbl_name || '_keeps_org'")
    covered = set(connection.execute(isolated).scalars())
    return sorted(
        table.name for table in (*metadata.tables.values(), tables.REQUESTS) if is_tenant(table) and table.name not in covered
    )


def create_tenant_table(name: str, *items: SchemaItem, **options: Any) -> None:
    """In a revision: create a table with `org` first in its primary key, isolated per organisation."""
    from alembic import op

    op.create_table(name, Column("org", ByteText(ORG_LENGTH), primary_key=True), *items, **options)
    enable_tenant_isolation(name)


def enable_tenant_isolation(table: str) -> None:
    """In a revision: keep a tenant table's rows apart.

    On PostgreSQL by forced row-level security; on SQLite, where statements are bound in code, a trigger lets no row change hands.
    """
    from alembic import op

    if op.get_bind().dialect.name == "postgresql":
        mine = f"org = (SELECT nullif(current_setting('{SETTING}', true), ''))"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine})")
    else:
        op.execute(
            f"CREATE TRIGGER {table}_keeps_org BEFORE UPDATE OF org ON {table} WHEN NEW.org IS NOT OLD.org "
            f"BEGIN SELECT RAISE(ABORT, 'a row keeps its organisation'); END"
        )


def create_chassis_tables() -> None:
    """In a service's first revision: create the tables that the chassis keeps in its database (see `tables`)."""
    from alembic import op

    tables.METADATA.create_all(op.get_bind(), checkfirst=False)
    enable_tenant_isolation(tables.REQUESTS.name)


def _grant(connection: Connection, role: str) -> None:
    """Give the serving role its rights: to rows, never to the tables themselves or to the record of revisions."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    if known is None:
        connection.execute(
            text(
                f"DO $$ BEGIN CREATE ROLE {quoted} NOLOGIN NOBYPASSRLS; GRANT {quoted} TO CURRENT_USER; "
                "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"  # another service was first
            )
        )
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quoted}"))
    connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}"))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {quoted}"))
    connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {quoted}"))
