"""A service from its definition to its last drained call.

`ServiceDefinition` says what a service is, `Application` what it serves once built, `Runtime` what the chassis hands to the
function that builds it. `run` is the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from google.protobuf.descriptor import ServiceDescriptor
from starlette.types import ASGIApp

from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis.clients import Clients
from trustmesh_chassis.configuration import Configuration
from trustmesh_chassis.settings import ServiceSettings, Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from trustmesh_chassis.identity import Identity, IdentityAgent
    from trustmesh_chassis.storage import Database

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_SETTINGS = 2


@dataclass(frozen=True)
class ForeignService:
    """A gRPC service whose contract is not ours, with the policy of each of its methods."""

    descriptor: ServiceDescriptor
    servicer: object
    policies: Mapping[str, policy_pb2.MethodPolicy]


@dataclass(frozen=True)
class Application:
    """What a built service serves.

    `servicers` pairs service descriptors with the objects that implement them; `open_servicers` are served on the join port,
    which asks for no client certificate. `http` answers the contract's HTTP mounts, for the gateway alone. `background`
    coroutines live as long as the service; one that ends with an exception ends it. `checks` decide readiness: each returns or
    raises.
    """

    servicers: Sequence[tuple[ServiceDescriptor, object]] = ()
    open_servicers: Sequence[tuple[ServiceDescriptor, object]] = ()
    foreign: Sequence[ForeignService] = ()
    http: ASGIApp | None = None
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Runtime:
    """What the chassis gives to a service that is being built."""

    service: str
    settings: ServiceSettings
    clock: Clock
    clients: Clients
    configuration: Configuration
    identity: Identity

    @property
    def directory(self) -> Path:
        """The service's own directory in the home."""
        return self.settings.directory(self.service)

    async def open_database(self, metadata: MetaData, migrations: str) -> Database:
        """Open the service's database and bring it to the newest migration of `migrations` ("package:folder").

        Raises Unavailable when the database cannot be had.
        """
        from trustmesh_chassis.call import take_pending_audit
        from trustmesh_chassis.storage import Database

        url = self.settings.database_url or f"sqlite+aiosqlite:///{self.directory / 'data.db'}"
        return await Database.open(
            url,
            metadata,
            migrations=migrations,
            clock=self.clock,
            migration_url=self.settings.migration_database_url or None,
            pending_audit=take_pending_audit,
        )


@dataclass(frozen=True)
class ServiceDefinition(Generic[Settings]):
    """A service: its name in the mesh, its settings, and the function that builds it.

    `identity` replaces the join with pki for the one service that cannot join: pki itself.
    """

    name: str
    settings: type[Settings]
    build: Callable[[Settings, Runtime], Awaitable[Application]]
    identity: Callable[[Settings, Clock], Awaitable[IdentityAgent]] | None = None


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def run(definition: ServiceDefinition[Any], home: Path, on_ready: Callable[[], None] | None = None) -> int:
    """Run a service until SIGTERM or SIGINT; `on_ready` is called once when it is ready for calls.

    Returns the process's exit code: 0 after a drain, 1 when the service failed, 2 for unusable settings.
    """
    from trustmesh_chassis.telemetry.logs import configure_logs

    try:
        settings = load_settings(definition.settings, definition.name, home.resolve(), os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_SETTINGS
    configure_logs(definition.name, settings.log_level)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own lines are not JSON, and every failure reaches us as a status
    try:
        asyncio.run(_until_signal(definition, settings, on_ready))
    except Exception as error:
        log.critical("%s cannot go on: %s", definition.name, error, exc_info=error)
        return EXIT_FAILED
    return EXIT_OK


async def _until_signal(
    definition: ServiceDefinition[Any], settings: ServiceSettings, on_ready: Callable[[], None] | None
) -> None:
    from trustmesh_chassis.lifecycle import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(definition, settings, stop, on_ready or (lambda: None))


def instance_id(service: str) -> str:
    """A name for this process that no other instance has."""
    return f"{service}-{socket.gethostname().split('.')[0][:32]}-{os.getpid()}-{secrets.token_hex(3)}"
