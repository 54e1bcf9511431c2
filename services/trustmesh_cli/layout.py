"""The services of `trustmesh up`: which, on which ports, and in which order they stop. Known without importing any of them."""

from __future__ import annotations

from dataclasses import dataclass

ADMIN = 1000
HTTP = 2000

JOIN = 381
GATEWAY_HTTPS = 443
GATEWAY_PLAIN = 81


@dataclass(frozen=True, slots=True)
class Service:
    """A service's place in the mesh. Ports are offsets from the base port; those of a lower `wave` drain first."""

    name: str
    offset: int
    wave: int
    extra: tuple[int, ...] = ()

    @property
    def offsets(self) -> tuple[int, ...]:
        return (self.offset, *self.extra, self.offset + ADMIN)


SERVICES = (
    Service("pki", 380, wave=3, extra=(JOIN,)),
    Service("registry", 480, wave=2),
    Service("authz", 180, wave=1, extra=(180 + HTTP,)),
    Service("kms", 80, wave=1),
    Service("ratelimit", 681, wave=1),
    Service("petstore", 980, wave=1),
    Service("gateway", 442, wave=0, extra=(GATEWAY_HTTPS, GATEWAY_PLAIN)),
)
NAMES = tuple(service.name for service in SERVICES)
WITH_DATABASE = tuple(name for name in NAMES if name not in ("gateway", "ratelimit"))

NOT_AT_THE_GATEWAY = ("trustmesh.pki.v1.JoinService",)
"""gRPC services that are served on a port of their own, inside the mesh."""
