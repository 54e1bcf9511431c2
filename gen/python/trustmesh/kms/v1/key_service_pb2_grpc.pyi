"""Types of the gRPC stubs. Generated from trustmesh/kms/v1/key_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.kms.v1.key_pb2
import trustmesh.kms.v1.key_service_pb2

class KeyServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _KeyServiceBlockingStub: ...
    CreateKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.CreateKeyRequest, trustmesh.kms.v1.key_pb2.Key]
    GetKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.GetKeyRequest, trustmesh.kms.v1.key_pb2.Key]
    ListKeys: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.ListKeysRequest, trustmesh.kms.v1.key_service_pb2.ListKeysResponse]
    UpdateKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.UpdateKeyRequest, trustmesh.kms.v1.key_pb2.Key]
    RotateKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.RotateKeyRequest, trustmesh.kms.v1.key_pb2.Key]
    GetKeyVersion: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.GetKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]
    ListKeyVersions: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.ListKeyVersionsRequest, trustmesh.kms.v1.key_service_pb2.ListKeyVersionsResponse]
    DisableKeyVersion: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.DisableKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]
    EnableKeyVersion: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.EnableKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]
    GetPublicKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.GetPublicKeyRequest, trustmesh.kms.v1.key_pb2.PublicKey]

@type_check_only
class _KeyServiceBlockingStub(KeyServiceStub):
    CreateKey: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.CreateKeyRequest, trustmesh.kms.v1.key_pb2.Key]  # type: ignore[assignment] # the same name, blocking
    GetKey: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.GetKeyRequest, trustmesh.kms.v1.key_pb2.Key]  # type: ignore[assignment] # the same name, blocking
    ListKeys: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.ListKeysRequest, trustmesh.kms.v1.key_service_pb2.ListKeysResponse]  # type: ignore[assignment] # the same name, blocking
    UpdateKey: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.UpdateKeyRequest, trustmesh.kms.v1.key_pb2.Key]  # type: ignore[assignment] # the same name, blocking
    RotateKey: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.RotateKeyRequest, trustmesh.kms.v1.key_pb2.Key]  # type: ignore[assignment] # the same name, blocking
    GetKeyVersion: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.GetKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]  # type: ignore[assignment] # the same name, blocking
    ListKeyVersions: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.ListKeyVersionsRequest, trustmesh.kms.v1.key_service_pb2.ListKeyVersionsResponse]  # type: ignore[assignment] # the same name, blocking
    DisableKeyVersion: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.DisableKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]  # type: ignore[assignment] # the same name, blocking
    EnableKeyVersion: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.EnableKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]  # type: ignore[assignment] # the same name, blocking
    GetPublicKey: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.key_service_pb2.GetPublicKeyRequest, trustmesh.kms.v1.key_pb2.PublicKey]  # type: ignore[assignment] # the same name, blocking

class KeyServiceServicer:
    def CreateKey(self, request: trustmesh.kms.v1.key_service_pb2.CreateKeyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.CreateKeyRequest, trustmesh.kms.v1.key_pb2.Key]) -> Awaitable[trustmesh.kms.v1.key_pb2.Key]: ...
    def GetKey(self, request: trustmesh.kms.v1.key_service_pb2.GetKeyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.GetKeyRequest, trustmesh.kms.v1.key_pb2.Key]) -> Awaitable[trustmesh.kms.v1.key_pb2.Key]: ...
    def ListKeys(self, request: trustmesh.kms.v1.key_service_pb2.ListKeysRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.ListKeysRequest, trustmesh.kms.v1.key_service_pb2.ListKeysResponse]) -> Awaitable[trustmesh.kms.v1.key_service_pb2.ListKeysResponse]: ...
    def UpdateKey(self, request: trustmesh.kms.v1.key_service_pb2.UpdateKeyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.UpdateKeyRequest, trustmesh.kms.v1.key_pb2.Key]) -> Awaitable[trustmesh.kms.v1.key_pb2.Key]: ...
    def RotateKey(self, request: trustmesh.kms.v1.key_service_pb2.RotateKeyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.RotateKeyRequest, trustmesh.kms.v1.key_pb2.Key]) -> Awaitable[trustmesh.kms.v1.key_pb2.Key]: ...
    def GetKeyVersion(self, request: trustmesh.kms.v1.key_service_pb2.GetKeyVersionRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.GetKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]) -> Awaitable[trustmesh.kms.v1.key_pb2.KeyVersion]: ...
    def ListKeyVersions(self, request: trustmesh.kms.v1.key_service_pb2.ListKeyVersionsRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.ListKeyVersionsRequest, trustmesh.kms.v1.key_service_pb2.ListKeyVersionsResponse]) -> Awaitable[trustmesh.kms.v1.key_service_pb2.ListKeyVersionsResponse]: ...
    def DisableKeyVersion(self, request: trustmesh.kms.v1.key_service_pb2.DisableKeyVersionRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.DisableKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]) -> Awaitable[trustmesh.kms.v1.key_pb2.KeyVersion]: ...
    def EnableKeyVersion(self, request: trustmesh.kms.v1.key_service_pb2.EnableKeyVersionRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.EnableKeyVersionRequest, trustmesh.kms.v1.key_pb2.KeyVersion]) -> Awaitable[trustmesh.kms.v1.key_pb2.KeyVersion]: ...
    def GetPublicKey(self, request: trustmesh.kms.v1.key_service_pb2.GetPublicKeyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.key_service_pb2.GetPublicKeyRequest, trustmesh.kms.v1.key_pb2.PublicKey]) -> Awaitable[trustmesh.kms.v1.key_pb2.PublicKey]: ...

def add_KeyServiceServicer_to_server(servicer: KeyServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
