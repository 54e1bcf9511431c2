"""The supervisor's end of its control socket (see control.py for the other)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from trustmesh_cli.supervisor.control import Answer, short

Respond = Callable[[Answer], AsyncIterator[Answer]]

_MODE = 0o600


async def listen(path: Path, respond: Respond) -> asyncio.Server:
    """Serve `path`, in place of a socket that a dead supervisor left."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError):
            try:
                request = json.loads(await reader.readline())
                async for answer in respond(request):
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await writer.drain()
            except ValueError:
                writer.write(b'{"error": "not a request", "done": true}\n')
            writer.close()
            await writer.wait_closed()

    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o777 & ~_MODE)
    try:
        with short(path) as name:
            listener.bind(name)
    finally:
        os.umask(umask)
    return await asyncio.start_unix_server(serve, sock=listener)
