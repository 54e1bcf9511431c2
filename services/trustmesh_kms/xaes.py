"""XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key derived for each message from a 192-bit nonce.

The derivation is SP 800-108 in counter mode with CMAC over one block, so it costs two AES blocks a message, and random nonces
are good for 2^80 messages a key.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

Buffer = bytes | bytearray | memoryview

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 24
TAG_SIZE: Final = 16

_HALF: Final = 12
_BLOCK_MASK: Final = (1 << 128) - 1
_REDUCTION: Final = 0x87
_BOTH_BLOCKS: Final = (1 << 128) + 1
_PREFIXES: Final = (0x00015800 << 224) | (0x00025800 << 96)


class Xaes256Gcm:
    """One 256-bit key. Not for use by several threads at once: the block cipher's context is shared by all messages."""

    __slots__ = ("_blocks", "_mask")

    def __init__(self, key: Buffer) -> None:
        """Raises ValueError when `key` is not 32 bytes."""
        if len(key) != KEY_SIZE:
            raise ValueError("an XAES-256-GCM key has 32 bytes")
        # ECB here is the bare block function of the specification: its input is a CMAC block of one block's length.
        self._blocks = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  # one block, as said above
        doubled = int.from_bytes(self._blocks.update(bytes(16))) << 1
        subkey = (doubled ^ _REDUCTION) & _BLOCK_MASK if doubled >> 128 else doubled
        self._mask = _PREFIXES ^ subkey * _BOTH_BLOCKS

    def encrypt(self, nonce: bytes, plaintext: Buffer, additional_data: bytes) -> bytes:
        """The encrypted bytes and the tag. `nonce` is 24 bytes, never used twice: random ones will do."""
        return AESGCM(self.derive(nonce)).encrypt(nonce[_HALF:], plaintext, additional_data)

    def decrypt(self, nonce: bytes, ciphertext: Buffer, additional_data: bytes) -> bytes:
        """The plaintext. Raises cryptography's InvalidTag."""
        return AESGCM(self.derive(nonce)).decrypt(nonce[_HALF:], ciphertext, additional_data)

    def decrypt_into(self, nonce: bytes, ciphertext: Buffer, additional_data: bytes, into: bytearray) -> None:
        """Decrypt into a buffer that the caller can clear; it has the plaintext's length. Raises InvalidTag."""
        AESGCM(self.derive(nonce)).decrypt_into(nonce[_HALF:], ciphertext, additional_data, into)

    def derive(self, nonce: bytes) -> bytes:
        """The message's AES-256-GCM key. Raises ValueError when `nonce` is not 24 bytes."""
        if len(nonce) != NONCE_SIZE:
            raise ValueError("an XAES-256-GCM nonce has 24 bytes")
        return self._blocks.update((self._mask ^ int.from_bytes(nonce[:_HALF]) * _BOTH_BLOCKS).to_bytes(32))
