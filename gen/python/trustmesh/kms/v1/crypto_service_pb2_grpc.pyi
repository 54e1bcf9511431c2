"""Types of the gRPC stubs. Generated from trustmesh/kms/v1/crypto_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.kms.v1.crypto_service_pb2

class CryptoServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _CryptoServiceBlockingStub: ...
    Encrypt: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.EncryptRequest, trustmesh.kms.v1.crypto_service_pb2.EncryptResponse]
    Decrypt: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.DecryptRequest, trustmesh.kms.v1.crypto_service_pb2.DecryptResponse]
    Sign: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.SignRequest, trustmesh.kms.v1.crypto_service_pb2.SignResponse]
    Verify: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.VerifyRequest, trustmesh.kms.v1.crypto_service_pb2.VerifyResponse]
    BatchEncrypt: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchEncryptRequest, trustmesh.kms.v1.crypto_service_pb2.BatchEncryptResponse]
    BatchDecrypt: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchDecryptRequest, trustmesh.kms.v1.crypto_service_pb2.BatchDecryptResponse]
    BatchSign: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchSignRequest, trustmesh.kms.v1.crypto_service_pb2.BatchSignResponse]
    BatchVerify: grpc.aio.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchVerifyRequest, trustmesh.kms.v1.crypto_service_pb2.BatchVerifyResponse]

@type_check_only
class _CryptoServiceBlockingStub(CryptoServiceStub):
    Encrypt: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.EncryptRequest, trustmesh.kms.v1.crypto_service_pb2.EncryptResponse]  # type: ignore[assignment] # the same name, blocking
    Decrypt: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.DecryptRequest, trustmesh.kms.v1.crypto_service_pb2.DecryptResponse]  # type: ignore[assignment] # the same name, blocking
    Sign: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.SignRequest, trustmesh.kms.v1.crypto_service_pb2.SignResponse]  # type: ignore[assignment] # the same name, blocking
    Verify: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.VerifyRequest, trustmesh.kms.v1.crypto_service_pb2.VerifyResponse]  # type: ignore[assignment] # the same name, blocking
    BatchEncrypt: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchEncryptRequest, trustmesh.kms.v1.crypto_service_pb2.BatchEncryptResponse]  # type: ignore[assignment] # the same name, blocking
    BatchDecrypt: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchDecryptRequest, trustmesh.kms.v1.crypto_service_pb2.BatchDecryptResponse]  # type: ignore[assignment] # the same name, blocking
    BatchSign: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchSignRequest, trustmesh.kms.v1.crypto_service_pb2.BatchSignResponse]  # type: ignore[assignment] # the same name, blocking
    BatchVerify: grpc.UnaryUnaryMultiCallable[trustmesh.kms.v1.crypto_service_pb2.BatchVerifyRequest, trustmesh.kms.v1.crypto_service_pb2.BatchVerifyResponse]  # type: ignore[assignment] # the same name, blocking

class CryptoServiceServicer:
    def Encrypt(self, request: trustmesh.kms.v1.crypto_service_pb2.EncryptRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.EncryptRequest, trustmesh.kms.v1.crypto_service_pb2.EncryptResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.EncryptResponse]: ...
    def Decrypt(self, request: trustmesh.kms.v1.crypto_service_pb2.DecryptRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.DecryptRequest, trustmesh.kms.v1.crypto_service_pb2.DecryptResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.DecryptResponse]: ...
    def Sign(self, request: trustmesh.kms.v1.crypto_service_pb2.SignRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.SignRequest, trustmesh.kms.v1.crypto_service_pb2.SignResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.SignResponse]: ...
    def Verify(self, request: trustmesh.kms.v1.crypto_service_pb2.VerifyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.VerifyRequest, trustmesh.kms.v1.crypto_service_pb2.VerifyResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.VerifyResponse]: ...
    def BatchEncrypt(self, request: trustmesh.kms.v1.crypto_service_pb2.BatchEncryptRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.BatchEncryptRequest, trustmesh.kms.v1.crypto_service_pb2.BatchEncryptResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.BatchEncryptResponse]: ...
    def BatchDecrypt(self, request: trustmesh.kms.v1.crypto_service_pb2.BatchDecryptRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.BatchDecryptRequest, trustmesh.kms.v1.crypto_service_pb2.BatchDecryptResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.BatchDecryptResponse]: ...
    def BatchSign(self, request: trustmesh.kms.v1.crypto_service_pb2.BatchSignRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.BatchSignRequest, trustmesh.kms.v1.crypto_service_pb2.BatchSignResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.BatchSignResponse]: ...
    def BatchVerify(self, request: trustmesh.kms.v1.crypto_service_pb2.BatchVerifyRequest, context: grpc.aio.ServicerContext[trustmesh.kms.v1.crypto_service_pb2.BatchVerifyRequest, trustmesh.kms.v1.crypto_service_pb2.BatchVerifyResponse]) -> Awaitable[trustmesh.kms.v1.crypto_service_pb2.BatchVerifyResponse]: ...

def add_CryptoServiceServicer_to_server(servicer: CryptoServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
