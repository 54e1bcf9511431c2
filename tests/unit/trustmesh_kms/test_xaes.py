"""XAES-256-GCM against the vectors of its specification (https://c2sp.org/XAES-256-GCM) and an independent derivation."""

from __future__ import annotations

import hashlib
import io

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from trustmesh_kms.xaes import Xaes256Gcm

NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"
PUBLISHED = {
    "MSB of L is 0": (
        b"\x01" * 32,
        b"",
        "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
        "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
    ),
    "MSB of L is 1": (
        b"\x03" * 32,
        b"c2sp.org/XAES-256-GCM",
        "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
        "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
    ),
}


@pytest.mark.parametrize(("key", "additional_data", "derived", "ciphertext"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_vectors(key: bytes, additional_data: bytes, derived: str, ciphertext: str) -> None:
    aead = Xaes256Gcm(key)
    assert aead.derive(NONCE).hex() == derived
    assert aead.encrypt(NONCE, b"XAES-256-GCM", additional_data).hex() == ciphertext
    assert aead.decrypt(NONCE, bytes.fromhex(ciphertext), additional_data) == b"XAES-256-GCM"


def test_accumulated_randomised_vectors() -> None:
    iterations, expected = 10_000, "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
    stream = io.BytesIO(hashlib.shake_128().digest(iterations * (32 + 24 + 2 * 256)))
    accumulated = hashlib.shake_128()
    for _ in range(iterations):
        key, nonce = stream.read(32), stream.read(24)
        plaintext = stream.read(stream.read(1)[0])
        additional_data = stream.read(stream.read(1)[0])
        aead = Xaes256Gcm(key)
        ciphertext = aead.encrypt(nonce, plaintext, additional_data)
        assert aead.decrypt(nonce, ciphertext, additional_data) == plaintext
        accumulated.update(ciphertext)
    assert accumulated.hexdigest(32) == expected


@given(key=st.binary(min_size=32, max_size=32), nonce=st.binary(min_size=24, max_size=24), plaintext=st.binary(max_size=99))
def test_agrees_with_sp_800_108_and_gcm_of_the_library(key: bytes, nonce: bytes, plaintext: bytes) -> None:
    kdf = KBKDFCMAC(
        algorithm=AES,
        mode=Mode.CounterMode,
        length=32,
        rlen=2,
        llen=None,
        location=CounterLocation.BeforeFixed,
        label=None,
        context=None,
        fixed=b"X\x00" + nonce[:12],
    )
    expected = AESGCM(kdf.derive(key)).encrypt(nonce[12:], plaintext, b"data")
    assert Xaes256Gcm(key).encrypt(nonce, plaintext, b"data") == expected


def test_keeps_no_reference_to_the_key_buffer() -> None:
    buffer = bytearray(b"\x01" * 32)
    aead = Xaes256Gcm(buffer)
    buffer[:] = bytes(32)
    assert aead.encrypt(NONCE, b"XAES-256-GCM", b"").hex() == PUBLISHED["MSB of L is 0"][3]


def test_decrypts_into_a_buffer_that_can_be_cleared() -> None:
    aead, into = Xaes256Gcm(bytes(32)), bytearray(5)
    aead.decrypt_into(NONCE, aead.encrypt(NONCE, b"clear", b"a"), b"a", into)
    assert into == b"clear"
    with pytest.raises(InvalidTag):
        aead.decrypt_into(NONCE, aead.encrypt(NONCE, b"clear", b"a"), b"b", into)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_refuses_keys_of_another_size(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Xaes256Gcm(bytes(size))


@pytest.mark.parametrize("size", [0, 12, 23, 25])
def test_refuses_nonces_of_another_size(size: int) -> None:
    with pytest.raises(ValueError, match="24 bytes"):
        Xaes256Gcm(bytes(32)).encrypt(bytes(size), b"", b"")
