"""The ports in memory."""

from __future__ import annotations

from collections.abc import Iterable

from trustmesh_registry.membership import Service
from trustmesh_registry.ports import Value


class MemoryServices:
    """Services that last as long as this object."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}

    async def load(self) -> list[Service]:
        return list(self._services.values())

    async def save(self, service: Service) -> None:
        self._services[service.name] = service


class MemoryConfigurations:
    """Values that last as long as this object."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}

    async def load(self) -> list[Value]:
        return list(self._values.values())

    async def save(self, value: Value) -> None:
        self._values[value.key] = value

    async def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._values.pop(key, None)
