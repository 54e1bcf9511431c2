"""trustmesh.gateway.v1: what the gateway lets in."""

from __future__ import annotations

from collections.abc import Callable

from trustmesh.gateway.v1 import gateway_pb2, gateway_service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens
from trustmesh_registry.gateway.describe import describe_gateway, describe_routes
from trustmesh_registry.gateway.mesh import Edge, Mesh
from trustmesh_registry.servicer import paged

GATEWAY = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]


class GatewayServicer:
    """trustmesh.gateway.v1.GatewayService, of the mesh and the edge as they are at the time of the call."""

    def __init__(self, mesh: Callable[[], Mesh], edge: Callable[[], Edge], tokens: PageTokens) -> None:
        self._mesh = mesh
        self._edge = edge
        self._tokens = tokens

    async def GetGateway(self, request: gateway_service_pb2.GetGatewayRequest, call: Call) -> gateway_pb2.Gateway:
        return describe_gateway(self._mesh(), self._edge())

    async def ListRoutes(
        self, request: gateway_service_pb2.ListRoutesRequest, call: Call
    ) -> gateway_service_pb2.ListRoutesResponse:
        routes = describe_routes(self._mesh())
        names, token = paged(routes, request.page_size, request.page_token, self._tokens, call.method.full_name)
        return gateway_service_pb2.ListRoutesResponse(routes=[routes[name] for name in names], next_page_token=token)
