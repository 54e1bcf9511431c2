"""What the service needs from outside: storage of keys and of the barrier, and something that unseals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from trustmesh_kms.keys import Algorithm, Key, KeyVersion, Purpose, VersionState


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys a list shows: those that equal everything that is set."""

    purpose: Purpose | None = None
    algorithm: Algorithm | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class KeyReading(Protocol):
    """Reads of one organisation's keys, from one snapshot."""

    async def key(self, key_id: str) -> Key | None: ...

    async def keys(self, wanted: KeyFilter, after: str, limit: int) -> list[Key]:
        """In the order of their ids, from the first behind `after`."""

    async def version(self, key: Key, number: int) -> KeyVersion | None: ...

    async def versions(self, key: Key, below: int, limit: int) -> list[KeyVersion]:
        """Newest first, from the first whose number is less than `below`."""

    async def states(self, key: Key) -> dict[int, VersionState]:
        """Of every version, by number."""

    async def sealed_material(self, key: Key, number: int) -> bytes:
        """Raises KeyError for a version that is not there."""


class KeyUnit(KeyReading, Protocol):
    """Changes of one organisation's keys that happen together or not at all. A key that was read is locked until the end."""

    async def add(self, key: Key, version: KeyVersion, sealed: bytes) -> None:
        """Raises KeyExists."""

    async def add_version(self, key: Key, version: KeyVersion, sealed: bytes) -> None: ...

    async def save(self, key: Key) -> None: ...

    async def save_version(self, key: Key, version: KeyVersion) -> None: ...

    async def recall(self, request_id: str, fingerprint: str) -> bool:
        """Whether this very request was carried out before. Raises RequestIdReused when another one had the id."""

    async def remember(self, request_id: str, fingerprint: str, name: str) -> None:
        """Raises Aborted when the same request is being carried out at this moment."""

    def emit(self, event: str, key: Key, version: KeyVersion | None = None) -> None:
        """Announce, with the commit, what became of `key`, or of its `version`."""


class KeyRepository(Protocol):
    """All keys. Every change of an existing key also moves the barrier record's epoch on, so other instances notice."""

    def read(self, org: str) -> AbstractAsyncContextManager[KeyReading]: ...

    def unit(self, org: str) -> AbstractAsyncContextManager[KeyUnit]: ...

    async def reserve(self, org: str, key_id: str, number: int, count: int, limit: int) -> bool:
        """Durably count `count` more messages of a version; False, and nothing counted, when that would pass `limit`."""


@dataclass(frozen=True, slots=True)
class BarrierRecord:
    """The stored barrier. `content_key` is the number of the newest; `epoch` moves with every change that caches heed."""

    wrapped_root: bytes
    content_key: int
    sealed: bool
    epoch: int
    created: datetime
    updated: datetime


class BarrierStore(Protocol):
    """The one barrier of an installation."""

    async def record(self) -> BarrierRecord | None:
        """None before the first start."""

    async def content_keys(self) -> dict[int, bytes]:
        """The wrapped content keys by number."""

    async def initialise(self, wrapped_root: bytes, wrapped_content_key: bytes, now: datetime) -> None:
        """Store a new barrier with content key 1; of several instances that start at once, the first one's stays."""

    async def add_content_key(self, number: int, wrapped: bytes, now: datetime) -> bool:
        """Make `number` the newest; False when it is taken."""

    async def set_sealed(self, sealed: bool, now: datetime) -> None: ...


class Unsealer(Protocol):
    """What holds the unseal key: a file, later shares, an HSM or another key management service. It only wraps and unwraps."""

    kind: str

    async def wrap(self, root_key: bytearray) -> bytes:
        """Called once, for a new barrier. Raises UnsealRefused."""

    async def unwrap(self, wrapped: bytes) -> bytearray:
        """Raises UnsealRefused, which says what is wrong and the mend."""
