"""The mesh's services as programs of the supervisor."""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustmesh_cli.home import Home, Mesh
from trustmesh_cli.layout import NAMES, SERVICES, WITH_DATABASE
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.supervisor.child import NOTIFY_VARIABLE
from trustmesh_cli.supervisor.program import Program

if TYPE_CHECKING:
    from trustmesh_chassis.service import ServiceDefinition

ENTRY_POINTS = "trustmesh.services"
_HEAVY = (
    "trustmesh_chassis.lifecycle",
    "trustmesh_chassis.storage",
    "trustmesh_chassis.telemetry.logs",
    "uvicorn.lifespan.off",
)
_DRIVER = {"sqlite": "sqlalchemy.dialects.sqlite.aiosqlite", "postgres": "sqlalchemy.dialects.postgresql.asyncpg"}
_MIGRATING = ("alembic.config", "alembic.runtime.environment", "alembic.script", "alembic.op")


def serve(name: str, home: Path) -> int:
    """Run the service in this process until SIGTERM or SIGINT; its exit code."""
    settle_grpc()
    definition = load_definition(name)
    from trustmesh_chassis.process import run

    return run(definition, home, on_ready=tell_ready)


def settle_grpc() -> None:
    """Before gRPC is imported: no handlers of its own around forks, and its C core says nothing that our logs do not.

    Its handlers made the process that was to become Envoy abort, now and then, between fork and exec.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def tell_ready() -> None:
    """Tell the supervisor, if there is one."""
    descriptor = os.environ.get(NOTIFY_VARIABLE)
    if descriptor is not None:
        os.write(int(descriptor), b"READY=1\n")


def load_definition(name: str) -> ServiceDefinition[Any]:
    """The service that is installed under `name`; raises Problem where there is none or it cannot be imported."""
    found = importlib.metadata.entry_points(group=ENTRY_POINTS)
    if name not in found.names:
        raise Problem(f"there is no service {name!r}", f"choose one of {', '.join(sorted(found.names))}", Exit.USAGE)
    try:
        definition: ServiceDefinition[Any] = found[name].load()
    except Exception as error:  # an import runs any code
        raise Problem(
            f"{name} cannot be imported ({type(error).__name__}: {error})", "bring the environment up to date with `make env`"
        ) from error
    return definition


def preload(home: Home, storage: str) -> None:
    """Import what the services need, so that their processes share it. What cannot be imported fails later in its own process."""
    settle_grpc()
    found = importlib.metadata.entry_points(group=ENTRY_POINTS)
    is_first = not all((home.service(name) / "data.db").exists() for name in WITH_DATABASE)
    modules = [
        *_HEAVY,
        _DRIVER[storage],
        *(_MIGRATING if is_first else ()),
        *(point.module for point in found if point.name in NAMES),
    ]
    collecting = gc.isenabled()
    gc.disable()  # importing makes much and drops little
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever a broken service does at its import; it fails by name in its own process
            sys.stderr.write(f"{module} cannot be imported ({error})\n")
    gc.freeze()  # collections in the services leave these objects alone, and so their pages shared
    if collecting:
        gc.enable()


def require_settings(home: Home) -> None:
    """Raises Problem for the first setting that a service would refuse."""
    from trustmesh_chassis.settings import SettingsError, load_settings

    for name in NAMES:
        try:
            load_settings(load_definition(name).settings, name, home.path, os.environ)
        except SettingsError as error:
            raise Problem(str(error).splitlines()[0], code=Exit.DAMAGED) from None


@contextmanager
def databases(home: Home, storage: str) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """Starts the embedded PostgreSQL where it is asked for; what each service's environment must say about its database."""
    if storage != "postgres":
        yield {}
        return
    from trustmesh_cli.postgres import embedded

    with embedded(home.postgres, WITH_DATABASE) as environments:
        yield environments


def programs(home: Home, mesh: Mesh) -> list[Program]:
    """One program a service."""
    command = (sys.executable, "-m", "trustmesh_cli", "--home", str(home.path), "serve")
    return [
        Program(
            service.name,
            run=_run(service.name, home.path),
            command=(*command, service.name),
            wave=service.wave,
            ports=tuple(mesh.port(offset) for offset in service.offsets),
        )
        for service in SERVICES
    ]


def _run(name: str, home: Path) -> Callable[[], int]:
    def run() -> int:
        try:
            return serve(name, home)
        except Problem as problem:
            sys.stderr.write(f"{problem}\n")
            return problem.code

    return run
