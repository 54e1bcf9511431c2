"""Use cases of KeyService and SealService."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trustmesh_chassis.errors import FieldViolation, InvalidArgument, NotFound
from trustmesh_chassis.storage import PageTokens, etag_of, page_size, require_etag, uuid7
from trustmesh_kms.barrier import Barrier, clear
from trustmesh_kms.filters import parse_filter
from trustmesh_kms.keyring import Keyring, material_context
from trustmesh_kms.keys import (
    Algorithm,
    Key,
    KeyVersion,
    Purpose,
    disable,
    enable,
    new_key,
    promote,
    relabel,
    rotate,
    split_key,
    split_version,
)
from trustmesh_kms.material import PublicHalf, generate
from trustmesh_kms.ports import BarrierRecord, KeyReading, KeyRepository

Random = Callable[[int], bytes]

_BEYOND_ANY_VERSION: Final = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class CreateKey:
    """`algorithm` is None for the purpose's default, `request_id` empty where the caller gave none."""

    org: str
    key_id: str
    purpose: Purpose
    algorithm: Algorithm | None
    labels: Mapping[str, str]
    request_id: str


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """What is None stays. `etag` is empty where the caller makes no demand."""

    name: str
    etag: str
    labels: Mapping[str, str] | None
    primary_version: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state of the key or version that `name` names; nothing is stored when it is only rehearsed."""

    name: str
    etag: str
    rehearsal: bool


@dataclass(frozen=True, slots=True)
class PageRequest:
    parent: str
    size: int
    token: str
    filter: str = ""


@dataclass(frozen=True, slots=True)
class KeyPage:
    keys: list[Key]
    next_token: str


@dataclass(frozen=True, slots=True)
class VersionPage:
    key: Key
    versions: list[KeyVersion]
    next_token: str


@dataclass(frozen=True, slots=True)
class SealStatus:
    """`record` is None before the barrier exists."""

    sealed: bool
    unsealer: str
    record: BarrierRecord | None


def key_etag(key: Key) -> str:
    return etag_of(str(key.uid), key.revision)


def version_etag(key: Key, version: KeyVersion) -> str:
    return etag_of(str(key.uid), version.number, version.revision)


async def create_key(command: CreateKey, *, keys: KeyRepository, barrier: Barrier, now: datetime, random: Random) -> Key:
    """Raises KeyExists, AlgorithmUnsuitable or RequestIdReused."""
    uid = uuid7(now, random(10))
    key, version = new_key(command.org, command.key_id, uid, command.purpose, command.algorithm, command.labels, now)
    fingerprint = etag_of(key.name, key.purpose, key.algorithm, *(part for label in sorted(key.labels.items()) for part in label))
    async with keys.unit(command.org) as unit:
        if await unit.recall(command.request_id, fingerprint):
            return await _key(unit, key.name)
        await unit.remember(command.request_id, fingerprint, key.name)
        await unit.add(key, version, _fresh_material(key, version, barrier, random))
        unit.emit("kms.key.created", key)
    return key


async def get_key(name: str, *, keys: KeyRepository) -> Key:
    """Raises NotFound."""
    async with keys.read(split_key(name)[0]) as reading:
        return await _key(reading, name)


async def list_keys(page: PageRequest, *, keys: KeyRepository, tokens: PageTokens) -> KeyPage:
    """Raises InvalidFilter or InvalidPageToken."""
    wanted, size = parse_filter(page.filter), page_size(page.size)
    query = ("ListKeys", page.parent, page.filter)
    position = tokens.read(page.token, *query)
    after = str(position[0]) if position else ""
    async with keys.read(page.parent.removeprefix("orgs/")) as reading:
        found = await reading.keys(wanted, after, size + 1)
    more = len(found) > size
    shown = found[:size]
    return KeyPage(shown, tokens.issue([shown[-1].id], *query) if more else "")


async def update_key(command: UpdateKey, *, keys: KeyRepository, keyring: Keyring, now: datetime) -> Key:
    """Raises NotFound, EtagMismatch, KeyVersionDisabled, or InvalidArgument for a version of another key."""
    async with keys.unit(split_key(command.name)[0]) as unit:
        before = key = await _key(unit, command.name)
        require_etag(command.etag, key_etag(key))
        if command.labels is not None and command.labels != key.labels:
            key = relabel(key, command.labels, now)
        if command.primary_version is not None:
            key = await _promoted(unit, key, command.primary_version, now)
        if key is not before:
            await unit.save(key)
            unit.emit("kms.key.updated", key)
    keyring.forget()
    return key


async def rotate_key(
    command: Change, *, keys: KeyRepository, barrier: Barrier, keyring: Keyring, now: datetime, random: Random
) -> Key:
    """Raises NotFound, EtagMismatch or TooManyVersions."""
    async with keys.unit(split_key(command.name)[0]) as unit:
        before = await _key(unit, command.name)
        require_etag(command.etag, key_etag(before))
        key, version = rotate(before, now)
        if command.rehearsal:
            return key
        await unit.add_version(key, version, _fresh_material(key, version, barrier, random))
        await unit.save(key)
        unit.emit("kms.key.rotated", key)
    keyring.forget()
    return key


async def get_key_version(name: str, *, keys: KeyRepository) -> tuple[Key, KeyVersion]:
    """Raises NotFound."""
    async with keys.read(split_key(split_version(name)[0])[0]) as reading:
        return await _key_and_version(reading, name)


async def list_key_versions(page: PageRequest, *, keys: KeyRepository, tokens: PageTokens) -> VersionPage:
    """Raises NotFound or InvalidPageToken."""
    size = page_size(page.size)
    query = ("ListKeyVersions", page.parent)
    position = tokens.read(page.token, *query)
    below = int(str(position[0])) if position else _BEYOND_ANY_VERSION
    async with keys.read(split_key(page.parent)[0]) as reading:
        key = await _key(reading, page.parent)
        found = await reading.versions(key, below, size + 1)
    more = len(found) > size
    shown = found[:size]
    return VersionPage(key, shown, tokens.issue([shown[-1].number], *query) if more else "")


async def disable_key_version(command: Change, *, keys: KeyRepository, keyring: Keyring, now: datetime) -> tuple[Key, KeyVersion]:
    """Raises NotFound or EtagMismatch."""
    return await _change_version(command, disable, "kms.version.disabled", keys, keyring, now)


async def enable_key_version(command: Change, *, keys: KeyRepository, keyring: Keyring, now: datetime) -> tuple[Key, KeyVersion]:
    """Raises NotFound or EtagMismatch."""
    return await _change_version(command, enable, "kms.version.enabled", keys, keyring, now)


async def get_public_key(version_name: str, *, keyring: Keyring) -> PublicHalf:
    """Raises KmsSealed, NotFound, PurposeMismatch or KeyVersionDisabled."""
    return (await keyring.signing_key(version_name)).public_half()


async def get_seal_status(*, barrier: Barrier) -> SealStatus:
    """How the barrier stands; answered while it is sealed, too."""
    return SealStatus(barrier.sealed, barrier.unsealer.kind, await barrier.record())


async def seal(*, barrier: Barrier, keyring: Keyring) -> SealStatus:
    """Seal here at once and on every other instance with its next refresh."""
    keyring.forget()
    await barrier.seal()
    keyring.forget()
    return await get_seal_status(barrier=barrier)


async def unseal(*, barrier: Barrier) -> SealStatus:
    """Raises UnsealRefused."""
    await barrier.unseal()
    return await get_seal_status(barrier=barrier)


async def rotate_content_key(*, barrier: Barrier) -> SealStatus:
    """Raises KmsSealed."""
    await barrier.rotate_content_key()
    return await get_seal_status(barrier=barrier)


async def _change_version(
    command: Change,
    change: Callable[[KeyVersion, datetime], KeyVersion],
    event: str,
    keys: KeyRepository,
    keyring: Keyring,
    now: datetime,
) -> tuple[Key, KeyVersion]:
    async with keys.unit(split_key(split_version(command.name)[0])[0]) as unit:
        key, before = await _key_and_version(unit, command.name)
        version = change(before, now)
        if version is before:
            return key, version
        require_etag(command.etag, version_etag(key, before))
        if command.rehearsal:
            return key, version
        await unit.save_version(key, version)
        unit.emit(event, key, version)
    keyring.forget()
    return key, version


async def _promoted(unit: KeyReading, key: Key, primary_version: str, now: datetime) -> Key:
    key_name, number = split_version(primary_version)
    if key_name != key.name:
        violation = FieldViolation("key.primary_version", "is a version of another key")
        raise InvalidArgument(f"key.primary_version: {primary_version} is no version of {key.name}", fields=(violation,))
    if number == key.primary:
        return key
    _, version = await _key_and_version(unit, primary_version)
    return promote(key, version, now)


async def _key(reading: KeyReading, name: str) -> Key:
    key = await reading.key(split_key(name)[1])
    if key is None:
        raise NotFound(f"{name} does not exist")
    return key


async def _key_and_version(reading: KeyReading, name: str) -> tuple[Key, KeyVersion]:
    key_name, number = split_version(name)
    key = await reading.key(split_key(key_name)[1])
    version = None if key is None or number is None else await reading.version(key, number)
    if key is None or version is None:
        raise NotFound(f"{name} does not exist")
    return key, version


def _fresh_material(key: Key, version: KeyVersion, barrier: Barrier, random: Random) -> bytes:
    material = generate(version.algorithm, random)
    try:
        return barrier.seal_value(material, material_context(key, version.number))
    finally:
        clear(material)
