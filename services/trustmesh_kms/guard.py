"""The repository behind the barrier: while that is sealed, nothing is read or written."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from trustmesh_kms.barrier import Barrier
from trustmesh_kms.ports import KeyReading, KeyRepository, KeyUnit


class GuardedKeys:
    """A KeyRepository whose every use raises KmsSealed while the barrier is sealed."""

    def __init__(self, keys: KeyRepository, barrier: Barrier) -> None:
        self._keys = keys
        self._barrier = barrier

    def read(self, org: str) -> AbstractAsyncContextManager[KeyReading]:
        self._barrier.require_unsealed()
        return self._keys.read(org)

    def unit(self, org: str) -> AbstractAsyncContextManager[KeyUnit]:
        self._barrier.require_unsealed()
        return self._keys.unit(org)

    async def reserve(self, org: str, key_id: str, number: int, count: int, limit: int) -> bool:
        self._barrier.require_unsealed()
        return await self._keys.reserve(org, key_id, number, count, limit)
