"""Types of the gRPC stubs. Generated from trustmesh/authz/v1/client_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import google.protobuf.empty_pb2
import trustmesh.authz.v1.client_pb2
import trustmesh.authz.v1.client_service_pb2

class ClientServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _ClientServiceBlockingStub: ...
    CreateClient: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.CreateClientRequest, trustmesh.authz.v1.client_service_pb2.CreateClientResponse]
    GetClient: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.GetClientRequest, trustmesh.authz.v1.client_pb2.Client]
    ListClients: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.ListClientsRequest, trustmesh.authz.v1.client_service_pb2.ListClientsResponse]
    UpdateClient: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.UpdateClientRequest, trustmesh.authz.v1.client_pb2.Client]
    DeleteClient: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.DeleteClientRequest, google.protobuf.empty_pb2.Empty]
    RotateClientSecret: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.RotateClientSecretRequest, trustmesh.authz.v1.client_service_pb2.RotateClientSecretResponse]

@type_check_only
class _ClientServiceBlockingStub(ClientServiceStub):
    CreateClient: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.CreateClientRequest, trustmesh.authz.v1.client_service_pb2.CreateClientResponse]  # type: ignore[assignment] # the same name, blocking
    GetClient: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.GetClientRequest, trustmesh.authz.v1.client_pb2.Client]  # type: ignore[assignment] # the same name, blocking
    ListClients: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.ListClientsRequest, trustmesh.authz.v1.client_service_pb2.ListClientsResponse]  # type: ignore[assignment] # the same name, blocking
    UpdateClient: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.UpdateClientRequest, trustmesh.authz.v1.client_pb2.Client]  # type: ignore[assignment] # the same name, blocking
    DeleteClient: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.DeleteClientRequest, google.protobuf.empty_pb2.Empty]  # type: ignore[assignment] # the same name, blocking
    RotateClientSecret: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.client_service_pb2.RotateClientSecretRequest, trustmesh.authz.v1.client_service_pb2.RotateClientSecretResponse]  # type: ignore[assignment] # the same name, blocking

class ClientServiceServicer:
    def CreateClient(self, request: trustmesh.authz.v1.client_service_pb2.CreateClientRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.client_service_pb2.CreateClientRequest, trustmesh.authz.v1.client_service_pb2.CreateClientResponse]) -> Awaitable[trustmesh.authz.v1.client_service_pb2.CreateClientResponse]: ...
    def GetClient(self, request: trustmesh.authz.v1.client_service_pb2.GetClientRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.client_service_pb2.GetClientRequest, trustmesh.authz.v1.client_pb2.Client]) -> Awaitable[trustmesh.authz.v1.client_pb2.Client]: ...
    def ListClients(self, request: trustmesh.authz.v1.client_service_pb2.ListClientsRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.client_service_pb2.ListClientsRequest, trustmesh.authz.v1.client_service_pb2.ListClientsResponse]) -> Awaitable[trustmesh.authz.v1.client_service_pb2.ListClientsResponse]: ...
    def UpdateClient(self, request: trustmesh.authz.v1.client_service_pb2.UpdateClientRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.client_service_pb2.UpdateClientRequest, trustmesh.authz.v1.client_pb2.Client]) -> Awaitable[trustmesh.authz.v1.client_pb2.Client]: ...
    def DeleteClient(self, request: trustmesh.authz.v1.client_service_pb2.DeleteClientRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.client_service_pb2.DeleteClientRequest, google.protobuf.empty_pb2.Empty]) -> Awaitable[google.protobuf.empty_pb2.Empty]: ...
    def RotateClientSecret(self, request: trustmesh.authz.v1.client_service_pb2.RotateClientSecretRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.client_service_pb2.RotateClientSecretRequest, trustmesh.authz.v1.client_service_pb2.RotateClientSecretResponse]) -> Awaitable[trustmesh.authz.v1.client_service_pb2.RotateClientSecretResponse]: ...

def add_ClientServiceServicer_to_server(servicer: ClientServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
