"""Types of the gRPC stubs. Generated from trustmesh/kms/v1/seal_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.kms.v1.seal_pb2
import trustmesh.kms.v1.seal_service_pb2

class SealServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _SealServiceBlockingStub: ...
    GetSealStatus: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.GetSealStatusRequest, trustmesh.kms.v1.seal_pb2.SealStatus]
    Seal: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.SealRequest, trustmesh.kms.v1.seal_pb2.SealStatus]
    Unseal: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.UnsealRequest, trustmesh.kms.v1.seal_pb2.SealStatus]
    RotateContentKey: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.RotateContentKeyRequest, trustmesh.kms.v1.seal_pb2.SealStatus]

@type_check_only
class _SealServiceBlockingStub(SealServiceStub):
    GetSealStatus: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.GetSealStatusRequest, trustmesh.kms.v1.seal_pb2.SealStatus]  # type: ignore[assignment] # the same name, blocking
    Seal: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.SealRequest, trustmesh.kms.v1.seal_pb2.SealStatus]  # type: ignore[assignment] # the same name, blocking
    Unseal: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.UnsealRequest, trustmesh.kms.v1.seal_pb2.SealStatus]  # type: ignore[assignment] # the same name, blocking
    RotateContentKey: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.seal_service_pb2.RotateContentKeyRequest, trustmesh.kms.v1.seal_pb2.SealStatus]  # type: ignore[assignment] # the same name, blocking

class SealServiceServicer:
    def GetSealStatus(self, request: trustmesh.kms.v1.seal_service_pb2.GetSealStatusRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.seal_service_pb2.GetSealStatusRequest, trustmesh.kms.v1.seal_pb2.SealStatus]) -> Awaitable[trustmesh.kms.v1.seal_pb2.SealStatus]: ...
    def Seal(self, request: trustmesh.kms.v1.seal_service_pb2.SealRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.seal_service_pb2.SealRequest, trustmesh.kms.v1.seal_pb2.SealStatus]) -> Awaitable[trustmesh.kms.v1.seal_pb2.SealStatus]: ...
    def Unseal(self, request: trustmesh.kms.v1.seal_service_pb2.UnsealRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.seal_service_pb2.UnsealRequest, trustmesh.kms.v1.seal_pb2.SealStatus]) -> Awaitable[trustmesh.kms.v1.seal_pb2.SealStatus]: ...
    def RotateContentKey(self, request: trustmesh.kms.v1.seal_service_pb2.RotateContentKeyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.seal_service_pb2.RotateContentKeyRequest, trustmesh.kms.v1.seal_pb2.SealStatus]) -> Awaitable[trustmesh.kms.v1.seal_pb2.SealStatus]: ...

def add_SealServiceServicer_to_server(servicer: SealServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
