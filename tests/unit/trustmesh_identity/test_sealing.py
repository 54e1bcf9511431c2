import secrets
from pathlib import Path

import pytest

from trustmesh_chassis.errors import DataLoss
from trustmesh_chassis.settings import SettingsError
from trustmesh_identity.authz.sealing import FileSealer, read_or_make_key


def test_key_file_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "sealing.key"
    key = read_or_make_key(file, secrets.token_bytes)
    assert len(key) == 32 and file.stat().st_mode & 0o777 == 0o600
    assert read_or_make_key(file, secrets.token_bytes) == key


def test_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sealing.key"
    file.write_bytes(bytes(32))
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_or_make_key(file, secrets.token_bytes)


def test_damaged_key_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sealing.key"
    file.write_bytes(bytes(31))
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="31 bytes"):
        read_or_make_key(file, secrets.token_bytes)


def test_unseal_gives_what_was_sealed() -> None:
    sealer = FileSealer(bytes(32), secrets.token_bytes)
    sealed = sealer.seal(b"private", "k1")
    assert b"private" not in sealed and sealed != sealer.seal(b"private", "k1")
    assert sealer.unseal(sealed, "k1") == b"private"


def test_unseal_refuses_every_change() -> None:
    sealer = FileSealer(bytes(32), secrets.token_bytes)
    sealed = sealer.seal(b"private", "k1")
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for each in (*changed, sealed[:-1], sealed[:5], b""):
        with pytest.raises(DataLoss):
            sealer.unseal(each, "k1")
    with pytest.raises(DataLoss):
        sealer.unseal(sealed, "k2")
    with pytest.raises(DataLoss):
        FileSealer(b"o" * 32, secrets.token_bytes).unseal(sealed, "k1")
