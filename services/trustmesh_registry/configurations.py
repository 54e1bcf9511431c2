"""The use cases of the dynamic configuration: read, write, publish, delete, watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from trustmesh_chassis.errors import FieldViolation, InvalidArgument, NotFound
from trustmesh_chassis.storage import etag_of, require_etag
from trustmesh_registry.changes import Changes, Watcher
from trustmesh_registry.errors import TooManyConfigurations
from trustmesh_registry.ports import Clock, ConfigurationRepository, Value

MAX_VALUES = 2000
MAX_VALUES_OF_SERVICE = 100


class Configurations:
    """The values by key. What it tells has been written before."""

    def __init__(
        self, repository: ConfigurationRepository, clock: Clock, checks: Mapping[str, Callable[[str], object]] | None = None
    ) -> None:
        """`checks` are by key: each raises ValueError for a text that must not be published there."""
        self._repository = repository
        self._clock = clock
        self._checks = dict(checks or {})
        self._values: dict[str, Value] = {}
        self._writing = asyncio.Lock()
        self._changes = Changes()

    async def load(self) -> None:
        """Take up the values that lasted."""
        self._values = {value.key: value for value in await self._repository.load()}

    def find(self, key: str) -> Value:
        """The value of `key`. Raises NotFound."""
        if key not in self._values:
            raise NotFound(f"configuration {key} has no value", metadata={"resource": f"configurations/{key}"})
        return self._values[key]

    def get(self, key: str) -> Value | None:
        """The value of `key`, None when it has none."""
        return self._values.get(key)

    def under(self, prefix: str) -> Mapping[str, Value]:
        """The values whose key begins with `prefix`, by key in order."""
        return {key: self._values[key] for key in sorted(self._values) if key.startswith(prefix)}

    @contextmanager
    def watched(self) -> Iterator[Watcher]:
        """A watcher that is told every key whose value changes."""
        with self._changes.watched() as watcher:
            yield watcher

    async def write(
        self, key: str, text: str, writer: str, *, etag: str = "", allow_missing: bool = True, dry_run: bool = False
    ) -> Value:
        """Write `text` under `key`; the same text again changes nothing.

        Raises InvalidArgument for text that is not JSON or that the key's check refuses, NotFound for a missing value unless
        `allow_missing`, EtagMismatch, TooManyConfigurations.
        """
        require_json(text)
        self._require_usable(key, text)
        async with self._writing:
            before = self._values.get(key)
            if before is None and not allow_missing:
                self.find(key)
            require_etag(etag, etag_of_value(before) if before else "")
            if before is None:
                self._require_room(key.partition("/")[0])
            now = self._clock()
            after = Value(key, text, writer, before.create_time if before else now, now)
            if before is not None and (before.text, before.writer) == (text, writer):
                return before
            if not dry_run:
                await self._repository.save(after)
                self._values[key] = after
                self._changes.tell(key)
            return after

    def _require_usable(self, key: str, text: str) -> None:
        try:
            self._checks.get(key, str)(text)
        except ValueError as problem:
            raise InvalidArgument("The value does not do.", fields=(FieldViolation("value", str(problem)),)) from None

    def _require_room(self, service: str) -> None:
        if len(self._values) >= MAX_VALUES:
            raise TooManyConfigurations(f"the registry keeps {MAX_VALUES} values; delete those that nobody watches")
        if len(self.under(f"{service}/")) >= MAX_VALUES_OF_SERVICE:
            raise TooManyConfigurations(f"{service} has {MAX_VALUES_OF_SERVICE} values; delete those that nobody watches")

    async def delete(self, key: str, etag: str) -> None:
        """Delete the value of `key`. Raises NotFound, EtagMismatch."""
        async with self._writing:
            require_etag(etag, etag_of_value(self.find(key)))
            await self._repository.delete((key,))
            del self._values[key]
            self._changes.tell(key)


def etag_of_value(value: Value) -> str:
    """Changes with everything that a reader sees."""
    return etag_of(value.key, value.text, value.writer, value.update_time)


def require_json(text: str) -> None:
    """Raise InvalidArgument unless `text` is one JSON value (RFC 8259: no NaN, no Infinity)."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(
            "The value is not JSON.", fields=(FieldViolation("value", f"must be JSON text: {error}"),)
        ) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
