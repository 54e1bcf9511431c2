"""What can unseal the barrier. The file is for development: whoever reads it and the database has every key."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag

from trustmesh_kms.barrier import clear, context
from trustmesh_kms.errors import UnsealRefused
from trustmesh_kms.xaes import KEY_SIZE, NONCE_SIZE, Xaes256Gcm

log = logging.getLogger(__name__)

_ROOT: Final = context("root_key")


class FileUnsealer:
    """Unseals by itself with a key in a file: 64 hexadecimal digits, made at the very first start where it is missing."""

    kind: str = "file"

    def __init__(self, path: Path, random: Callable[[int], bytes]) -> None:
        self._path = path
        self._random = random
        log.warning(
            "AUTO-UNSEAL BY FILE: the unseal key lies in %s; whoever can read it and the database can read every key. "
            "This is for development.",
            path,
        )

    async def wrap(self, root_key: bytearray) -> bytes:
        """Raises UnsealRefused."""
        if not self._path.exists():
            self._create()
        nonce = self._random(NONCE_SIZE)
        return nonce + self._key().encrypt(nonce, root_key, _ROOT)

    async def unwrap(self, wrapped: bytes) -> bytearray:
        """Raises UnsealRefused."""
        root_key = bytearray(KEY_SIZE)
        try:
            self._key().decrypt_into(wrapped[:NONCE_SIZE], memoryview(wrapped)[NONCE_SIZE:], _ROOT, root_key)
        except (InvalidTag, ValueError):
            raise UnsealRefused(
                f"the key in {self._path} is not the one that this barrier was created with; bring that one back"
            ) from None
        return root_key

    def _create(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self._random(KEY_SIZE).hex().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UnsealRefused(
                f"the unseal key cannot be written to {self._path} ({error.strerror}); name a path that can"
            ) from None

    def _key(self) -> Xaes256Gcm:
        try:
            text = self._path.read_bytes()
        except OSError as error:
            raise UnsealRefused(
                f"the unseal key in {self._path} cannot be read ({error.strerror}); bring the file back"
            ) from None
        try:
            key = bytearray.fromhex(text.decode("ascii"))
            aead = Xaes256Gcm(key)
        except ValueError:
            raise UnsealRefused(f"{self._path} does not hold an unseal key: 64 hexadecimal digits") from None
        clear(key)
        return aead
