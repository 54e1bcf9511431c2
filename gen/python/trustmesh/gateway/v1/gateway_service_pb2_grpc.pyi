"""Types of the gRPC stubs. Generated from trustmesh/gateway/v1/gateway_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.gateway.v1.gateway_pb2
import trustmesh.gateway.v1.gateway_service_pb2

class GatewayServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _GatewayServiceBlockingStub: ...
    GetGateway: grpc.aio.UnaryUnaryMultiCallable[trustmesh.gateway.v1.gateway_service_pb2.GetGatewayRequest, trustmesh.gateway.v1.gateway_pb2.Gateway]
    ListRoutes: grpc.aio.UnaryUnaryMultiCallable[trustmesh.gateway.v1.gateway_service_pb2.ListRoutesRequest, trustmesh.gateway.v1.gateway_service_pb2.ListRoutesResponse]

@type_check_only
class _GatewayServiceBlockingStub(GatewayServiceStub):
    GetGateway: grpc.UnaryUnaryMultiCallable[trustmesh.gateway.v1.gateway_service_pb2.GetGatewayRequest, trustmesh.gateway.v1.gateway_pb2.Gateway]  # type: ignore[assignment] # the same name, blocking
    ListRoutes: grpc.UnaryUnaryMultiCallable[trustmesh.gateway.v1.gateway_service_pb2.ListRoutesRequest, trustmesh.gateway.v1.gateway_service_pb2.ListRoutesResponse]  # type: ignore[assignment] # the same name, blocking

class GatewayServiceServicer:
    def GetGateway(self, request: trustmesh.gateway.v1.gateway_service_pb2.GetGatewayRequest, context: grpc.aio.ServicerContext[trustmesh.gateway.v1.gateway_service_pb2.GetGatewayRequest, trustmesh.gateway.v1.gateway_pb2.Gateway]) -> Awaitable[trustmesh.gateway.v1.gateway_pb2.Gateway]: ...
    def ListRoutes(self, request: trustmesh.gateway.v1.gateway_service_pb2.ListRoutesRequest, context: grpc.aio.ServicerContext[trustmesh.gateway.v1.gateway_service_pb2.ListRoutesRequest, trustmesh.gateway.v1.gateway_service_pb2.ListRoutesResponse]) -> Awaitable[trustmesh.gateway.v1.gateway_service_pb2.ListRoutesResponse]: ...

def add_GatewayServiceServicer_to_server(servicer: GatewayServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
