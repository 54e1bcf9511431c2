"""Between the contract's messages and the domain's values; each conversion once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import google_crc32c
from google.protobuf.message import Message

from trustmesh.kms.v1 import crypto_service_pb2, key_pb2, key_service_pb2, seal_pb2
from trustmesh_chassis.errors import CallError
from trustmesh_chassis.status import status_of
from trustmesh_kms.crypto import Converted, Payload, Signable, Verdict, Verifiable
from trustmesh_kms.keys import Algorithm, Key, KeyVersion, Purpose
from trustmesh_kms.material import Data, Digest, PublicHalf, SignedMessage
from trustmesh_kms.operations import (
    Change,
    CreateKey,
    KeyPage,
    PageRequest,
    SealStatus,
    UpdateKey,
    VersionPage,
    key_etag,
    version_etag,
)

SealableItem = crypto_service_pb2.EncryptRequest | crypto_service_pb2.EncryptItem
OpenableItem = crypto_service_pb2.DecryptRequest | crypto_service_pb2.DecryptItem
SignableItem = crypto_service_pb2.SignRequest | crypto_service_pb2.SignItem
VerifiableItem = crypto_service_pb2.VerifyRequest | crypto_service_pb2.VerifyItem

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


# Keys


def create_key(request: key_service_pb2.CreateKeyRequest) -> CreateKey:
    key = request.key
    return CreateKey(
        org=request.parent.removeprefix("orgs/"),
        key_id=request.key_id,
        purpose=Purpose(key.purpose),
        algorithm=Algorithm(key.algorithm) if key.algorithm else None,
        labels=dict(key.labels),
        request_id=request.request_id,
    )


def update_key(request: key_service_pb2.UpdateKeyRequest) -> UpdateKey:
    """Without a mask, the fields that are set are meant (AIP-134)."""
    key, mask = request.key, set(request.update_mask.paths)
    if not mask:
        mask = {name for name, given in (("labels", bool(key.labels)), ("primary_version", bool(key.primary_version))) if given}
    everything = "*" in mask
    return UpdateKey(
        name=key.name,
        etag=key.etag,
        labels=dict(key.labels) if everything or "labels" in mask else None,
        primary_version=key.primary_version if "primary_version" in mask or (everything and key.primary_version) else None,
    )


def change(
    request: key_service_pb2.RotateKeyRequest
    | key_service_pb2.DisableKeyVersionRequest
    | key_service_pb2.EnableKeyVersionRequest,
) -> Change:
    return Change(request.name, request.etag, request.validate_only)


def keys_page_request(request: key_service_pb2.ListKeysRequest) -> PageRequest:
    return PageRequest(request.parent, request.page_size, request.page_token, request.filter)


def versions_page_request(request: key_service_pb2.ListKeyVersionsRequest) -> PageRequest:
    return PageRequest(request.parent, request.page_size, request.page_token)


def key(value: Key) -> key_pb2.Key:
    return key_pb2.Key(
        name=value.name,
        uid=str(value.uid),
        purpose=f"KEY_PURPOSE_{value.purpose.name}",
        algorithm=f"KEY_ALGORITHM_{value.algorithm.name}",
        primary_version=value.version_name(value.primary),
        labels=value.labels,
        create_time=value.created,
        update_time=value.updated,
        etag=key_etag(value),
    )


def key_version(owner: Key, value: KeyVersion) -> key_pb2.KeyVersion:
    return key_pb2.KeyVersion(
        name=owner.version_name(value.number),
        state=f"KEY_VERSION_STATE_{value.state.name}",
        algorithm=f"KEY_ALGORITHM_{value.algorithm.name}",
        create_time=value.created,
        update_time=value.updated,
        etag=version_etag(owner, value),
    )


def event_payload(owner: Key, version: KeyVersion | None) -> Message:
    """What an event carries: the resource as it has become."""
    return key(owner) if version is None else key_version(owner, version)


def keys_page(page: KeyPage) -> key_service_pb2.ListKeysResponse:
    return key_service_pb2.ListKeysResponse(keys=map(key, page.keys), next_page_token=page.next_token)


def versions_page(page: VersionPage) -> key_service_pb2.ListKeyVersionsResponse:
    return key_service_pb2.ListKeyVersionsResponse(
        key_versions=[key_version(page.key, each) for each in page.versions], next_page_token=page.next_token
    )


def public_key_version(request: key_service_pb2.GetPublicKeyRequest) -> str:
    """The name of the version that the public key belongs to."""
    return request.name.removesuffix("/publicKey")


def public_key(value: PublicHalf) -> key_pb2.PublicKey:
    return key_pb2.PublicKey(
        name=f"{value.version}/publicKey",
        algorithm=f"KEY_ALGORITHM_{value.algorithm.name}",
        pem=value.pem,
        jwk=value.jwk,
        pem_crc32c=google_crc32c.value(value.pem.encode()),
    )


# Seal


def seal_status(value: SealStatus) -> seal_pb2.SealStatus:
    record = value.record
    return seal_pb2.SealStatus(
        name="sealStatus",
        state=seal_pb2.SEAL_STATE_SEALED if value.sealed else seal_pb2.SEAL_STATE_UNSEALED,
        unsealer=value.unsealer,
        content_key=record.content_key if record else 0,
        create_time=record.created if record else None,
        update_time=record.updated if record else None,
    )


# Cryptography


def plaintext(item: SealableItem) -> Payload:
    return Payload(
        item.plaintext,
        item.additional_authenticated_data,
        item.plaintext_crc32c if item.HasField("plaintext_crc32c") else None,
        item.additional_authenticated_data_crc32c if item.HasField("additional_authenticated_data_crc32c") else None,
    )


def ciphertext(item: OpenableItem) -> Payload:
    return Payload(
        item.ciphertext,
        item.additional_authenticated_data,
        item.ciphertext_crc32c if item.HasField("ciphertext_crc32c") else None,
        item.additional_authenticated_data_crc32c if item.HasField("additional_authenticated_data_crc32c") else None,
    )


def signable(item: SignableItem) -> Signable:
    return Signable(_message(item), item.message_crc32c if item.HasField("message_crc32c") else None)


def verifiable(item: VerifiableItem) -> Verifiable:
    return Verifiable(
        _message(item),
        item.signature,
        item.message_crc32c if item.HasField("message_crc32c") else None,
        item.signature_crc32c if item.HasField("signature_crc32c") else None,
    )


def encrypt_response(asked: Payload, answer: Converted) -> crypto_service_pb2.EncryptResponse:
    response = crypto_service_pb2.EncryptResponse()
    _fill_encrypted(response, asked, answer)
    return response


def decrypt_response(asked: Payload, answer: Converted) -> crypto_service_pb2.DecryptResponse:
    response = crypto_service_pb2.DecryptResponse()
    _fill_decrypted(response, asked, answer)
    return response


def sign_response(asked: Signable, answer: Converted) -> crypto_service_pb2.SignResponse:
    response = crypto_service_pb2.SignResponse()
    _fill_signed(response, asked, answer)
    return response


def verify_response(asked: Verifiable, answer: Verdict) -> crypto_service_pb2.VerifyResponse:
    response = crypto_service_pb2.VerifyResponse()
    _fill_verified(response, asked, answer)
    return response


def encrypt_results(
    asked: Sequence[Payload], answers: Sequence[Converted | CallError], request_id: str
) -> crypto_service_pb2.BatchEncryptResponse:
    response = crypto_service_pb2.BatchEncryptResponse()
    _fill_each(response.results, asked, answers, _fill_encrypted, request_id)
    return response


def decrypt_results(
    asked: Sequence[Payload], answers: Sequence[Converted | CallError], request_id: str
) -> crypto_service_pb2.BatchDecryptResponse:
    response = crypto_service_pb2.BatchDecryptResponse()
    _fill_each(response.results, asked, answers, _fill_decrypted, request_id)
    return response


def sign_results(
    asked: Sequence[Signable], answers: Sequence[Converted | CallError], request_id: str
) -> crypto_service_pb2.BatchSignResponse:
    response = crypto_service_pb2.BatchSignResponse()
    _fill_each(response.results, asked, answers, _fill_signed, request_id)
    return response


def verify_results(
    asked: Sequence[Verifiable], answers: Sequence[Verdict | CallError], request_id: str
) -> crypto_service_pb2.BatchVerifyResponse:
    response = crypto_service_pb2.BatchVerifyResponse()
    _fill_each(response.results, asked, answers, _fill_verified, request_id)
    return response


def _fill_encrypted(response: crypto_service_pb2.EncryptResponse, asked: Payload, answer: Converted) -> None:
    response.version = answer.version
    response.ciphertext = answer.content
    response.ciphertext_crc32c = google_crc32c.value(answer.content)
    response.verified_plaintext_crc32c = asked.content_crc32c is not None
    response.verified_additional_authenticated_data_crc32c = asked.additional_data_crc32c is not None


def _fill_decrypted(response: crypto_service_pb2.DecryptResponse, asked: Payload, answer: Converted) -> None:
    response.version = answer.version
    response.plaintext = answer.content
    response.plaintext_crc32c = google_crc32c.value(answer.content)
    response.verified_ciphertext_crc32c = asked.content_crc32c is not None
    response.verified_additional_authenticated_data_crc32c = asked.additional_data_crc32c is not None


def _fill_signed(response: crypto_service_pb2.SignResponse, asked: Signable, answer: Converted) -> None:
    response.version = answer.version
    response.signature = answer.content
    response.signature_crc32c = google_crc32c.value(answer.content)
    response.verified_message_crc32c = asked.message_crc32c is not None


def _fill_verified(response: crypto_service_pb2.VerifyResponse, asked: Verifiable, answer: Verdict) -> None:
    response.version = answer.version
    response.valid = answer.valid
    response.verified_message_crc32c = asked.message_crc32c is not None
    response.verified_signature_crc32c = asked.signature_crc32c is not None


def _fill_each(
    results: Any,
    asked: Sequence[Asked],
    answers: Sequence[Answer | CallError],
    fill: Callable[[Any, Asked, Answer], None],
    request_id: str,
) -> None:
    """Fills in place: a message that is made first and put into another is copied for each level."""
    for item, answer in zip(asked, answers, strict=True):
        result = results.add()
        if isinstance(answer, CallError):
            result.error.CopyFrom(status_of(answer, request_id))
        else:
            fill(result.response, item, answer)


def _message(item: SignableItem | VerifiableItem) -> SignedMessage:
    return Data(item.data) if item.HasField("data") else Digest(item.sha256_digest)
