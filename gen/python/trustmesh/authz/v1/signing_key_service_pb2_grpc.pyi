"""Types of the gRPC stubs. Generated from trustmesh/authz/v1/signing_key_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.authz.v1.signing_key_pb2
import trustmesh.authz.v1.signing_key_service_pb2

class SigningKeyServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _SigningKeyServiceBlockingStub: ...
    ListSigningKeys: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysRequest, trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysResponse]
    RotateSigningKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.authz.v1.signing_key_service_pb2.RotateSigningKeyRequest, trustmesh.authz.v1.signing_key_pb2.SigningKey]

@type_check_only
class _SigningKeyServiceBlockingStub(SigningKeyServiceStub):
    ListSigningKeys: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysRequest, trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysResponse]  # type: ignore[assignment] # the same name, blocking
    RotateSigningKey: grpc.UnaryUnaryMultiCallable[trustmesh.authz.v1.signing_key_service_pb2.RotateSigningKeyRequest, trustmesh.authz.v1.signing_key_pb2.SigningKey]  # type: ignore[assignment] # the same name, blocking

class SigningKeyServiceServicer:
    def ListSigningKeys(self, request: trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysRequest, trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysResponse]) -> Awaitable[trustmesh.authz.v1.signing_key_service_pb2.ListSigningKeysResponse]: ...
    def RotateSigningKey(self, request: trustmesh.authz.v1.signing_key_service_pb2.RotateSigningKeyRequest, context: grpc.aio.ServicerContext[trustmesh.authz.v1.signing_key_service_pb2.RotateSigningKeyRequest, trustmesh.authz.v1.signing_key_pb2.SigningKey]) -> Awaitable[trustmesh.authz.v1.signing_key_pb2.SigningKey]: ...

def add_SigningKeyServiceServicer_to_server(servicer: SigningKeyServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
