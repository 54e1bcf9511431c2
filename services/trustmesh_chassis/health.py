"""grpc.health.v1 for the services of the mesh: SERVING when the service is, as a whole and for each of its contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from grpc_health.v1 import health_pb2

from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis.admin import Health
from trustmesh_chassis.call import Call
from trustmesh_chassis.errors import NotFound

DESCRIPTOR = health_pb2.DESCRIPTOR.services_by_name["Health"]

_POLICY = policy_pb2.MethodPolicy(
    mesh=policy_pb2.Mesh(callers=["*"]),
    rate_class=policy_pb2.RATE_CLASS_READ,
    audit=policy_pb2.AUDIT_CLASS_NONE,
)
POLICIES = {method.name: _POLICY for method in DESCRIPTOR.methods}

_WATCH_SECONDS = 0.25


class HealthServicer:
    """Answers from the same `Health` as the admin endpoint."""

    def __init__(self, health: Health, services: frozenset[str]) -> None:
        self._health = health
        self._services = services | {""}

    async def Check(self, request: health_pb2.HealthCheckRequest, call: Call) -> health_pb2.HealthCheckResponse:
        if request.service not in self._services:
            raise NotFound(f"this server has no service {request.service}")
        return self._response(True)

    async def List(self, request: health_pb2.HealthListRequest, call: Call) -> health_pb2.HealthListResponse:
        return health_pb2.HealthListResponse(statuses={service: self._response(True) for service in self._services})

    async def Watch(self, request: health_pb2.HealthCheckRequest, call: Call) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        sent = None
        while True:
            response = self._response(request.service in self._services)
            if response.status != sent:
                sent = response.status
                yield response
            await asyncio.sleep(_WATCH_SECONDS)

    def _response(self, known: bool) -> health_pb2.HealthCheckResponse:
        if not known:
            return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        serving = health_pb2.HealthCheckResponse.SERVING if self._health.serving else health_pb2.HealthCheckResponse.NOT_SERVING
        return health_pb2.HealthCheckResponse(status=serving)
