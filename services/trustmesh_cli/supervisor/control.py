"""The supervisor's control socket: a unix socket that only its owner may open; one JSON request, JSON lines in answer.

An answer's last line has `done`: true. The requests' verbs are status, down and restart (with `service`, a name or null).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


class Unreachable(Exception):
    """No supervisor answers on the socket."""


def ask(path: Path, request: Answer, timeout: float = 10.0) -> Iterator[Answer]:
    """Send `request` and yield the answers; `timeout` is the longest silence, in seconds. Raises Unreachable."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as connection:
        connection.settimeout(timeout)
        try:
            with short(path) as name:
                connection.connect(name)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as lines:
                yield from map(json.loads, lines)
        except (OSError, ValueError) as error:
            raise Unreachable(f"the supervisor does not answer on {path} ({error})") from None


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """A name for `path` within the 108 bytes that a unix socket's address may have, wherever the home is."""
    if sys.platform != "linux":
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
