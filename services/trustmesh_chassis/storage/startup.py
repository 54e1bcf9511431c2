"""What happens between a database's URL and its first unit of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import MetaData, delete, false, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from trustmesh_chassis.errors import DataLoss, Unavailable
from trustmesh_chassis.storage import migration
from trustmesh_chassis.storage.engines import Engines
from trustmesh_chassis.storage.failures import StorageUnusable, translated
from trustmesh_chassis.storage.tables import PAGE_TOKENS, SHARED_KEYS


async def prepare(engines: Engines, metadata: MetaData, migrations: str | Path, random_bytes: Callable[[int], bytes]) -> bytes:
    """Migrate if need be, check what serving connections may do, and return the key that all instances share for page tokens.

    Raises StorageUnusable for what only an operator can mend, Unavailable for a server that is not there yet.
    """
    folder = migration.migrations_folder(migrations)
    with _said_clearly(engines.owner):
        if engines.owner.dialect.name == "sqlite":
            Path(str(engines.owner.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with translated():
            await _migrate(engines, metadata, folder, random_bytes)
            await _refuse_bypass(engines.write)
            return await _page_token_key(engines.write)


async def _migrate(engines: Engines, metadata: MetaData, folder: Path, random_bytes: Callable[[int], bytes]) -> None:
    async with engines.owner.connect() as connection:
        current = await connection.run_sync(migration.current_revision)
    if current is None or current < migration.head_of(folder):
        async with engines.owner.begin() as connection:
            await connection.run_sync(migration.upgrade, folder, metadata, engines.application_role, random_bytes)


async def _refuse_bypass(engine: AsyncEngine) -> None:
    """Row-level security binds no superuser, no role with BYPASSRLS; an owner could switch it off."""
    if engine.dialect.name != "postgresql":
        return
    mine = text(
        "SELECT current_user, rolsuper OR rolbypassrls, "
        "EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid AND relkind = 'r') FROM pg_roles WHERE rolname = current_user"
    )
    async with engine.connect() as connection:
        user, bypasses, owns = (await connection.execute(mine)).one()
    if bypasses or owns:
        raise StorageUnusable(
            f"The role {user} could step around row-level security; give the service a login that is no superuser, "
            "has no BYPASSRLS and owns no table, and the owner's login as migration_url."
        )


async def _page_token_key(engine: AsyncEngine) -> bytes:
    async with engine.connect() as connection:
        await connection.execute(delete(SHARED_KEYS).where(false()))  # fails if the database is read-only
        key: bytes = (await connection.execute(select(SHARED_KEYS.c.key).where(SHARED_KEYS.c.name == PAGE_TOKENS))).scalar_one()
    return key


@contextmanager
def _said_clearly(engine: AsyncEngine) -> Iterator[None]:
    where = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string(hide_password=True)
    try:
        yield
    except DataLoss as error:
        raise StorageUnusable(f"The database {where} is damaged; restore it from a backup.") from error
    except Unavailable as error:
        if engine.dialect.name != "sqlite":
            raise  # a server that is down may come up
        raise StorageUnusable(f"The database {where} cannot be used ({_said(error.__cause__)}).") from error
    except (DBAPIError, OSError) as error:
        raise StorageUnusable(f"The database {where} cannot be used ({_said(error)}).") from error


def _said(error: BaseException | None) -> str:
    """What the driver or the system said, without SQLAlchemy's or the adapter's frame."""
    while isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return str(error.__cause__ or error) if error else ""
