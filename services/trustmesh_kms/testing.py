"""The service without its mesh, for tests: instances that share storage, an unseal key and a clock that tests move."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustmesh_chassis.storage import PageTokens
from trustmesh_kms import operations
from trustmesh_kms.barrier import Barrier
from trustmesh_kms.budget import MessageBudget
from trustmesh_kms.guard import GuardedKeys
from trustmesh_kms.keyring import Keyring
from trustmesh_kms.keys import Algorithm, Key, KeyVersion
from trustmesh_kms.memory import MemoryBarrier, MemoryKeys
from trustmesh_kms.operations import Change, CreateKey
from trustmesh_kms.ports import BarrierStore, KeyRepository
from trustmesh_kms.unsealers import FileUnsealer


@dataclass
class Clock:
    """Wall clock and monotonic clock in one; both stand still until `advance`."""

    now: datetime = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    elapsed: float = 0.0

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds

    def wall(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.elapsed


@dataclass
class Kms:
    """One running instance."""

    clock: Clock
    barrier: Barrier
    keys: KeyRepository
    keyring: Keyring
    budget: MessageBudget
    tokens: PageTokens = field(default_factory=lambda: PageTokens(bytes(32)))

    async def create(
        self,
        key_id: str,
        algorithm: Algorithm = Algorithm.XAES_256_GCM,
        *,
        org: str = "demo",
        labels: dict[str, str] | None = None,
        request_id: str = "",
    ) -> Key:
        command = CreateKey(org, key_id, algorithm.purpose, algorithm, labels or {}, request_id)
        return await operations.create_key(
            command, keys=self.keys, barrier=self.barrier, now=self.clock.now, random=secrets.token_bytes
        )

    async def rotate(self, key: Key, etag: str = "", *, rehearsal: bool = False) -> Key:
        return await operations.rotate_key(
            Change(key.name, etag, rehearsal),
            keys=self.keys,
            barrier=self.barrier,
            keyring=self.keyring,
            now=self.clock.now,
            random=secrets.token_bytes,
        )

    async def disable(self, name: str, etag: str = "", *, rehearsal: bool = False) -> KeyVersion:
        change = Change(name, etag, rehearsal)
        _, version = await operations.disable_key_version(change, keys=self.keys, keyring=self.keyring, now=self.clock.now)
        return version

    async def enable(self, name: str, etag: str = "") -> KeyVersion:
        change = Change(name, etag, rehearsal=False)
        _, version = await operations.enable_key_version(change, keys=self.keys, keyring=self.keyring, now=self.clock.now)
        return version


@dataclass
class Installation:
    """What instances share."""

    directory: Path
    clock: Clock
    stored_barrier: BarrierStore
    stored_keys: KeyRepository

    @classmethod
    def in_memory(cls, directory: Path, clock: Clock) -> Installation:
        barrier = MemoryBarrier()
        return cls(directory, clock, barrier, MemoryKeys(barrier))

    def new_barrier(self) -> Barrier:
        """Of a process that has not started yet."""
        unsealer = FileUnsealer(self.directory / "unseal.key", secrets.token_bytes)
        return Barrier(self.stored_barrier, unsealer, random=secrets.token_bytes, clock=self.clock.wall)

    async def start(self, *, block: int = 4, limit: int = 10, capacity: int = 100) -> Kms:
        """An instance; `block` and `limit` are those of the message budget, `capacity` the keyring's."""
        barrier = self.new_barrier()
        await barrier.start()
        keys = GuardedKeys(self.stored_keys, barrier)
        keyring = Keyring(keys, barrier, monotonic=self.clock.monotonic, capacity=capacity)
        return Kms(self.clock, barrier, keys, keyring, MessageBudget(keys, block=block, limit=limit))
