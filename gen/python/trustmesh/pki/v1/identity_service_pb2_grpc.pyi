"""Types of the gRPC stubs. Generated from trustmesh/pki/v1/identity_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.pki.v1.identity_pb2
import trustmesh.pki.v1.identity_service_pb2

class IdentityServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _IdentityServiceBlockingStub: ...
    RenewIdentity: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.identity_service_pb2.RenewIdentityRequest, trustmesh.pki.v1.identity_pb2.IssuedIdentity]
    GetIdentity: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.identity_service_pb2.GetIdentityRequest, trustmesh.pki.v1.identity_pb2.Identity]
    ListIdentities: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.identity_service_pb2.ListIdentitiesRequest, trustmesh.pki.v1.identity_service_pb2.ListIdentitiesResponse]

@type_check_only
class _IdentityServiceBlockingStub(IdentityServiceStub):
    RenewIdentity: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.identity_service_pb2.RenewIdentityRequest, trustmesh.pki.v1.identity_pb2.IssuedIdentity]  # type: ignore[assignment] # the same name, blocking
    GetIdentity: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.identity_service_pb2.GetIdentityRequest, trustmesh.pki.v1.identity_pb2.Identity]  # type: ignore[assignment] # the same name, blocking
    ListIdentities: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.identity_service_pb2.ListIdentitiesRequest, trustmesh.pki.v1.identity_service_pb2.ListIdentitiesResponse]  # type: ignore[assignment] # the same name, blocking

class IdentityServiceServicer:
    def RenewIdentity(self, request: trustmesh.pki.v1.identity_service_pb2.RenewIdentityRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.identity_service_pb2.RenewIdentityRequest, trustmesh.pki.v1.identity_pb2.IssuedIdentity]) -> Awaitable[trustmesh.pki.v1.identity_pb2.IssuedIdentity]: ...
    def GetIdentity(self, request: trustmesh.pki.v1.identity_service_pb2.GetIdentityRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.identity_service_pb2.GetIdentityRequest, trustmesh.pki.v1.identity_pb2.Identity]) -> Awaitable[trustmesh.pki.v1.identity_pb2.Identity]: ...
    def ListIdentities(self, request: trustmesh.pki.v1.identity_service_pb2.ListIdentitiesRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.identity_service_pb2.ListIdentitiesRequest, trustmesh.pki.v1.identity_service_pb2.ListIdentitiesResponse]) -> Awaitable[trustmesh.pki.v1.identity_service_pb2.ListIdentitiesResponse]: ...

def add_IdentityServiceServicer_to_server(servicer: IdentityServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
