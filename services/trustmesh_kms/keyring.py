"""Keys ready for use, remembered between calls so that encrypting reads no database.

What is remembered is trusted for one lease (a second) after the barrier's record was last read. With the record's epoch, which
every change of a key moves on, all that is remembered is forgotten. So a version that any instance disabled is refused by every
instance within a lease, and a database that cannot be asked stops the use of keys rather than letting it go on unwatched.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from trustmesh_chassis.errors import CallError, NotFound
from trustmesh_kms.barrier import Barrier, clear, context
from trustmesh_kms.keys import (
    Key,
    Purpose,
    VersionState,
    purpose_mismatch,
    require_enabled,
    require_purpose,
    split_key,
    split_version,
)
from trustmesh_kms.material import EncryptionKey, SigningKey, UsableKey, usable
from trustmesh_kms.ports import KeyRepository

log = logging.getLogger(__name__)


@dataclass(slots=True)
class HeldKey:
    """A key as it is remembered: its versions' states, and ready for use those of its versions that have been used."""

    key: Key
    states: dict[int, VersionState]
    ready: dict[int, UsableKey] = field(default_factory=dict)


class Keyring:
    """Finds usable keys by name; remembers `capacity` keys and versions at most, and drops the least lately used keys first."""

    def __init__(
        self, keys: KeyRepository, barrier: Barrier, *, monotonic: Callable[[], float], lease: float = 1.0, capacity: int = 10_000
    ) -> None:
        self._keys = keys
        self._barrier = barrier
        self._monotonic = monotonic
        self._lease = lease
        self._capacity = capacity
        self._held: OrderedDict[str, HeldKey] = OrderedDict()
        self._weight = 0
        self._trusted_until = float("-inf")
        self._epoch = -1
        self._generation = 0
        self._refreshing = asyncio.Lock()

    def __len__(self) -> int:
        """How many keys and versions are remembered."""
        return self._weight

    async def encryption_key(self, key_name: str) -> EncryptionKey:
        """The key's primary version. Raises KmsSealed, NotFound, PurposeMismatch or KeyVersionDisabled."""
        held = await self._hold(key_name)
        ready = held.ready.get(held.key.primary)
        if ready is None:
            require_purpose(key_name, held.key.purpose, Purpose.ENCRYPT_DECRYPT)
            ready = await self._prepare(held, held.key.primary)
        return _encrypting(held.key, ready)

    async def decryption_key(self, key_name: str, unverified_number: int) -> EncryptionKey | None:
        """The version of that number, None where there is none. Raises as `encryption_key`."""
        held = await self._hold(key_name)
        ready = held.ready.get(unverified_number)
        if ready is None:
            require_purpose(key_name, held.key.purpose, Purpose.ENCRYPT_DECRYPT)
            if unverified_number not in held.states:
                return None
            ready = await self._prepare(held, unverified_number)
        return _encrypting(held.key, ready)

    async def signing_key(self, name: str) -> SigningKey:
        """The version that `name` names, or the primary one of the key that it names. Raises as `encryption_key`."""
        key_name, number = split_version(name)
        held = await self._hold(key_name)
        number = number or held.key.primary
        ready = held.ready.get(number)
        if ready is None:
            require_purpose(key_name, held.key.purpose, Purpose.SIGN_VERIFY)
            if number not in held.states:
                raise NotFound(f"{name} does not exist")
            ready = await self._prepare(held, number)
        return _signing(held.key, ready)

    def forget(self) -> None:
        """Forget everything, so that what changed here takes effect here at once."""
        self._held.clear()
        self._weight = 0
        self._generation += 1

    async def refresh(self) -> None:
        """Read the barrier's record, follow what it says, and trust what is remembered for another lease."""
        async with self._refreshing:
            await self._refresh()

    async def watch(self) -> None:
        """Refresh for ever: calls find a fresh lease, and an idle instance too lets go of its keys when another one seals."""
        while True:
            try:
                await self.refresh()
            except CallError as error:  # calls meet it too, when their lease ends; the next refresh may succeed
                log.warning("the barrier cannot be refreshed: %s", error.message)
            await asyncio.sleep(self._lease / 2)

    async def _refresh(self) -> None:
        asked = self._monotonic()
        was_sealed = self._barrier.sealed
        epoch = await self._barrier.refresh()
        if epoch != self._epoch or self._barrier.sealed != was_sealed:
            self._epoch = epoch
            self.forget()
        self._trusted_until = asked + self._lease

    async def _hold(self, key_name: str) -> HeldKey:
        if self._monotonic() >= self._trusted_until:
            async with self._refreshing:
                if self._monotonic() >= self._trusted_until:
                    await self._refresh()
        held = self._held.get(key_name)
        if held is None:
            return await self._load(key_name)
        self._held.move_to_end(key_name)
        return held

    async def _load(self, key_name: str) -> HeldKey:
        self._barrier.require_unsealed()
        generation = self._generation
        org, key_id = split_key(key_name)
        async with self._keys.read(org) as reading:
            key = await reading.key(key_id)
            if key is None:
                raise NotFound(f"{key_name} does not exist")
            held = HeldKey(key, await reading.states(key))
        if generation == self._generation and key_name not in self._held:
            self._held[key_name] = held
            self._grow()
        return held

    async def _prepare(self, held: HeldKey, number: int) -> UsableKey:
        """Read, open and remember a version's material. Raises KeyVersionDisabled before it is touched."""
        key = held.key
        name = key.version_name(number)
        require_enabled(name, held.states[number])
        async with self._keys.read(key.org) as reading:
            sealed = await reading.sealed_material(key, number)
        material = self._barrier.open_value(sealed, material_context(key, number))
        try:
            ready = usable(name, key.uid, number, key.algorithm, material)
        finally:
            clear(material)
        if self._held.get(key.name) is held and number not in held.ready:
            held.ready[number] = ready
            self._grow()
        return ready

    def _grow(self) -> None:
        self._weight += 1
        while self._weight > self._capacity:
            _, evicted = self._held.popitem(last=False)
            self._weight -= 1 + len(evicted.ready)


def material_context(key: Key, number: int) -> bytes:
    """What a version's sealed material is: whose, of which version, for which algorithm."""
    return context("key_versions", key.org, str(key.uid), number, int(key.algorithm))


def _encrypting(key: Key, ready: UsableKey) -> EncryptionKey:
    if not isinstance(ready, EncryptionKey):
        raise purpose_mismatch(key.name, key.purpose)
    return ready


def _signing(key: Key, ready: UsableKey) -> SigningKey:
    if isinstance(ready, EncryptionKey):
        raise purpose_mismatch(key.name, key.purpose)
    return ready
