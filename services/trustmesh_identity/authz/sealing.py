"""Signing keys at rest: AES-256-GCM under a key from a file that only the service may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustmesh_chassis.errors import DataLoss
from trustmesh_chassis.settings import SettingsError
from trustmesh_identity.authz.ports import RandomBytes

KEY_BYTES = 32
_NONCE_BYTES = 12


class FileSealer:
    """Seals with one 256-bit key; what is sealed is nonce, ciphertext and tag, bound to the kid."""

    def __init__(self, key: bytes, random_bytes: RandomBytes) -> None:
        self._cipher = AESGCM(key)
        self._random_bytes = random_bytes

    def seal(self, private: bytes, kid: str) -> bytes:
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, private, kid.encode())

    def unseal(self, sealed: bytes, kid: str) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kid.encode())
        except (InvalidTag, ValueError):
            raise DataLoss(f"The signing key {kid} cannot be unsealed with the service's sealing key.") from None


def read_or_make_key(file: Path, random_bytes: RandomBytes) -> bytes:
    """The sealing key in `file`, which is made with mode 0600 when it does not exist.

    Raises SettingsError when others may read it or it does not hold a key.
    """
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(file)
    with os.fdopen(made, "wb") as out:
        out.write(random_bytes(KEY_BYTES))
        out.flush()
        os.fsync(out.fileno())
    return _read(file)


def _read(file: Path) -> bytes:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise SettingsError(f"{file}: others may read it (mode {mode:04o}); run chmod 600 on it")
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{file}: holds {len(key)} bytes where {KEY_BYTES} belong; restore it from a backup")
    return key
