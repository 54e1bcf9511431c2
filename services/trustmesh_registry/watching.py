"""How the registry's long streams end: in good order, when it begins to drain, and not when its patience does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from google.rpc.code_pb2 import UNAVAILABLE
from google.rpc.status_pb2 import Status

from trustmesh_registry.changes import Watcher


class Closing:
    """Set once, when the registry begins to drain."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    @property
    def status(self) -> Status:
        """What a stream says at its end."""
        return Status(code=UNAVAILABLE, message="the registry restarts; watch again")

    @property
    def begun(self) -> bool:
        return self._closing.is_set()

    async def wait(self) -> None:
        await self._closing.wait()

    async def run(self) -> None:
        """A background task: its cancellation is how the chassis says that the drain begins."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._closing.set()


async def told(watcher: Watcher, closing: Closing) -> AsyncIterator[str]:
    """Every name that changes, until the registry closes."""
    change = asyncio.ensure_future(watcher.wait())
    end = asyncio.ensure_future(closing.wait())
    try:
        while True:
            await asyncio.wait((change, end), return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return
            names = change.result()
            change = asyncio.ensure_future(watcher.wait())
            for name in names:
                yield name
    finally:
        change.cancel()
        end.cancel()
