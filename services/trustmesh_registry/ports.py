"""What the registry needs from outside: where its state lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trustmesh_registry.membership import Service

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the dynamic configuration: `text` is JSON, `writer` "services/<name>" or an operator's subject."""

    key: str
    text: str
    writer: str
    create_time: datetime
    update_time: datetime


class ServiceRepository(Protocol):
    """Where services last. Each call is one transaction."""

    async def load(self) -> list[Service]:
        """Every service with its instances."""

    async def save(self, service: Service) -> None:
        """Write the service, its contract and its instances in place of what is kept of it."""


class ConfigurationRepository(Protocol):
    """Where values last. Each call is one transaction."""

    async def load(self) -> list[Value]:
        """Every value."""

    async def save(self, value: Value) -> None:
        """Write the value in place of the one of its key."""

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete the values of these keys; one that does not exist is no error."""
