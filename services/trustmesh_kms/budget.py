"""How many messages a version may still encrypt, where its algorithm bears a limited number.

AES-GCM with random 96-bit nonces is good for 2^32 messages a key (SP 800-38D section 8.3). Messages are counted in the database
in blocks, before the first of a block is encrypted, so a process that dies loses the rest of its block and never counts too few.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trustmesh_kms.errors import KeyVersionExhausted
from trustmesh_kms.keys import split_key, split_version
from trustmesh_kms.material import EncryptionKey
from trustmesh_kms.ports import KeyRepository

LIMIT: Final = 1 << 32
BLOCK: Final = 1 << 16  # 65,536 blocks a version: each start of an instance costs one at most


class MessageBudget:
    """This process's part of the count; one number for each version that it used."""

    def __init__(self, keys: KeyRepository, *, block: int = BLOCK, limit: int = LIMIT) -> None:
        self._keys = keys
        self._block = block
        self._limit = limit
        self._left: dict[tuple[UUID, int], int] = {}

    async def spend(self, key: EncryptionKey, count: int) -> None:
        """Count `count` messages of `key`. Raises KeyVersionExhausted."""
        version = (key.uid, key.number)
        while (left := self._left.get(version, 0)) < count:
            org, key_id = split_key(split_version(key.name)[0])
            if not await self._keys.reserve(org, key_id, key.number, self._block, self._limit):
                raise KeyVersionExhausted(f"{key.name} has encrypted all the messages that its algorithm bears; rotate the key")
            self._left[version] = self._left.get(version, 0) + self._block
        self._left[version] = left - count
