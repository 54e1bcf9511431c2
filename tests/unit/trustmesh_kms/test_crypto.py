"""Use cases of CryptoService, single and batch, the message budget included."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence

import google_crc32c
import pytest

from trustmesh_chassis.errors import CallError, NotFound
from trustmesh_kms import crypto
from trustmesh_kms.crypto import Converted, Payload, Signable, Verdict, Verifiable
from trustmesh_kms.errors import (
    BatchTooLarge,
    ChecksumMismatch,
    DecryptionFailed,
    DigestUnsupported,
    KeyVersionDisabled,
    KeyVersionExhausted,
    PurposeMismatch,
)
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.material import Data, Digest, SignedMessage
from trustmesh_kms.testing import Installation, Kms

ENCRYPTION = [Algorithm.AES_256_GCM, Algorithm.XAES_256_GCM]
SIGNING = [Algorithm.EC_SIGN_P256_SHA256, Algorithm.EC_SIGN_ED25519]


def payload(content: bytes, additional_data: bytes = b"", crc: int | None = None, additional_crc: int | None = None) -> Payload:
    return Payload(content, additional_data, crc, additional_crc)


async def encrypt(kms: Kms, name: str, plaintext: Payload) -> Converted:
    return await crypto.encrypt(name, plaintext, keyring=kms.keyring, budget=kms.budget, random=secrets.token_bytes)


async def encrypt_batch(kms: Kms, name: str, plaintexts: Sequence[Payload]) -> list[Converted | CallError]:
    return await crypto.encrypt_batch(name, plaintexts, keyring=kms.keyring, budget=kms.budget, random=secrets.token_bytes)


async def decrypt(kms: Kms, name: str, content: bytes, additional_data: bytes = b"") -> Converted:
    return await crypto.decrypt(name, payload(content, additional_data), keyring=kms.keyring)


def contents(results: Sequence[Converted | CallError]) -> list[bytes | type[CallError]]:
    return [type(result) if isinstance(result, CallError) else result.content for result in results]


@pytest.mark.parametrize("algorithm", ENCRYPTION)
async def test_decrypts_with_whichever_version_encrypted(kms: Kms, algorithm: Algorithm) -> None:
    key = await kms.create("k", algorithm)
    old = await encrypt(kms, key.name, payload(b"old", b"aad"))
    await kms.rotate(key)
    new = await encrypt(kms, key.name, payload(b"new", b"aad"))
    assert (old.version, new.version) == (key.version_name(1), key.version_name(2))
    assert await decrypt(kms, key.name, old.content, b"aad") == Converted(key.version_name(1), b"old")
    assert await decrypt(kms, key.name, new.content, b"aad") == Converted(key.version_name(2), b"new")


@pytest.mark.parametrize("algorithm", ENCRYPTION)
async def test_every_flipped_byte_is_decryption_failed(kms: Kms, algorithm: Algorithm) -> None:
    key = await kms.create("k", algorithm)
    ciphertext = (await encrypt(kms, key.name, payload(b"secret", b"aad"))).content
    await kms.rotate(key)
    answers = set()
    for position in range(len(ciphertext)):
        for flip in (0x01, 0x03, 0x80, 0xFF):
            flipped = ciphertext[:position] + bytes([ciphertext[position] ^ flip]) + ciphertext[position + 1 :]
            with pytest.raises(DecryptionFailed) as failure:
                await decrypt(kms, key.name, flipped, b"aad")
            answers.add((failure.value.message, failure.value.fields, str(failure.value.metadata)))
    for wrong in (b"", b"aaD", b"aad\x00"):
        with pytest.raises(DecryptionFailed) as failure:
            await decrypt(kms, key.name, ciphertext, wrong)
        answers.add((failure.value.message, failure.value.fields, str(failure.value.metadata)))
    assert len(answers) == 1


async def test_another_tenants_ciphertext_is_decryption_failed(kms: Kms) -> None:
    mine, theirs = await kms.create("k"), await kms.create("k", org="other")
    ciphertext = (await encrypt(kms, theirs.name, payload(b"secret"))).content
    with pytest.raises(DecryptionFailed):
        await decrypt(kms, mine.name, ciphertext)


@pytest.mark.parametrize(
    "ciphertext", [b"", b"\x01", bytes(100), secrets.token_bytes(100)], ids=["empty", "cut", "zero", "random"]
)
async def test_what_is_no_ciphertext_is_decryption_failed(kms: Kms, ciphertext: bytes) -> None:
    key = await kms.create("k")
    with pytest.raises(DecryptionFailed):
        await decrypt(kms, key.name, ciphertext)
    with pytest.raises(NotFound):
        await decrypt(kms, "orgs/demo/keys/nothing", ciphertext)


async def test_a_disabled_version_is_named_before_its_material_is_touched(kms: Kms) -> None:
    key = await kms.create("k")
    ciphertext = (await encrypt(kms, key.name, payload(b"secret"))).content
    await kms.rotate(key)
    await kms.disable(key.version_name(1))
    with pytest.raises(KeyVersionDisabled, match="versions/1"):
        await decrypt(kms, key.name, ciphertext)
    with pytest.raises(KeyVersionDisabled):
        await decrypt(kms, key.name, ciphertext[:-1] + b"\x00")


@pytest.mark.parametrize("algorithm", SIGNING)
async def test_verifies_what_it_signed_also_after_rotation(kms: Kms, algorithm: Algorithm) -> None:
    key = await kms.create("k", algorithm)
    signed = await crypto.sign(key.name, Signable(Data(b"message"), None), keyring=kms.keyring)
    assert signed.version == key.version_name(1)
    await kms.rotate(key)
    for number, expected in ((1, True), (2, False)):
        item = Verifiable(Data(b"message"), signed.content, None, None)
        verdict = await crypto.verify(key.version_name(number), item, keyring=kms.keyring)
        assert verdict == Verdict(key.version_name(number), expected)
    again = await crypto.sign(key.version_name(1), Signable(Data(b"message"), None), keyring=kms.keyring)
    assert again.version == key.version_name(1)


async def test_a_malformed_signature_is_a_verdict(kms: Kms) -> None:
    for algorithm in SIGNING:
        key = await kms.create(algorithm.name.lower().replace("_", "-"), algorithm)
        for signature in (b"", b"x", bytes(64), bytes(256)):
            item = Verifiable(Data(b"message"), signature, None, None)
            assert not (await crypto.verify(key.version_name(1), item, keyring=kms.keyring)).valid


async def test_a_digest_is_for_ecdsa_alone(kms: Kms) -> None:
    digest = Digest(hashlib.sha256(b"message").digest())
    ecdsa, ed25519 = await kms.create("ecdsa", SIGNING[0]), await kms.create("ed25519", SIGNING[1])
    signature = (await crypto.sign(ecdsa.name, Signable(digest, None), keyring=kms.keyring)).content
    item = Verifiable(Data(b"message"), signature, None, None)
    assert (await crypto.verify(ecdsa.version_name(1), item, keyring=kms.keyring)).valid
    with pytest.raises(DigestUnsupported):
        await crypto.sign(ed25519.name, Signable(digest, None), keyring=kms.keyring)
    with pytest.raises(DigestUnsupported):
        await crypto.verify(ed25519.version_name(1), Verifiable(digest, signature, None, None), keyring=kms.keyring)


async def test_checksums_are_checked_where_they_are_sent(kms: Kms) -> None:
    crc = google_crc32c.value
    key = await kms.create("k")
    ciphertext = (await encrypt(kms, key.name, payload(b"secret", b"aad", crc(b"secret"), crc(b"aad")))).content
    good = payload(ciphertext, b"aad", crc(ciphertext), crc(b"aad"))
    assert (await crypto.decrypt(key.name, good, keyring=kms.keyring)).content == b"secret"
    for bad, field in (
        (payload(b"secret", b"aad", crc(b"Secret"), None), "plaintext_crc32c"),
        (payload(b"secret", b"aad", None, crc(b"Aad")), "additional_authenticated_data_crc32c"),
    ):
        with pytest.raises(ChecksumMismatch) as failure:
            await encrypt(kms, key.name, bad)
        assert [violation.field for violation in failure.value.fields] == [field]
    with pytest.raises(ChecksumMismatch, match="ciphertext_crc32c"):
        await crypto.decrypt(key.name, payload(ciphertext, b"aad", 0, None), keyring=kms.keyring)


async def test_checksums_of_messages_and_signatures(kms: Kms) -> None:
    crc = google_crc32c.value
    key = await kms.create("k", Algorithm.EC_SIGN_ED25519)
    signature = (await crypto.sign(key.name, Signable(Data(b"m"), crc(b"m")), keyring=kms.keyring)).content
    item = Verifiable(Data(b"m"), signature, crc(b"m"), crc(signature))
    assert (await crypto.verify(key.version_name(1), item, keyring=kms.keyring)).valid
    with pytest.raises(ChecksumMismatch, match="message_crc32c"):
        await crypto.sign(key.name, Signable(Data(b"m"), crc(b"n")), keyring=kms.keyring)
    with pytest.raises(ChecksumMismatch, match="message_crc32c"):
        await crypto.verify(key.version_name(1), item._replace(message_crc32c=0), keyring=kms.keyring)
    with pytest.raises(ChecksumMismatch, match="signature_crc32c"):
        await crypto.verify(key.version_name(1), item._replace(signature_crc32c=0), keyring=kms.keyring)


# Batches


@pytest.mark.parametrize("algorithm", ENCRYPTION)
async def test_a_batch_answers_each_item_in_order(installation: Installation, algorithm: Algorithm) -> None:
    kms = await installation.start(block=1000, limit=10_000)
    key = await kms.create("k", algorithm)
    plaintexts = [payload(b"item %d" % i, b"aad %d" % i) for i in range(600)]
    plaintexts[300] = payload(b"item 300", b"", 0)
    ciphertexts = await encrypt_batch(kms, key.name, plaintexts)
    assert [i for i, result in enumerate(ciphertexts) if isinstance(result, ChecksumMismatch)] == [300]
    good = [result for result in ciphertexts if not isinstance(result, CallError)]
    assert len({result.content for result in good}) == 599
    asked = [payload(result.content, b"aad %d" % i) for i, result in enumerate(ciphertexts) if isinstance(result, Converted)]
    opened = contents(await crypto.decrypt_batch(key.name, asked, keyring=kms.keyring))
    assert opened == [b"item %d" % i for i in range(600) if i != 300]


async def test_a_batch_decrypts_each_item_with_its_version_and_fails_each_alone(kms: Kms) -> None:
    key = await kms.create("k")
    made = []
    for number in (1, 2, 3):
        made.append((await encrypt(kms, key.name, payload(b"%d" % number))).content)
        await kms.rotate(key)
    await kms.disable(key.version_name(2))
    asked = [*made, made[0][:-1] + bytes([made[0][-1] ^ 1]), b"", made[2]]
    results = await crypto.decrypt_batch(key.name, [payload(each) for each in asked], keyring=kms.keyring)
    assert contents(results) == [b"1", KeyVersionDisabled, b"3", DecryptionFailed, DecryptionFailed, b"3"]


@pytest.mark.parametrize("algorithm", SIGNING)
async def test_a_batch_signs_and_verifies(kms: Kms, algorithm: Algorithm) -> None:
    key = await kms.create("k", algorithm)
    messages: list[SignedMessage] = [Data(b"%d" % i) for i in range(70)]
    signed = await crypto.sign_batch(key.name, [Signable(message, None) for message in messages], keyring=kms.keyring)
    asked = [
        Verifiable(message, result.content, None, None)
        for message, result in zip(messages, signed, strict=True)
        if isinstance(result, Converted)
    ]
    asked[3], asked[4] = asked[3]._replace(message=Data(b"other")), asked[4]._replace(message_crc32c=0)
    verdicts = await crypto.verify_batch(key.version_name(1), asked, keyring=kms.keyring)
    assert [verdict.valid if isinstance(verdict, Verdict) else type(verdict) for verdict in verdicts] == (
        [True] * 3 + [False, ChecksumMismatch] + [True] * 65
    )


async def test_a_batchs_digest_for_ed25519_fails_that_item_alone(kms: Kms) -> None:
    key = await kms.create("k", Algorithm.EC_SIGN_ED25519)
    items = [Signable(Digest(bytes(32)), None), Signable(Data(b""), None)]
    first, second = await crypto.sign_batch(key.name, items, keyring=kms.keyring)
    assert (type(first), type(second)) == (DigestUnsupported, Converted)


async def test_a_batch_whose_key_cannot_be_used_fails_whole(kms: Kms) -> None:
    encrypting, signing = await kms.create("e"), await kms.create("s", Algorithm.EC_SIGN_ED25519)
    await kms.rotate(encrypting)
    await kms.disable(encrypting.version_name(2))
    with pytest.raises(KeyVersionDisabled):
        await encrypt_batch(kms, encrypting.name, [payload(b"")])
    for name, error in ((signing.name, PurposeMismatch), ("orgs/demo/keys/nothing", NotFound)):
        with pytest.raises(error):
            await encrypt_batch(kms, name, [payload(b"")])
        with pytest.raises(error):
            await crypto.decrypt_batch(name, [payload(b"")], keyring=kms.keyring)
    with pytest.raises(PurposeMismatch):
        await crypto.sign_batch(encrypting.name, [Signable(Data(b""), None)], keyring=kms.keyring)


async def test_a_batch_of_more_than_three_mebibytes_is_refused(kms: Kms) -> None:
    encrypting, signing = await kms.create("e"), await kms.create("s", Algorithm.EC_SIGN_ED25519)
    full = [payload(bytes(65536), bytes(32768)) for _ in range(32)]
    assert len(await encrypt_batch(kms, encrypting.name, full[:1] * 32)) == 32
    with pytest.raises(BatchTooLarge):
        await encrypt_batch(kms, encrypting.name, [*full, payload(b"x")])
    with pytest.raises(BatchTooLarge):
        await crypto.decrypt_batch(encrypting.name, [*full, payload(b"x")], keyring=kms.keyring)
    messages = [Data(bytes(65536))] * 48
    with pytest.raises(BatchTooLarge):
        await crypto.sign_batch(signing.name, [Signable(each, None) for each in [*messages, Data(b"x")]], keyring=kms.keyring)
    with pytest.raises(BatchTooLarge):
        await crypto.verify_batch(
            signing.version_name(1), [Verifiable(each, b"x", None, None) for each in messages], keyring=kms.keyring
        )


async def test_a_batch_lets_other_calls_run(kms: Kms) -> None:
    key = await kms.create("k", Algorithm.EC_SIGN_P256_SHA256)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await crypto.sign_batch(key.name, [Signable(Data(b"m"), None)] * 320, keyring=kms.keyring)
    counting.cancel()
    assert turns >= 9


# The budget of AES-256-GCM


async def test_aes_256_gcm_refuses_beyond_its_budget_and_goes_on_after_rotation(installation: Installation) -> None:
    kms = await installation.start(block=4, limit=10)
    key = await kms.create("k", Algorithm.AES_256_GCM)
    for _ in range(8):
        await encrypt(kms, key.name, payload(b""))
    with pytest.raises(KeyVersionExhausted, match="rotate"):
        await encrypt(kms, key.name, payload(b""))
    await kms.rotate(key)
    await encrypt(kms, key.name, payload(b""))


async def test_xaes_256_gcm_is_not_counted(installation: Installation) -> None:
    kms = await installation.start(block=1, limit=1)
    key = await kms.create("k")
    for _ in range(5):
        await encrypt(kms, key.name, payload(b""))


async def test_a_process_that_died_loses_the_rest_of_its_block_and_counts_no_message_twice(installation: Installation) -> None:
    key = await (await installation.start()).create("k", Algorithm.AES_256_GCM)
    for _ in range(2):
        kms = await installation.start(block=4, limit=8)
        await encrypt(kms, key.name, payload(b""))
    kms = await installation.start(block=4, limit=8)
    with pytest.raises(KeyVersionExhausted):
        await encrypt(kms, key.name, payload(b""))


async def test_a_batch_is_counted_item_by_item(installation: Installation) -> None:
    kms = await installation.start(block=4, limit=100)
    key = await kms.create("k", Algorithm.AES_256_GCM)
    await encrypt_batch(kms, key.name, [payload(b"")] * 91)
    with pytest.raises(KeyVersionExhausted):
        await encrypt_batch(kms, key.name, [payload(b"")] * 10)
    await encrypt_batch(kms, key.name, [payload(b"")] * 9)


async def test_callers_at_once_never_pass_the_limit(installation: Installation) -> None:
    kms = await installation.start(block=2, limit=20)
    key = await kms.create("k", Algorithm.AES_256_GCM)
    tried = await asyncio.gather(*(encrypt(kms, key.name, payload(b"")) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(result, Converted) for result in tried) == 20
    assert sum(isinstance(result, KeyVersionExhausted) for result in tried) == 30


def in_a_fork(work: Callable[[], bytes]) -> bytes:
    """What `work` returns (less than a pipe holds) in a child that inherited all of this process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, work())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as file:
        return file.read()


@pytest.mark.parametrize("algorithm", ENCRYPTION)
async def test_no_nonce_twice_across_processes_that_forked(kms: Kms, algorithm: Algorithm) -> None:
    """A child that inherits a running instance draws nonces of its own, for randomness is the kernel's."""
    key = await kms.create("k", algorithm)
    usable = await kms.keyring.encryption_key(key.name)
    size = usable.nonce_size

    def nonces() -> bytes:
        return b"".join(usable.encrypt(secrets.token_bytes(size), b"", b"")[22 : 22 + size] for _ in range(1000))

    drawn = nonces() + in_a_fork(nonces) + in_a_fork(nonces)
    assert len({drawn[i : i + size] for i in range(0, len(drawn), size)}) == 3000
