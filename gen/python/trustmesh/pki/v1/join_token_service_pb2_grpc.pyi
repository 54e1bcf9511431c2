"""Types of the gRPC stubs. Generated from trustmesh/pki/v1/join_token_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import google.protobuf.empty_pb2
import trustmesh.pki.v1.join_token_service_pb2

class JoinTokenServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _JoinTokenServiceBlockingStub: ...
    CreateJoinToken: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenRequest, trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenResponse]
    ListJoinTokens: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensRequest, trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensResponse]
    DeleteJoinToken: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_token_service_pb2.DeleteJoinTokenRequest, google.protobuf.empty_pb2.Empty]

@type_check_only
class _JoinTokenServiceBlockingStub(JoinTokenServiceStub):
    CreateJoinToken: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenRequest, trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenResponse]  # type: ignore[assignment] # the same name, blocking
    ListJoinTokens: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensRequest, trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensResponse]  # type: ignore[assignment] # the same name, blocking
    DeleteJoinToken: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.join_token_service_pb2.DeleteJoinTokenRequest, google.protobuf.empty_pb2.Empty]  # type: ignore[assignment] # the same name, blocking

class JoinTokenServiceServicer:
    def CreateJoinToken(self, request: trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenRequest, trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenResponse]) -> Awaitable[trustmesh.pki.v1.join_token_service_pb2.CreateJoinTokenResponse]: ...
    def ListJoinTokens(self, request: trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensRequest, trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensResponse]) -> Awaitable[trustmesh.pki.v1.join_token_service_pb2.ListJoinTokensResponse]: ...
    def DeleteJoinToken(self, request: trustmesh.pki.v1.join_token_service_pb2.DeleteJoinTokenRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.join_token_service_pb2.DeleteJoinTokenRequest, google.protobuf.empty_pb2.Empty]) -> Awaitable[google.protobuf.empty_pb2.Empty]: ...

def add_JoinTokenServiceServicer_to_server(servicer: JoinTokenServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
