"""Tells watchers which names changed, in bounded memory: a name that changes twice before a watcher looks is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Watcher:
    """One watcher's view: the names that changed since it looked last."""

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()

    def tell(self, name: str) -> None:
        self._changed[name] = None
        self._wake.set()

    async def wait(self) -> tuple[str, ...]:
        """The names that changed, in the order in which they first did; waits until there is one."""
        await self._wake.wait()
        self._wake.clear()
        names, self._changed = tuple(self._changed), {}
        return names


class Changes:
    """What a watched collection calls when one of its names changes."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def tell(self, name: str) -> None:
        for watcher in self._watchers:
            watcher.tell(name)

    @contextmanager
    def watched(self) -> Iterator[Watcher]:
        """A watcher that hears of every change from now on, until the block ends."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def __len__(self) -> int:
        return len(self._watchers)
