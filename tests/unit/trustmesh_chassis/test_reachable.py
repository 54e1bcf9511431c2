"""Waiting for a peer to listen."""

from __future__ import annotations

import asyncio
import socket

from trustmesh_chassis.reachable import at_once, listening


async def test_waits_until_something_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    waiting = asyncio.create_task(listening(f"localhost:{port}")())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    with socket.create_server(("127.0.0.1", port)):
        async with asyncio.timeout(5):
            await waiting


async def test_some_peers_need_no_waiting() -> None:
    await at_once()
