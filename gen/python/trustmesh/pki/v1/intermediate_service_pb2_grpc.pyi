"""Types of the gRPC stubs. Generated from trustmesh/pki/v1/intermediate_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.pki.v1.intermediate_pb2
import trustmesh.pki.v1.intermediate_service_pb2

class IntermediateServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _IntermediateServiceBlockingStub: ...
    CreateIntermediate: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.CreateIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]
    InstallIntermediate: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.InstallIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]
    GetIntermediate: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.GetIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]
    ListIntermediates: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesRequest, trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesResponse]

@type_check_only
class _IntermediateServiceBlockingStub(IntermediateServiceStub):
    CreateIntermediate: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.CreateIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]  # type: ignore[assignment] # the same name, blocking
    InstallIntermediate: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.InstallIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]  # type: ignore[assignment] # the same name, blocking
    GetIntermediate: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.GetIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]  # type: ignore[assignment] # the same name, blocking
    ListIntermediates: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesRequest, trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesResponse]  # type: ignore[assignment] # the same name, blocking

class IntermediateServiceServicer:
    def CreateIntermediate(self, request: trustmesh.pki.v1.intermediate_service_pb2.CreateIntermediateRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.intermediate_service_pb2.CreateIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]) -> Awaitable[trustmesh.pki.v1.intermediate_pb2.Intermediate]: ...
    def InstallIntermediate(self, request: trustmesh.pki.v1.intermediate_service_pb2.InstallIntermediateRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.intermediate_service_pb2.InstallIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]) -> Awaitable[trustmesh.pki.v1.intermediate_pb2.Intermediate]: ...
    def GetIntermediate(self, request: trustmesh.pki.v1.intermediate_service_pb2.GetIntermediateRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.intermediate_service_pb2.GetIntermediateRequest, trustmesh.pki.v1.intermediate_pb2.Intermediate]) -> Awaitable[trustmesh.pki.v1.intermediate_pb2.Intermediate]: ...
    def ListIntermediates(self, request: trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesRequest, trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesResponse]) -> Awaitable[trustmesh.pki.v1.intermediate_service_pb2.ListIntermediatesResponse]: ...

def add_IntermediateServiceServicer_to_server(servicer: IntermediateServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
