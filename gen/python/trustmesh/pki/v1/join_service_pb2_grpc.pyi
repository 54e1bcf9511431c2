"""Types of the gRPC stubs. Generated from trustmesh/pki/v1/join_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.pki.v1.identity_pb2
import trustmesh.pki.v1.join_service_pb2

class JoinServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _JoinServiceBlockingStub: ...
    JoinMesh: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_service_pb2.JoinMeshRequest, trustmesh.pki.v1.identity_pb2.IssuedIdentity]

@type_check_only
class _JoinServiceBlockingStub(JoinServiceStub):
    JoinMesh: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_service_pb2.JoinMeshRequest, trustmesh.pki.v1.identity_pb2.IssuedIdentity]  # type: ignore[assignment] # the same name, blocking

class JoinServiceServicer:
    def JoinMesh(self, request: trustmesh.pki.v1.join_service_pb2.JoinMeshRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.join_service_pb2.JoinMeshRequest, trustmesh.pki.v1.identity_pb2.IssuedIdentity]) -> Awaitable[trustmesh.pki.v1.identity_pb2.IssuedIdentity]: ...

def add_JoinServiceServicer_to_server(servicer: JoinServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
