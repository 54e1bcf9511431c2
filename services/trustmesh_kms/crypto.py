"""Use cases of CryptoService: one item or many. Of many, what an item's own bytes cause fails that item alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar

import google_crc32c

from trustmesh_chassis.errors import CallError, FieldViolation
from trustmesh_kms.budget import MessageBudget
from trustmesh_kms.errors import BatchTooLarge, ChecksumMismatch, DecryptionFailed, KeyVersionDisabled, SignatureInvalid
from trustmesh_kms.keyring import Keyring
from trustmesh_kms.material import EncryptionKey, SignedMessage, SigningKey, unverified_version

MAX_BATCH_BYTES: Final = 3 << 20

# Items between two turns of the event loop, about a millisecond or two: a batch must not make other calls wait for all of it. The
# library holds the interpreter's lock throughout, so threads would not be faster.
_ENCRYPTIONS: Final = 256
_SIGNATURES: Final = 32
_VERIFICATIONS: Final = 16


class Payload(NamedTuple):
    """A plaintext or ciphertext with its additional data, and the checksums that the caller sent, if any."""

    content: bytes
    additional_data: bytes
    content_crc32c: int | None
    additional_data_crc32c: int | None


class Signable(NamedTuple):
    """A message to sign."""

    message: SignedMessage
    message_crc32c: int | None


class Verifiable(NamedTuple):
    """A signature with the message that it is said to sign."""

    message: SignedMessage
    signature: bytes
    message_crc32c: int | None
    signature_crc32c: int | None


class Converted(NamedTuple):
    """A ciphertext, plaintext or signature, and the version that made it (of a plaintext: that had encrypted it)."""

    version: str
    content: bytes


class Verdict(NamedTuple):
    """Whether `version` made the signature."""

    version: str
    valid: bool


Item = TypeVar("Item")
Result = TypeVar("Result")
Random = Callable[[int], bytes]


async def encrypt(key_name: str, plaintext: Payload, *, keyring: Keyring, budget: MessageBudget, random: Random) -> Converted:
    """Raises KmsSealed, NotFound, PurposeMismatch, KeyVersionDisabled, KeyVersionExhausted or ChecksumMismatch."""
    key = await keyring.encryption_key(key_name)
    _check("plaintext", plaintext)
    if key.metered:
        await budget.spend(key, 1)
    return Converted(key.name, key.encrypt(random(key.nonce_size), plaintext.content, plaintext.additional_data))


async def decrypt(key_name: str, ciphertext: Payload, *, keyring: Keyring) -> Converted:
    """Raises KmsSealed, NotFound, PurposeMismatch, KeyVersionDisabled, ChecksumMismatch, and DecryptionFailed for all else."""
    key = await keyring.decryption_key(key_name, unverified_version(ciphertext.content))
    return _decrypted(key, ciphertext)


async def sign(name: str, item: Signable, *, keyring: Keyring) -> Converted:
    """Raises KmsSealed, NotFound, PurposeMismatch, KeyVersionDisabled, DigestUnsupported or ChecksumMismatch."""
    return _signed(await keyring.signing_key(name), item)


async def verify(version_name: str, item: Verifiable, *, keyring: Keyring) -> Verdict:
    """Raises as `sign`; a wrong signature is a verdict."""
    return _judged(await keyring.signing_key(version_name), item)


async def encrypt_batch(
    key_name: str, plaintexts: Sequence[Payload], *, keyring: Keyring, budget: MessageBudget, random: Random
) -> list[Converted | CallError]:
    """Raises as `encrypt`, checksums apart, and BatchTooLarge."""
    _bound_payloads(plaintexts)
    key = await keyring.encryption_key(key_name)
    if key.metered:
        await budget.spend(key, len(plaintexts))
    size = key.nonce_size
    entropy = random(size * len(plaintexts))
    nonces = (entropy[start : start + size] for start in range(0, len(entropy), size))

    def encrypted(item: Payload) -> Converted:
        nonce = next(nonces)
        _check("plaintext", item)
        return Converted(key.name, key.encrypt(nonce, item.content, item.additional_data))

    return await _each(plaintexts, encrypted, _ENCRYPTIONS)


async def decrypt_batch(key_name: str, ciphertexts: Sequence[Payload], *, keyring: Keyring) -> list[Converted | CallError]:
    """Raises KmsSealed, NotFound, PurposeMismatch or BatchTooLarge."""
    _bound_payloads(ciphertexts)
    keys: dict[int, EncryptionKey | KeyVersionDisabled | None] = {}
    for number in {unverified_version(item.content) for item in ciphertexts}:
        try:
            keys[number] = await keyring.decryption_key(key_name, number)
        except KeyVersionDisabled as disabled:
            keys[number] = disabled

    def decrypted(item: Payload) -> Converted:
        key = keys[unverified_version(item.content)]
        if isinstance(key, KeyVersionDisabled):
            raise key
        return _decrypted(key, item)

    return await _each(ciphertexts, decrypted, _ENCRYPTIONS)


async def sign_batch(name: str, items: Sequence[Signable], *, keyring: Keyring) -> list[Converted | CallError]:
    """Raises KmsSealed, NotFound, PurposeMismatch, KeyVersionDisabled or BatchTooLarge."""
    _bound_bytes(len(item.message.content) for item in items)
    return await _each(items, partial(_signed, await keyring.signing_key(name)), _SIGNATURES)


async def verify_batch(version_name: str, items: Sequence[Verifiable], *, keyring: Keyring) -> list[Verdict | CallError]:
    """Raises as `sign_batch`."""
    _bound_bytes(len(item.message.content) + len(item.signature) for item in items)
    return await _each(items, partial(_judged, await keyring.signing_key(version_name)), _VERIFICATIONS)


def _decrypted(key: EncryptionKey | None, item: Payload) -> Converted:
    _check("ciphertext", item)
    if key is None:
        raise DecryptionFailed
    return Converted(key.name, key.decrypt(item.content, item.additional_data))


def _signed(key: SigningKey, item: Signable) -> Converted:
    if item.message_crc32c is not None:
        _compare("message_crc32c", item.message_crc32c, item.message.content)
    return Converted(key.name, key.sign(item.message))


def _judged(key: SigningKey, item: Verifiable) -> Verdict:
    if item.message_crc32c is not None:
        _compare("message_crc32c", item.message_crc32c, item.message.content)
    if item.signature_crc32c is not None:
        _compare("signature_crc32c", item.signature_crc32c, item.signature)
    try:
        key.verify(item.signature, item.message)
    except SignatureInvalid:
        return Verdict(key.name, valid=False)
    return Verdict(key.name, valid=True)


def _check(field: str, item: Payload) -> None:
    if item.content_crc32c is not None:
        _compare(f"{field}_crc32c", item.content_crc32c, item.content)
    if item.additional_data_crc32c is not None:
        _compare("additional_authenticated_data_crc32c", item.additional_data_crc32c, item.additional_data)


def _compare(field: str, expected: int, content: bytes) -> None:
    if google_crc32c.value(content) != expected:
        violation = FieldViolation(field, "is not the CRC32C of the bytes that arrived")
        raise ChecksumMismatch(f"{field}: the bytes changed on the way; send them again", fields=(violation,))


def _bound_payloads(items: Iterable[Payload]) -> None:
    _bound_bytes(len(item.content) + len(item.additional_data) for item in items)


def _bound_bytes(sizes: Iterable[int]) -> None:
    if sum(sizes) > MAX_BATCH_BYTES:
        raise BatchTooLarge("the items of a batch hold 3 MiB together at most; send several batches")


async def _each(items: Sequence[Item], convert: Callable[[Item], Result], turn: int) -> list[Result | CallError]:
    """What `convert` makes of each item, or raises for it, in order; other calls run after every `turn` items."""
    results: list[Result | CallError] = []
    for start in range(0, len(items), turn):
        if start:
            await asyncio.sleep(0)
        for item in items[start : start + turn]:
            try:
                results.append(convert(item))
            except CallError as error:
                results.append(error)
    return results
