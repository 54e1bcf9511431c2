"""The registry's settings: lease terms, whose contracts are whose, and the gateway's edge."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from trustmesh_chassis.settings import REGISTRY_OFFSET, ServiceSettings


class RegistrySettings(ServiceSettings):
    """Durations are in seconds. The `gateway_` settings are those of the mesh's edge, which is compiled here."""

    port_offset: ClassVar[int] = REGISTRY_OFFSET

    concurrency: int = Field(default=5000, ge=1, description="calls at once; every discovery and watch stream counts as one")
    lease: float = Field(default=15.0, gt=0, description="how long an instance is believed alive without a heartbeat")
    heartbeat: float = Field(default=5.0, gt=0, description="how often instances are asked to renew their lease")
    forget_after: float = Field(default=600.0, ge=0, description="when an instance whose lease ran out is forgotten")
    products: dict[str, list[str]] = Field(
        default={"registry": ["config", "gateway"]},
        description="products beside its own name that a service may answer for, for example registry: [config, gateway]",
    )
    max_requests: int = Field(default=1024, ge=1, description="calls that one client may have under way to one service")

    gateway_address: str = "127.0.0.1"
    gateway_hosts: list[str] = Field(default=["localhost", "127.0.0.1", "[::1]"], min_length=1)
    gateway_https_port: int | None = Field(default=None, ge=1, le=65_535)
    gateway_http_port: int | None = Field(default=None, ge=1, le=65_535)
    gateway_cors_origins: list[str] = Field(
        default=[], description="origins whose scripts may call, for example https://app.example"
    )
    gateway_max_body_bytes: int = Field(default=1 << 20, ge=1024, le=4 << 20)
    gateway_collector: str = Field(default="", pattern=r"^([0-9.]+:\d+)?$", description="IP address and port of an OTLP sink")

    @field_validator("heartbeat")
    @classmethod
    def _beats_within_lease(cls, heartbeat: float, info: object) -> float:
        lease = getattr(info, "data", {}).get("lease")
        if lease is not None and heartbeat * 2 > lease:
            raise ValueError(f"must be at most half of lease ({lease}), or one lost heartbeat ends it")
        return heartbeat
