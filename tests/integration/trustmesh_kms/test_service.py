"""Every method over gRPC: answers, errors, tenancy, audit."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

import google_crc32c
import grpc
import grpc.aio
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2, status_pb2
from joserfc.jwk import ECKey, OKPKey

from trustmesh.kms.v1 import crypto_service_pb2 as crypto_pb
from trustmesh.kms.v1 import key_pb2, seal_pb2
from trustmesh.kms.v1 import key_service_pb2 as keys_pb
from trustmesh.kms.v1 import seal_service_pb2 as seal_service_pb
from trustmesh.kms.v1.crypto_service_pb2_grpc import CryptoServiceStub
from trustmesh.kms.v1.key_service_pb2_grpc import KeyServiceStub
from trustmesh.kms.v1.seal_service_pb2_grpc import SealServiceStub
from trustmesh_chassis.service import Application
from trustmesh_chassis.testing.served import Served
from trustmesh_kms.keys import Algorithm, VersionState

ORG = "orgs/demo"
KEY = "orgs/demo/keys/k"
VERSION = "orgs/demo/keys/k/versions/1"


class Caller:
    """Stubs with one token."""

    def __init__(self, kms: Served, **token: Any) -> None:
        channel = kms.channel(kms.issuer.token(**token))
        self.keys: Any = KeyServiceStub(channel)
        self.crypto: Any = CryptoServiceStub(channel)
        self.seal: Any = SealServiceStub(channel)

    async def create(self, key_id: str = "k", parent: str = ORG, request_id: str = "", **fields: Any) -> key_pb2.Key:
        fields.setdefault("purpose", key_pb2.KEY_PURPOSE_ENCRYPT_DECRYPT)
        key = key_pb2.Key(**fields)
        created: key_pb2.Key = await self.keys.CreateKey(
            keys_pb.CreateKeyRequest(parent=parent, key_id=key_id, key=key, request_id=request_id)
        )
        return created


@pytest.fixture
def caller(kms: Served) -> Caller:
    return Caller(kms)


@pytest.fixture
def operator(kms: Served) -> Caller:
    return Caller(kms, orgs=("platform",))


def details(status: status_pb2.Status, kind: Any) -> Any:
    for detail in status.details:
        found = kind()
        if detail.Unpack(found):
            return found
    raise AssertionError(f"no {kind.__name__} in {status}")


class Refused:
    """`async with Refused(...)`: the call inside ends with this status, reason, and invalid fields."""

    def __init__(self, code: grpc.StatusCode, reason: str, *fields: str) -> None:
        self.expected = (code, reason, fields)
        self.message = ""

    async def __aenter__(self) -> Refused:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        assert isinstance(error, grpc.aio.AioRpcError), f"expected {self.expected}, got {error!r}"
        status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        info = details(status, error_details_pb2.ErrorInfo)
        violations = [each for each in status.details if each.Is(error_details_pb2.BadRequest.DESCRIPTOR)]
        found = details(status, error_details_pb2.BadRequest).field_violations if violations else []
        self.message = status.message
        assert (error.code(), info.reason, tuple(each.field for each in found)) == self.expected
        return True


INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


async def test_a_key_from_creation_to_its_second_version(caller: Caller) -> None:
    created = await caller.create(labels={"team": "web"})
    assert (created.name, created.primary_version, dict(created.labels)) == (KEY, VERSION, {"team": "web"})
    assert created.algorithm == key_pb2.KEY_ALGORITHM_XAES_256_GCM
    assert await caller.keys.GetKey(keys_pb.GetKeyRequest(name=KEY)) == created
    rotated = await caller.keys.RotateKey(keys_pb.RotateKeyRequest(name=KEY, etag=created.etag))
    assert rotated.primary_version == f"{KEY}/versions/2"
    back = await caller.keys.UpdateKey(
        keys_pb.UpdateKeyRequest(key=key_pb2.Key(name=KEY, etag=rotated.etag, primary_version=VERSION, labels={"team": "ops"}))
    )
    assert (back.primary_version, dict(back.labels)) == (VERSION, {"team": "ops"})
    async with Refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await caller.keys.RotateKey(keys_pb.RotateKeyRequest(name=KEY, etag=created.etag))
    listed = await caller.keys.ListKeyVersions(keys_pb.ListKeyVersionsRequest(parent=KEY))
    assert [version.name for version in listed.key_versions] == [f"{KEY}/versions/2", VERSION]
    assert await caller.keys.GetKeyVersion(keys_pb.GetKeyVersionRequest(name=VERSION)) == listed.key_versions[1]


async def test_an_update_with_a_mask_clears_what_is_left_out_and_touches_nothing_else(caller: Caller) -> None:
    await caller.create(labels={"team": "web"})
    await caller.keys.RotateKey(keys_pb.RotateKeyRequest(name=KEY))
    request = keys_pb.UpdateKeyRequest(
        key=key_pb2.Key(name=KEY, primary_version=VERSION), update_mask=FieldMask(paths=["labels"])
    )
    updated = await caller.keys.UpdateKey(request)
    assert (updated.primary_version, dict(updated.labels)) == (f"{KEY}/versions/2", {})
    updated = await caller.keys.UpdateKey(
        keys_pb.UpdateKeyRequest(key=key_pb2.Key(name=KEY, labels={"a": "b"}), update_mask=FieldMask(paths=["*"]))
    )
    assert (updated.primary_version, dict(updated.labels)) == (f"{KEY}/versions/2", {"a": "b"})
    async with Refused(INVALID, "INVALID_ARGUMENT", "update_mask"):
        await caller.keys.UpdateKey(keys_pb.UpdateKeyRequest(key=key_pb2.Key(name=KEY), update_mask=FieldMask(paths=["purpose"])))


async def test_keys_are_listed_by_page_and_filter(caller: Caller) -> None:
    for key_id in ("a", "b", "c"):
        await caller.create(key_id, labels={"team": key_id})
    first = await caller.keys.ListKeys(keys_pb.ListKeysRequest(parent=ORG, page_size=2))
    second = await caller.keys.ListKeys(keys_pb.ListKeysRequest(parent=ORG, page_size=2, page_token=first.next_page_token))
    assert [key.name[-1] for key in (*first.keys, *second.keys)] == ["a", "b", "c"]
    assert second.next_page_token == ""
    found = await caller.keys.ListKeys(keys_pb.ListKeysRequest(parent=ORG, filter='labels.team = "b"'))
    assert [key.name for key in found.keys] == [f"{ORG}/keys/b"]
    async with Refused(INVALID, "INVALID_FILTER", "filter"):
        await caller.keys.ListKeys(keys_pb.ListKeysRequest(parent=ORG, filter="' OR 1=1 --"))
    async with Refused(INVALID, "INVALID_PAGE_TOKEN", "page_token"):
        await caller.keys.ListKeys(
            keys_pb.ListKeysRequest(parent=ORG, page_token=first.next_page_token, filter="purpose=SIGN_VERIFY")
        )
    async with Refused(INVALID, "INVALID_ARGUMENT", "page_size"):
        await caller.keys.ListKeys(keys_pb.ListKeysRequest(parent=ORG, page_size=-1))


async def test_a_repeated_creation_with_its_request_id_answers_the_same(caller: Caller) -> None:
    request_id = "8f2c1a52-8f1e-4a4e-9d5e-0a3b9a1f0c11"
    assert await caller.create(request_id=request_id) == await caller.create(request_id=request_id)
    async with Refused(grpc.StatusCode.ALREADY_EXISTS, "KEY_EXISTS"):
        await caller.create()
    async with Refused(INVALID, "ALGORITHM_UNSUITABLE"):
        await caller.create("other", algorithm=key_pb2.KEY_ALGORITHM_EC_SIGN_ED25519)


INVALID_CREATIONS = {
    "parent": ({"parent": "orgs/Demo"}, "parent"),
    "key id": ({"key_id": "-k"}, "key_id"),
    "no purpose": ({"purpose": 0}, "key"),
    "unknown purpose": ({"purpose": 99}, "key.purpose"),
    "label": ({"labels": {"Team": "web"}}, "key.labels[Team]"),
    "request id": ({"request_id": "x"}, "request_id"),
}


@pytest.mark.parametrize(("change", "field"), INVALID_CREATIONS.values(), ids=INVALID_CREATIONS)
async def test_an_invalid_creation_names_the_field(caller: Caller, change: dict[str, Any], field: str) -> None:
    async with Refused(INVALID, "INVALID_ARGUMENT", field):
        await caller.create(**change)


@pytest.mark.parametrize("algorithm", ["AES_256_GCM", "XAES_256_GCM"])
async def test_encrypts_and_decrypts_with_checksums(caller: Caller, algorithm: str) -> None:
    await caller.create(algorithm=f"KEY_ALGORITHM_{algorithm}")
    crc = google_crc32c.value
    encrypted = await caller.crypto.Encrypt(
        crypto_pb.EncryptRequest(
            name=KEY,
            plaintext=b"secret",
            additional_authenticated_data=b"aad",
            plaintext_crc32c=crc(b"secret"),
            additional_authenticated_data_crc32c=crc(b"aad"),
        )
    )
    assert encrypted.version == VERSION
    assert encrypted.verified_plaintext_crc32c
    assert encrypted.verified_additional_authenticated_data_crc32c
    assert encrypted.ciphertext_crc32c == crc(encrypted.ciphertext)
    decrypted = await caller.crypto.Decrypt(
        crypto_pb.DecryptRequest(name=KEY, ciphertext=encrypted.ciphertext, additional_authenticated_data=b"aad")
    )
    assert (decrypted.plaintext, decrypted.plaintext_crc32c, decrypted.version) == (b"secret", crc(b"secret"), VERSION)
    assert not decrypted.verified_ciphertext_crc32c
    async with Refused(INVALID, "CHECKSUM_MISMATCH", "plaintext_crc32c"):
        await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"secret", plaintext_crc32c=1))


async def test_whatever_is_wrong_with_a_ciphertext_is_the_same_answer(caller: Caller) -> None:
    await caller.create()
    good = (await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"secret"))).ciphertext
    await caller.keys.RotateKey(keys_pb.RotateKeyRequest(name=KEY))
    other_version = (await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"secret"))).ciphertext
    bad = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(len(good))]
    bad += [b"x", good[:-1], other_version[:22] + good[22:], good + b"\x00"]
    messages = set()
    for ciphertext in bad:
        async with Refused(INVALID, "DECRYPTION_FAILED") as refused:
            await caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=ciphertext))
        messages.add(refused.message)
    async with Refused(INVALID, "DECRYPTION_FAILED") as refused:
        await caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=good, additional_authenticated_data=b"x"))
    messages.add(refused.message)
    assert len(messages) == 1


async def test_ecdsa_signatures_verify_here_and_outside_with_the_public_key(caller: Caller) -> None:
    await caller.create(purpose=key_pb2.KEY_PURPOSE_SIGN_VERIFY)
    signed = await caller.crypto.Sign(crypto_pb.SignRequest(name=KEY, data=b"message"))
    digest = hashlib.sha256(b"message").digest()
    by_digest = await caller.crypto.Sign(crypto_pb.SignRequest(name=VERSION, sha256_digest=digest))
    public = await caller.keys.GetPublicKey(keys_pb.GetPublicKeyRequest(name=f"{VERSION}/publicKey"))
    assert public.name == f"{VERSION}/publicKey"
    assert public.pem_crc32c == google_crc32c.value(public.pem.encode())
    key = load_pem_public_key(public.pem.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for signature in (signed.signature, by_digest.signature):
        key.verify(signature, b"message", ec.ECDSA(SHA256()))
        verdict = await caller.crypto.Verify(crypto_pb.VerifyRequest(name=VERSION, data=b"message", signature=signature))
        assert verdict.valid
    with pytest.raises(InvalidSignature):
        key.verify(signed.signature, b"other", ec.ECDSA(SHA256()))
    assert ECKey.import_key(json.loads(public.jwk)).thumbprint() == json.loads(public.jwk)["kid"]


async def test_ed25519_signatures_verify_here_and_outside_with_the_public_key(caller: Caller) -> None:
    await caller.create(purpose=key_pb2.KEY_PURPOSE_SIGN_VERIFY, algorithm=key_pb2.KEY_ALGORITHM_EC_SIGN_ED25519)
    signed = await caller.crypto.Sign(crypto_pb.SignRequest(name=KEY, data=b"", message_crc32c=google_crc32c.value(b"")))
    assert signed.verified_message_crc32c
    public = await caller.keys.GetPublicKey(keys_pb.GetPublicKeyRequest(name=f"{VERSION}/publicKey"))
    key = load_pem_public_key(public.pem.encode())
    assert isinstance(key, ed25519.Ed25519PublicKey)
    key.verify(signed.signature, b"")
    assert OKPKey.import_key(json.loads(public.jwk)).thumbprint() == json.loads(public.jwk)["kid"]
    for request, valid in (
        (crypto_pb.VerifyRequest(name=VERSION, data=b"", signature=signed.signature), True),
        (crypto_pb.VerifyRequest(name=VERSION, data=b"x", signature=signed.signature), False),
        (crypto_pb.VerifyRequest(name=VERSION, data=b"", signature=b"no signature"), False),
    ):
        assert (await caller.crypto.Verify(request)).valid == valid
    async with Refused(INVALID, "DIGEST_UNSUPPORTED"):
        await caller.crypto.Sign(crypto_pb.SignRequest(name=KEY, sha256_digest=bytes(32)))
    async with Refused(INVALID, "INVALID_ARGUMENT", "message"):
        await caller.crypto.Sign(crypto_pb.SignRequest(name=KEY))


async def test_batches_answer_each_item_in_order_with_its_own_error(caller: Caller) -> None:
    await caller.create()
    items = [crypto_pb.EncryptItem(plaintext=b"%d" % i) for i in range(1000)]
    items[7].plaintext_crc32c = 1
    encrypted = await caller.crypto.BatchEncrypt(crypto_pb.BatchEncryptRequest(name=KEY, items=items))
    assert len(encrypted.results) == 1000
    failed = encrypted.results[7].error
    assert failed.code == INVALID.value[0]
    assert details(failed, error_details_pb2.ErrorInfo).reason == "CHECKSUM_MISMATCH"
    opened = await caller.crypto.BatchDecrypt(
        crypto_pb.BatchDecryptRequest(
            name=KEY, items=[crypto_pb.DecryptItem(ciphertext=result.response.ciphertext or b"x") for result in encrypted.results]
        )
    )
    plaintexts = [result.response.plaintext for result in opened.results]
    assert plaintexts == [b"" if i == 7 else b"%d" % i for i in range(1000)]
    assert details(opened.results[7].error, error_details_pb2.ErrorInfo).reason == "DECRYPTION_FAILED"
    async with Refused(INVALID, "INVALID_ARGUMENT", "items"):
        await caller.crypto.BatchEncrypt(crypto_pb.BatchEncryptRequest(name=KEY))
    async with Refused(INVALID, "INVALID_ARGUMENT", "items"):
        await caller.crypto.BatchEncrypt(crypto_pb.BatchEncryptRequest(name=KEY, items=[*items, items[0]]))
    async with Refused(INVALID, "INVALID_ARGUMENT", "items[0].plaintext"):
        await caller.crypto.BatchEncrypt(
            crypto_pb.BatchEncryptRequest(name=KEY, items=[crypto_pb.EncryptItem(plaintext=bytes(65537))])
        )
    async with Refused(INVALID, "BATCH_TOO_LARGE"):
        await caller.crypto.BatchEncrypt(
            crypto_pb.BatchEncryptRequest(name=KEY, items=[crypto_pb.EncryptItem(plaintext=bytes(65536))] * 49)
        )


async def test_batches_of_signatures(caller: Caller) -> None:
    await caller.create(purpose=key_pb2.KEY_PURPOSE_SIGN_VERIFY, algorithm=key_pb2.KEY_ALGORITHM_EC_SIGN_ED25519)
    signed = await caller.crypto.BatchSign(
        crypto_pb.BatchSignRequest(name=KEY, items=[crypto_pb.SignItem(data=b"a"), crypto_pb.SignItem(sha256_digest=bytes(32))])
    )
    assert details(signed.results[1].error, error_details_pb2.ErrorInfo).reason == "DIGEST_UNSUPPORTED"
    signature = signed.results[0].response.signature
    verified = await caller.crypto.BatchVerify(
        crypto_pb.BatchVerifyRequest(
            name=VERSION,
            items=[
                crypto_pb.VerifyItem(data=b"a", signature=signature),
                crypto_pb.VerifyItem(data=b"b", signature=signature),
                crypto_pb.VerifyItem(sha256_digest=bytes(32), signature=signature),
            ],
        )
    )
    assert [result.WhichOneof("result") for result in verified.results] == ["response", "response", "error"]
    assert [result.response.valid for result in verified.results] == [True, False, False]


async def test_a_disabled_version_is_of_no_use_until_enabled(caller: Caller) -> None:
    await caller.create()
    ciphertext = (await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"secret"))).ciphertext
    rehearsed = await caller.keys.DisableKeyVersion(keys_pb.DisableKeyVersionRequest(name=VERSION, validate_only=True))
    assert rehearsed.state == key_pb2.KEY_VERSION_STATE_DISABLED
    await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"secret"))
    disabled = await caller.keys.DisableKeyVersion(keys_pb.DisableKeyVersionRequest(name=VERSION))
    assert disabled == await caller.keys.DisableKeyVersion(keys_pb.DisableKeyVersionRequest(name=VERSION))
    async with Refused(PRECONDITION, "KEY_VERSION_DISABLED"):
        await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"secret"))
    async with Refused(PRECONDITION, "KEY_VERSION_DISABLED"):
        await caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=ciphertext))
    batch = await caller.crypto.BatchDecrypt(
        crypto_pb.BatchDecryptRequest(name=KEY, items=[crypto_pb.DecryptItem(ciphertext=ciphertext)])
    )
    assert details(batch.results[0].error, error_details_pb2.ErrorInfo).reason == "KEY_VERSION_DISABLED"
    async with Refused(PRECONDITION, "KEY_VERSION_DISABLED"):
        await caller.keys.UpdateKey(
            keys_pb.UpdateKeyRequest(key=key_pb2.Key(name=(await _second(caller)).name, primary_version=VERSION))
        )
    await caller.keys.EnableKeyVersion(keys_pb.EnableKeyVersionRequest(name=VERSION))
    decrypted = await caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=ciphertext))
    assert decrypted.plaintext == b"secret"


async def _second(caller: Caller) -> key_pb2.Key:
    rotated: key_pb2.Key = await caller.keys.RotateKey(keys_pb.RotateKeyRequest(name=KEY))
    return rotated


async def test_keys_serve_their_purpose_alone(caller: Caller) -> None:
    await caller.create("e")
    await caller.create("s", purpose=key_pb2.KEY_PURPOSE_SIGN_VERIFY)
    for attempt in (
        caller.crypto.Sign(crypto_pb.SignRequest(name=f"{ORG}/keys/e", data=b"")),
        caller.crypto.Verify(crypto_pb.VerifyRequest(name=f"{ORG}/keys/e/versions/1", data=b"", signature=b"x")),
        caller.keys.GetPublicKey(keys_pb.GetPublicKeyRequest(name=f"{ORG}/keys/e/versions/1/publicKey")),
        caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=f"{ORG}/keys/s")),
        caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=f"{ORG}/keys/s", ciphertext=b"x")),
    ):
        async with Refused(PRECONDITION, "PURPOSE_MISMATCH"):
            await attempt


async def test_another_tenants_key_does_not_exist_in_the_same_words(caller: Caller, kms: Served) -> None:
    stranger = Caller(kms, orgs=("other",))
    await stranger.create(parent="orgs/other")
    ciphertext = (await stranger.crypto.Encrypt(crypto_pb.EncryptRequest(name="orgs/other/keys/k", plaintext=b"x"))).ciphertext
    messages = set()
    for name in ("orgs/other/keys/k", "orgs/demo/keys/k"):
        for attempt in (
            caller.keys.GetKey(keys_pb.GetKeyRequest(name=name)),
            caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=name)),
            caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=name, ciphertext=ciphertext)),
            caller.keys.RotateKey(keys_pb.RotateKeyRequest(name=name)),
        ):
            async with Refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND") as refused:
                await attempt
            messages.add(refused.message.replace("other", "demo"))
    assert messages == {"orgs/demo/keys/k does not exist"}
    await caller.create()
    async with Refused(INVALID, "DECRYPTION_FAILED"):
        await caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=ciphertext))


async def test_each_method_wants_its_permission(kms: Served) -> None:
    encrypts_only = Caller(kms, scope="kms.keys.encrypt")
    await Caller(kms).create()
    ciphertext = (await encrypts_only.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY, plaintext=b"x"))).ciphertext
    for attempt in (
        encrypts_only.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=ciphertext)),
        encrypts_only.keys.GetKey(keys_pb.GetKeyRequest(name=KEY)),
    ):
        async with Refused(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"):
            await attempt


async def test_secrets_are_in_no_audit_record(caller: Caller, kms: Served) -> None:
    canary = secrets.token_hex(16).encode()
    await caller.create(labels={"team": "web"})
    encrypted = await caller.crypto.Encrypt(
        crypto_pb.EncryptRequest(name=KEY, plaintext=canary, additional_authenticated_data=canary)
    )
    await caller.crypto.Decrypt(
        crypto_pb.DecryptRequest(name=KEY, ciphertext=encrypted.ciphertext, additional_authenticated_data=canary)
    )
    async with Refused(INVALID, "DECRYPTION_FAILED"):
        await caller.crypto.Decrypt(crypto_pb.DecryptRequest(name=KEY, ciphertext=canary, additional_authenticated_data=canary))
    recorded = json.dumps(kms.records)
    assert canary.decode() not in recorded
    assert len([record for record in kms.records if "CryptoService" in json.dumps(record)]) == 3
    assert "DECRYPTION_FAILED" in recorded


async def test_sealing_stops_everything_but_the_operators(caller: Caller, operator: Caller, application: Application) -> None:
    created = await caller.create()
    await caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY))
    status = await operator.seal.GetSealStatus(seal_service_pb.GetSealStatusRequest(name="sealStatus"))
    assert (status.state, status.unsealer, status.content_key) == (seal_pb2.SEAL_STATE_UNSEALED, "file", 1)
    sealed = await operator.seal.Seal(seal_service_pb.SealRequest(name="sealStatus"))
    assert sealed.state == seal_pb2.SEAL_STATE_SEALED
    for attempt in (
        caller.crypto.Encrypt(crypto_pb.EncryptRequest(name=KEY)),
        caller.keys.GetKey(keys_pb.GetKeyRequest(name=KEY)),
        caller.create("other"),
        operator.seal.RotateContentKey(seal_service_pb.RotateContentKeyRequest(name="sealStatus")),
    ):
        async with Refused(PRECONDITION, "KMS_SEALED"):
            await attempt
    with pytest.raises(Exception, match="sealed"):
        await application.checks["barrier"]()
    assert await operator.seal.GetSealStatus(seal_service_pb.GetSealStatusRequest(name="sealStatus")) == sealed
    unsealed = await operator.seal.Unseal(seal_service_pb.UnsealRequest(name="sealStatus"))
    assert unsealed.state == seal_pb2.SEAL_STATE_UNSEALED
    rotated = await operator.seal.RotateContentKey(seal_service_pb.RotateContentKeyRequest(name="sealStatus"))
    assert rotated.content_key == 2
    assert await caller.keys.GetKey(keys_pb.GetKeyRequest(name=KEY)) == created
    await application.checks["barrier"]()
    await application.checks["database"]()


async def test_the_seal_is_for_operators(caller: Caller) -> None:
    async with Refused(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"):
        await caller.seal.Seal(seal_service_pb.SealRequest(name="sealStatus"))


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [(Algorithm, key_pb2.KeyAlgorithm, "KEY_ALGORITHM_"), (VersionState, key_pb2.KeyVersionState, "KEY_VERSION_STATE_")],
)
def test_the_domains_numbers_are_the_contracts(ours: Any, theirs: Any, prefix: str) -> None:
    assert {prefix + each.name: each.value for each in ours}.items() <= dict(theirs.items()).items()
