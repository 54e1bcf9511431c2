"""The storage ports in memory, for tests and for trying things out: units of work are whole and serial, as a database's are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from trustmesh_chassis.storage import RequestIdReused
from trustmesh_kms.errors import KeyExists
from trustmesh_kms.keys import Key, KeyVersion, VersionState
from trustmesh_kms.ports import BarrierRecord, KeyFilter


@dataclass
class _Stored:
    version: KeyVersion
    sealed: bytes
    reserved: int = 0


@dataclass
class _Org:
    keys: dict[str, Key] = field(default_factory=dict)
    versions: dict[tuple[str, int], _Stored] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    changed: bool = False


class MemoryBarrier:
    """A BarrierStore."""

    def __init__(self) -> None:
        self._record: BarrierRecord | None = None
        self._content: dict[int, bytes] = {}

    async def record(self) -> BarrierRecord | None:
        return self._record

    async def content_keys(self) -> dict[int, bytes]:
        return dict(self._content)

    async def initialise(self, wrapped_root: bytes, wrapped_content_key: bytes, now: datetime) -> None:
        if self._record is None:
            self._record = BarrierRecord(wrapped_root, 1, False, 1, now, now)
            self._content = {1: wrapped_content_key}

    async def add_content_key(self, number: int, wrapped: bytes, now: datetime) -> bool:
        if number in self._content:
            return False
        self._content[number] = wrapped
        self._change(content_key=number, updated=now)
        return True

    async def set_sealed(self, sealed: bool, now: datetime) -> None:
        self._change(sealed=sealed, updated=now)

    def move_on(self) -> None:
        self._change()

    def _change(self, **changes: Any) -> None:
        assert self._record is not None, "a barrier is initialised before it changes"
        self._record = replace(self._record, epoch=self._record.epoch + 1, **changes)


class MemoryKeys:
    """A KeyRepository; `barrier` is the record whose epoch moves on."""

    def __init__(self, barrier: MemoryBarrier) -> None:
        self._barrier = barrier
        self._orgs: dict[str, _Org] = {}
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def read(self, org: str) -> AsyncIterator[MemoryUnit]:
        yield MemoryUnit(deepcopy(self._orgs.get(org, _Org())))

    @asynccontextmanager
    async def unit(self, org: str) -> AsyncIterator[MemoryUnit]:
        async with self._writing:
            draft = deepcopy(self._orgs.get(org, _Org()))
            yield MemoryUnit(draft)
            if draft.changed:
                self._barrier.move_on()
            self._orgs[org] = replace(draft, changed=False)

    async def reserve(self, org: str, key_id: str, number: int, count: int, limit: int) -> bool:
        stored = self._orgs[org].versions[key_id, number]
        if stored.reserved + count > limit:
            return False
        stored.reserved += count
        return True

    def events(self, org: str) -> list[tuple[str, str]]:
        """Type and resource of every event that was announced."""
        return self._orgs[org].events


class MemoryUnit:
    """A KeyUnit on a copy of an organisation."""

    def __init__(self, org: _Org) -> None:
        self._org = org

    async def key(self, key_id: str) -> Key | None:
        return self._org.keys.get(key_id)

    async def keys(self, wanted: KeyFilter, after: str, limit: int) -> list[Key]:
        found = [key for _, key in sorted(self._org.keys.items()) if key.id > after and _fits(key, wanted)]
        return found[:limit]

    async def version(self, key: Key, number: int) -> KeyVersion | None:
        stored = self._org.versions.get((key.id, number))
        return None if stored is None else stored.version

    async def versions(self, key: Key, below: int, limit: int) -> list[KeyVersion]:
        found = [stored.version for (key_id, number), stored in self._org.versions.items() if key_id == key.id and number < below]
        return sorted(found, key=lambda version: -version.number)[:limit]

    async def states(self, key: Key) -> dict[int, VersionState]:
        return {number: stored.version.state for (key_id, number), stored in self._org.versions.items() if key_id == key.id}

    async def sealed_material(self, key: Key, number: int) -> bytes:
        return self._org.versions[key.id, number].sealed

    async def add(self, key: Key, version: KeyVersion, sealed: bytes) -> None:
        if key.id in self._org.keys:
            raise KeyExists(f"{key.name} exists")
        self._org.keys[key.id] = key
        self._org.versions[key.id, version.number] = _Stored(version, sealed)

    async def add_version(self, key: Key, version: KeyVersion, sealed: bytes) -> None:
        self._org.versions[key.id, version.number] = _Stored(version, sealed)
        self._org.changed = True

    async def save(self, key: Key) -> None:
        self._org.keys[key.id] = key
        self._org.changed = True

    async def save_version(self, key: Key, version: KeyVersion) -> None:
        self._org.versions[key.id, version.number].version = version
        self._org.changed = True

    async def recall(self, request_id: str, fingerprint: str) -> bool:
        known = self._org.requests.get(request_id)
        if known is not None and known != fingerprint:
            raise RequestIdReused("The request id came before with another request; use a new one.")
        return known is not None

    async def remember(self, request_id: str, fingerprint: str, name: str) -> None:
        if request_id:
            self._org.requests[request_id] = fingerprint

    def emit(self, event: str, key: Key, version: KeyVersion | None = None) -> None:
        self._org.events.append((event, key.name if version is None else key.version_name(version.number)))


def _fits(key: Key, wanted: KeyFilter) -> bool:
    return (
        wanted.purpose in (None, key.purpose)
        and wanted.algorithm in (None, key.algorithm)
        and all(key.labels.get(label) == value for label, value in wanted.labels.items())
    )
