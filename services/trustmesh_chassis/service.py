"""What a service is: how it is declared, what it is given, and what it serves.

`ServiceDefinition` says what a service is, `Application` what it serves once built, `Runtime` what the chassis hands to the
function that builds it.
"""

from __future__ import annotations

import os
import secrets
import socket
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
from trustmesh_chassis.settings import ServiceSettings, Settings

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from trustmesh_chassis.identity import Identity, IdentityAgent
    from trustmesh_chassis.storage import Database

Clock = Callable[[], datetime]


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


def instance_id(service: str) -> str:
    """A name for this process that no other instance has."""
    return f"{service}-{socket.gethostname().split('.')[0][:32]}-{os.getpid()}-{secrets.token_hex(3)}"
