"""Sealing of private keys under a key file: AES-256-GCM with a random nonce, a handful of messages per key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustmesh_chassis.errors import DataLoss
from trustmesh_chassis.identity.generation import write_durably

KEY_BYTES = 32
_NONCE_BYTES = 12


class FileSealer:
    """Seals under the 32 bytes of a file."""

    def __init__(self, key: bytes, random: Callable[[int], bytes]) -> None:
        if len(key) != KEY_BYTES:
            raise DataLoss(f"The sealing key has {len(key)} bytes instead of {KEY_BYTES}; restore its file from a backup.")
        self._aead = AESGCM(key)
        self._random = random

    def seal(self, secret: bytes, context: str) -> bytes:
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):
            raise DataLoss("A sealed key cannot be opened; is the sealing key the one that it was sealed with?") from None


def open_sealer(file: Path, random: Callable[[int], bytes]) -> FileSealer:
    """The sealer of a key file, which is made (mode 0600) when it is missing."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(file, random(KEY_BYTES), 0o600)
    return FileSealer(file.read_bytes(), random)
