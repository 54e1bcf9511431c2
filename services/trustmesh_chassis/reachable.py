"""Waits for a peer to listen before anything is sent to it.

A channel whose first connection is refused backs off for a second; a mesh that starts all at once would pay that everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

POLL_SECONDS = 0.02

Reachable = Callable[[], Coroutine[None, None, None]]


async def at_once() -> None:
    """For a peer that needs no waiting."""


def listening(address: str) -> Reachable:
    """A function that returns when something accepts connections at `address` ("host:port")."""
    host, _, port = address.rpartition(":")

    async def reachable() -> None:
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return
            await asyncio.sleep(POLL_SECONDS)

    return reachable
