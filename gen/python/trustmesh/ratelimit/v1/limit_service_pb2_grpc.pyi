"""Types of the gRPC stubs. Generated from trustmesh/ratelimit/v1/limit_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.ratelimit.v1.limit_service_pb2

class LimitServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _LimitServiceBlockingStub: ...
    ListLimits: grpc.aio.UnaryUnaryMultiCallable[trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsRequest, trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsResponse]

@type_check_only
class _LimitServiceBlockingStub(LimitServiceStub):
    ListLimits: grpc.UnaryUnaryMultiCallable[trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsRequest, trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsResponse]  # type: ignore[assignment] # the same name, blocking

class LimitServiceServicer:
    def ListLimits(self, request: trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsRequest, context: grpc.aio.ServicerContext[trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsRequest, trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsResponse]) -> Awaitable[trustmesh.ratelimit.v1.limit_service_pb2.ListLimitsResponse]: ...

def add_LimitServiceServicer_to_server(servicer: LimitServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
