"""A mesh of tiny programs under the real supervisor: `python mesh.py HOME [--detach] NAME:PORT:WAVE ...`.

A program listens on its port and answers each connection with its pid. Files in the home steer it: `NAME.crash` (it dies at its
start), `NAME.mute` (it never gets ready), `NAME.stubborn` (it ignores SIGTERM). It writes its name to `drained` when it drains.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from trustmesh_cli import running
from trustmesh_cli.home import Home
from trustmesh_cli.main import guarded
from trustmesh_cli.programs import tell_ready
from trustmesh_cli.supervisor.background import Starter, detach
from trustmesh_cli.supervisor.program import Program
from trustmesh_cli.supervisor.unit import Patience

READY = float(os.environ.get("FAKE_READY", "40"))
PATIENCE = Patience(first_delay=0.02, longest_delay=0.2, stable=0.5, crash_loop=3, ready=READY, drain=0.5)


def fake(home: Path, name: str, port: int) -> int:
    print(json.dumps({"time": "2026-01-01T00:00:00.000", "level": "info", "message": f"{name} starts"}), file=sys.stderr)
    if (home / f"{name}.crash").exists():
        print(json.dumps({"level": "critical", "message": f"{name} has no luck"}), file=sys.stderr)
        return 1
    if (home / f"{name}.stubborn").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(drain(home, name)))
    with socket.create_server(("127.0.0.1", port), reuse_port=True) as server:
        if not (home / f"{name}.mute").exists():
            tell_ready()
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(str(os.getpid()).encode())


def drain(home: Path, name: str) -> int:
    with (home / "drained").open("a") as file:
        file.write(f"{name}\n")
    return 0


def program(home: Path, word: str) -> Program:
    name, port, wave = word.split(":")
    command = (sys.executable, __file__, "--serve", str(home), name, port)
    return Program(name, lambda: fake(home, name, int(port)), command, int(wave), (int(port),))


@contextlib.contextmanager
def nothing() -> Iterator[Mapping[str, Mapping[str, str]]]:
    yield {}


async def well(program: Program) -> str:
    return ""


def main(arguments: list[str]) -> int:
    if arguments[0] == "--serve":
        return fake(Path(arguments[1]), arguments[2], int(arguments[3]))
    home = Home(Path(arguments[0]))
    words = [word for word in arguments[1:] if word != "--detach"]
    session = running.Session([program(home.path, word) for word in words], nothing, well, lambda: "greetings", {}, PATIENCE)
    if "--detach" not in arguments:
        return running.run_session(home, session, Starter(None))
    report = detach(lambda starter: running.run_session(home, session, starter), home.path / "supervisor.log")
    print(running.explain(report, home) or session.greeting())
    print(time.monotonic())
    return 0


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))
