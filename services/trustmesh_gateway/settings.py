"""What the operator decides about the process; what it lets through is the registry's to say."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from trustmesh_chassis.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Its own port answers health checks inside the mesh; Envoy's are the registry's to say."""

    port_offset: ClassVar[int] = 442

    workers: int = Field(default=2, ge=1, le=64, description="Envoy's threads")
    max_heap_bytes: int = Field(default=512 << 20, ge=64 << 20, description="above 95 % of it Envoy refuses new requests")
    max_connections: int = Field(default=10_000, ge=1, description="clients' connections at once")
