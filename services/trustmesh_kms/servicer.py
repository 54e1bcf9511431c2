"""The contract's three services: convert, call, convert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from trustmesh.kms.v1 import crypto_service_pb2 as crypto_pb
from trustmesh.kms.v1 import key_pb2, seal_pb2, seal_service_pb2
from trustmesh.kms.v1 import key_service_pb2 as keys_pb
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens
from trustmesh_kms import convert, crypto, operations
from trustmesh_kms.barrier import Barrier
from trustmesh_kms.budget import MessageBudget
from trustmesh_kms.keyring import Keyring
from trustmesh_kms.ports import KeyRepository


@dataclass(frozen=True, slots=True)
class KeyServicer:
    """trustmesh.kms.v1.KeyService."""

    keys: KeyRepository
    barrier: Barrier
    keyring: Keyring
    tokens: PageTokens
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]

    async def CreateKey(self, request: keys_pb.CreateKeyRequest, call: Call) -> key_pb2.Key:
        command = convert.create_key(request)
        key = await operations.create_key(command, keys=self.keys, barrier=self.barrier, now=self.clock(), random=self.random)
        return convert.key(key)

    async def GetKey(self, request: keys_pb.GetKeyRequest, call: Call) -> key_pb2.Key:
        return convert.key(await operations.get_key(request.name, keys=self.keys))

    async def ListKeys(self, request: keys_pb.ListKeysRequest, call: Call) -> keys_pb.ListKeysResponse:
        page = await operations.list_keys(convert.keys_page_request(request), keys=self.keys, tokens=self.tokens)
        return convert.keys_page(page)

    async def UpdateKey(self, request: keys_pb.UpdateKeyRequest, call: Call) -> key_pb2.Key:
        command = convert.update_key(request)
        return convert.key(await operations.update_key(command, keys=self.keys, keyring=self.keyring, now=self.clock()))

    async def RotateKey(self, request: keys_pb.RotateKeyRequest, call: Call) -> key_pb2.Key:
        key = await operations.rotate_key(
            convert.change(request),
            keys=self.keys,
            barrier=self.barrier,
            keyring=self.keyring,
            now=self.clock(),
            random=self.random,
        )
        return convert.key(key)

    async def GetKeyVersion(self, request: keys_pb.GetKeyVersionRequest, call: Call) -> key_pb2.KeyVersion:
        return convert.key_version(*await operations.get_key_version(request.name, keys=self.keys))

    async def ListKeyVersions(self, request: keys_pb.ListKeyVersionsRequest, call: Call) -> keys_pb.ListKeyVersionsResponse:
        page = await operations.list_key_versions(convert.versions_page_request(request), keys=self.keys, tokens=self.tokens)
        return convert.versions_page(page)

    async def DisableKeyVersion(self, request: keys_pb.DisableKeyVersionRequest, call: Call) -> key_pb2.KeyVersion:
        command = convert.change(request)
        changed = await operations.disable_key_version(command, keys=self.keys, keyring=self.keyring, now=self.clock())
        return convert.key_version(*changed)

    async def EnableKeyVersion(self, request: keys_pb.EnableKeyVersionRequest, call: Call) -> key_pb2.KeyVersion:
        command = convert.change(request)
        changed = await operations.enable_key_version(command, keys=self.keys, keyring=self.keyring, now=self.clock())
        return convert.key_version(*changed)

    async def GetPublicKey(self, request: keys_pb.GetPublicKeyRequest, call: Call) -> key_pb2.PublicKey:
        version = convert.public_key_version(request)
        return convert.public_key(await operations.get_public_key(version, keyring=self.keyring))


@dataclass(frozen=True, slots=True)
class CryptoServicer:
    """trustmesh.kms.v1.CryptoService."""

    keyring: Keyring
    budget: MessageBudget
    random: Callable[[int], bytes]

    async def Encrypt(self, request: crypto_pb.EncryptRequest, call: Call) -> crypto_pb.EncryptResponse:
        asked = convert.plaintext(request)
        answer = await crypto.encrypt(request.name, asked, keyring=self.keyring, budget=self.budget, random=self.random)
        return convert.encrypt_response(asked, answer)

    async def Decrypt(self, request: crypto_pb.DecryptRequest, call: Call) -> crypto_pb.DecryptResponse:
        asked = convert.ciphertext(request)
        return convert.decrypt_response(asked, await crypto.decrypt(request.name, asked, keyring=self.keyring))

    async def Sign(self, request: crypto_pb.SignRequest, call: Call) -> crypto_pb.SignResponse:
        asked = convert.signable(request)
        return convert.sign_response(asked, await crypto.sign(request.name, asked, keyring=self.keyring))

    async def Verify(self, request: crypto_pb.VerifyRequest, call: Call) -> crypto_pb.VerifyResponse:
        asked = convert.verifiable(request)
        return convert.verify_response(asked, await crypto.verify(request.name, asked, keyring=self.keyring))

    async def BatchEncrypt(self, request: crypto_pb.BatchEncryptRequest, call: Call) -> crypto_pb.BatchEncryptResponse:
        asked = [convert.plaintext(item) for item in request.items]
        answers = await crypto.encrypt_batch(request.name, asked, keyring=self.keyring, budget=self.budget, random=self.random)
        return convert.encrypt_results(asked, answers, call.request_id)

    async def BatchDecrypt(self, request: crypto_pb.BatchDecryptRequest, call: Call) -> crypto_pb.BatchDecryptResponse:
        asked = [convert.ciphertext(item) for item in request.items]
        answers = await crypto.decrypt_batch(request.name, asked, keyring=self.keyring)
        return convert.decrypt_results(asked, answers, call.request_id)

    async def BatchSign(self, request: crypto_pb.BatchSignRequest, call: Call) -> crypto_pb.BatchSignResponse:
        asked = [convert.signable(item) for item in request.items]
        answers = await crypto.sign_batch(request.name, asked, keyring=self.keyring)
        return convert.sign_results(asked, answers, call.request_id)

    async def BatchVerify(self, request: crypto_pb.BatchVerifyRequest, call: Call) -> crypto_pb.BatchVerifyResponse:
        asked = [convert.verifiable(item) for item in request.items]
        answers = await crypto.verify_batch(request.name, asked, keyring=self.keyring)
        return convert.verify_results(asked, answers, call.request_id)


@dataclass(frozen=True, slots=True)
class SealServicer:
    """trustmesh.kms.v1.SealService."""

    barrier: Barrier
    keyring: Keyring

    async def GetSealStatus(self, request: seal_service_pb2.GetSealStatusRequest, call: Call) -> seal_pb2.SealStatus:
        return convert.seal_status(await operations.get_seal_status(barrier=self.barrier))

    async def Seal(self, request: seal_service_pb2.SealRequest, call: Call) -> seal_pb2.SealStatus:
        return convert.seal_status(await operations.seal(barrier=self.barrier, keyring=self.keyring))

    async def Unseal(self, request: seal_service_pb2.UnsealRequest, call: Call) -> seal_pb2.SealStatus:
        return convert.seal_status(await operations.unseal(barrier=self.barrier))

    async def RotateContentKey(self, request: seal_service_pb2.RotateContentKeyRequest, call: Call) -> seal_pb2.SealStatus:
        return convert.seal_status(await operations.rotate_content_key(barrier=self.barrier))
