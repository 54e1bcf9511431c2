"""Dynamic configuration: JSON values by key that the registry keeps, watched; the last good state survives without it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc

from trustmesh.config.v1 import config_service_pb2, config_service_pb2_grpc
from trustmesh_chassis.reachable import Reachable, at_once

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
_COLLECTION = "configurations/"


class Configuration:
    """This process's copy of the mesh's configuration."""

    def __init__(self, stub: config_service_pb2_grpc.ConfigServiceStub, last_good: Path, reachable: Reachable = at_once) -> None:
        """`last_good` is a file in which the state is kept for a start without the registry.

        `reachable` returns when the registry can be reached; nothing is sent before.
        """
        self._stub: Any = stub
        self._reachable = reachable
        self._file = last_good
        self._values: dict[str, str] = _read(last_good)
        self._changed = asyncio.Condition()
        self._listeners: list[tuple[str, Callable[[str], None]]] = []

    def get(self, key: str) -> Any:
        """The value of `key` parsed from JSON, or None."""
        text = self._values.get(key)
        return None if text is None else json.loads(text)

    def listen(self, key: str, use: Callable[[str], None]) -> None:
        """Call `use` with the JSON text of `key`, now if there is one and whenever it changes.

        A value that `use` refuses with ValueError is logged, and the one before stays in use.
        """
        self._listeners.append((key, use))
        if key in self._values:
            _offer(key, self._values[key], use)

    async def watch(self, prefix: str) -> AsyncIterator[dict[str, Any]]:
        """All values whose key begins with `prefix`, now and after each change, as {key: parsed JSON}."""
        seen: dict[str, str] | None = None
        while True:
            async with self._changed:
                while (state := {k: v for k, v in self._values.items() if k.startswith(prefix)}) == seen:
                    await self._changed.wait()
            seen = state
            yield {key: json.loads(text) for key, text in state.items()}

    async def publish(self, key: str, value: Any) -> None:
        """Write `value` under `key`, which begins with the own service's name; returns when the registry has it.

        Waits for a registry that is away.
        """
        request = config_service_pb2.PublishConfigurationRequest(name=_COLLECTION + key, value=json.dumps(value, sort_keys=True))
        await self._reachable()
        while True:
            try:
                await self._stub.PublishConfiguration(request, timeout=5)
                return
            except grpc.RpcError as error:
                if error.code() not in _AWAY:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def run(self) -> None:
        """Follow the registry for as long as the service lives."""
        await self._reachable()
        while True:
            try:
                await self._follow()
            except grpc.RpcError as error:
                log.debug("configuration watch ended: %s", error.details())
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        fresh: dict[str, str] = {}
        synchronized = False
        async for response in self._stub.WatchConfigurations(config_service_pb2.WatchConfigurationsRequest()):
            match response.WhichOneof("event"):
                case "configuration":
                    key, value = response.configuration.name.removeprefix(_COLLECTION), response.configuration.value
                    await self._replace({**self._values, key: value})
                    fresh[key] = value
                case "removed":
                    gone = response.removed.removeprefix(_COLLECTION)
                    await self._replace({key: value for key, value in self._values.items() if key != gone})
                case "synchronized" if not synchronized:
                    await self._replace(fresh)
                    synchronized = True
                case "status":
                    return

    def _keep(self, values: dict[str, str]) -> None:
        try:
            _write(self._file, values)
        except OSError as error:
            log.error("%s cannot be written (%s); a start without the registry would begin with older values", self._file, error)

    async def _replace(self, values: dict[str, str]) -> None:
        before, self._values = self._values, values
        if values == before:
            return
        self._keep(values)
        for key, use in self._listeners:
            if key in values and values[key] != before.get(key):
                _offer(key, values[key], use)
        async with self._changed:
            self._changed.notify_all()


_AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})


def _offer(key: str, text: str, use: Callable[[str], None]) -> None:
    try:
        use(text)
    except ValueError as error:
        log.error("configuration %s is unusable, the value before stays in use: %s", key, error)


def _read(file: Path) -> dict[str, str]:
    try:
        values = json.loads(file.read_text())
        return {str(key): str(value) for key, value in values.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError):
        log.warning("%s is damaged; starting without the last good configuration", file)
        return {}


def _write(file: Path, values: dict[str, str]) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(values))
    beside.replace(file)
