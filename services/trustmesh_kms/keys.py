"""The domain: keys, their versions, and what may become of them. Pure values and functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

from trustmesh_kms.errors import AlgorithmUnsuitable, KeyVersionDisabled, PurposeMismatch, TooManyVersions

MAX_VERSIONS: Final = 1000


class Purpose(IntEnum):
    ENCRYPT_DECRYPT = 1
    SIGN_VERIFY = 2


class Algorithm(IntEnum):
    """Numbers are the contract's and part of every ciphertext."""

    AES_256_GCM = 1
    XAES_256_GCM = 2
    EC_SIGN_P256_SHA256 = 3
    EC_SIGN_ED25519 = 4

    @property
    def purpose(self) -> Purpose:
        return Purpose.SIGN_VERIFY if self >= Algorithm.EC_SIGN_P256_SHA256 else Purpose.ENCRYPT_DECRYPT


class VersionState(IntEnum):
    ENABLED = 1
    DISABLED = 2


_DEFAULTS: Final = {
    Purpose.ENCRYPT_DECRYPT: Algorithm.XAES_256_GCM,
    Purpose.SIGN_VERIFY: Algorithm.EC_SIGN_P256_SHA256,
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its material. `primary` and `latest` are version numbers; `revision` counts changes."""

    org: str
    id: str
    uid: UUID
    purpose: Purpose
    algorithm: Algorithm
    primary: int
    latest: int
    labels: Mapping[str, str]
    created: datetime
    updated: datetime
    revision: int

    @property
    def name(self) -> str:
        return f"orgs/{self.org}/keys/{self.id}"

    def version_name(self, number: int) -> str:
        return f"{self.name}/versions/{number}"


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """A generation of material, without the material."""

    number: int
    state: VersionState
    algorithm: Algorithm
    created: datetime
    updated: datetime
    revision: int


def split_key(key_name: str) -> tuple[str, str]:
    """Organisation and key id of a key's name, whose form the contract has checked."""
    _, org, _, key_id = key_name.split("/")
    return org, key_id


def split_version(name: str) -> tuple[str, int | None]:
    """Key name and version number of a version's name; the number is None for a key's own name."""
    key_name, found, number = name.partition("/versions/")
    return key_name, int(number) if found else None


def choose_algorithm(purpose: Purpose, wanted: Algorithm | None) -> Algorithm:
    """`wanted`, or the purpose's default. Raises AlgorithmUnsuitable."""
    algorithm = _DEFAULTS[purpose] if wanted is None else wanted
    if algorithm.purpose is not purpose:
        raise AlgorithmUnsuitable(f"the algorithm {algorithm.name} does not serve the purpose {purpose.name}")
    return algorithm


def new_key(
    org: str, key_id: str, uid: UUID, purpose: Purpose, wanted: Algorithm | None, labels: Mapping[str, str], now: datetime
) -> tuple[Key, KeyVersion]:
    """A key and its first version. Raises AlgorithmUnsuitable."""
    algorithm = choose_algorithm(purpose, wanted)
    key = Key(org, key_id, uid, purpose, algorithm, 1, 1, dict(labels), now, now, 1)
    return key, KeyVersion(1, VersionState.ENABLED, algorithm, now, now, 1)


def rotate(key: Key, now: datetime) -> tuple[Key, KeyVersion]:
    """The key with a new primary version. Raises TooManyVersions."""
    if key.latest >= MAX_VERSIONS:
        raise TooManyVersions(f"{key.name} has {MAX_VERSIONS} versions, the most there may be; create another key")
    number = key.latest + 1
    version = KeyVersion(number, VersionState.ENABLED, key.algorithm, now, now, 1)
    return replace(key, primary=number, latest=number, updated=now, revision=key.revision + 1), version


def relabel(key: Key, labels: Mapping[str, str], now: datetime) -> Key:
    return replace(key, labels=dict(labels), updated=now, revision=key.revision + 1)


def promote(key: Key, version: KeyVersion, now: datetime) -> Key:
    """The key with `version` as its primary. Raises KeyVersionDisabled."""
    require_enabled(key.version_name(version.number), version.state)
    return replace(key, primary=version.number, updated=now, revision=key.revision + 1)


def enable(version: KeyVersion, now: datetime) -> KeyVersion:
    """The version in use; itself when it was already."""
    return _in_state(version, VersionState.ENABLED, now)


def disable(version: KeyVersion, now: datetime) -> KeyVersion:
    """The version out of use; itself when it was already."""
    return _in_state(version, VersionState.DISABLED, now)


def require_enabled(version_name: str, state: VersionState) -> None:
    """Raises KeyVersionDisabled."""
    if state is not VersionState.ENABLED:
        raise KeyVersionDisabled(f"{version_name} is disabled; enable it, or use another version")


def require_purpose(key_name: str, purpose: Purpose, wanted: Purpose) -> None:
    """Raises PurposeMismatch."""
    if purpose is not wanted:
        raise purpose_mismatch(key_name, purpose)


def purpose_mismatch(key_name: str, purpose: Purpose) -> PurposeMismatch:
    return PurposeMismatch(f"{key_name} is for {purpose.name} alone; use a key of the other purpose")


def _in_state(version: KeyVersion, state: VersionState, now: datetime) -> KeyVersion:
    if version.state is state:
        return version
    return replace(version, state=state, updated=now, revision=version.revision + 1)
