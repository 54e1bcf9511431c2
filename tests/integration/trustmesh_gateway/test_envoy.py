"""Envoy as a child: it is watched, it is drained without losing a call, and it never outlives its parent."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from trustmesh_chassis.errors import Unavailable
from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import Envoy, EnvoyFailed


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def ready(envoy: Envoy) -> bool:
    try:
        await envoy.check()
    except Unavailable:
        return False
    return True


def static(port: int, backend: int) -> dict[str, str]:
    """A configuration without TLS or control plane: one listener, named as the edge, before one HTTP backend."""
    manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    upstream = {"socket_address": {"address": "127.0.0.1", "port_value": backend}}
    everything = {"match": {"prefix": "/"}, "route": {"cluster": "b"}}
    edge = {
        "@type": manager,
        "stat_prefix": "edge",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [everything]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
        "access_log": [
            {
                "name": "log",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": "/dev/stdout",
                    "log_format": {"json_format": {"path": "%PATH(NQ)%"}},
                },
            }
        ],
    }
    endpoints = {"cluster_name": "b", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": upstream}}]}]}
    bootstrap = {
        "admin": {"address": {"pipe": {"path": "admin.sock", "mode": 0o600}}},
        "application_log_config": {"log_format": {"json_format": {"level": "%l", "logger": "%n", "message": "%j"}}},
        "static_resources": {
            "listeners": [
                {"name": "l", "address": address, "filter_chains": [{"filters": [{"name": "m", "typed_config": edge}]}]}
            ],
            "clusters": [{"name": "b", "type": "STATIC", "load_assignment": endpoints}],
        },
    }
    return {"bootstrap.yaml": json.dumps(bootstrap)}


@pytest.fixture
async def backend() -> AsyncIterator[Any]:
    """An HTTP server whose answers wait until `go` is set."""
    go = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        server.asked += 1
        await go.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone")
        await writer.drain()
        writer.close()

    server: Any = await asyncio.start_server(answer, "127.0.0.1", 0)
    server.asked, server.go, server.port = 0, go, server.sockets[0].getsockname()[1]
    yield server
    go.set()
    server.close()
    await server.wait_closed()


async def test_a_call_under_way_ends_well_and_new_ones_are_refused(tmp_path: Path, backend: Any) -> None:
    port = free_port()
    envoy = await Envoy.start(tmp_path, static(port, backend.port), 1)
    await until(lambda: ready(envoy))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        call = asyncio.create_task(client.get("/slow"))

        async def asked() -> bool:
            return bool(backend.asked)

        await until(asked)
        draining = asyncio.create_task(envoy.drain(0.05, 10))

        async def refused() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return True
            writer.close()
            return False

        await until(refused)
        backend.go.set()
        assert (await call).text == "done"
        await draining


async def test_a_connection_taken_before_the_end_still_brings_its_request(tmp_path: Path, backend: Any) -> None:
    port = free_port()
    envoy = await Envoy.start(tmp_path, static(port, backend.port), 1)
    await until(lambda: ready(envoy))
    backend.go.set()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    draining = asyncio.create_task(envoy.drain(0.05, 10))

    async def refused() -> bool:
        try:
            _, other = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return True
        other.close()
        return False

    await until(refused)
    writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert (await reader.read()).endswith(b"done")
    writer.close()
    await draining


async def test_a_call_that_does_not_end_is_given_up_after_the_grace(
    tmp_path: Path, backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    envoy = await Envoy.start(tmp_path, static(port, backend.port), 1)
    await until(lambda: ready(envoy))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        call = asyncio.create_task(client.get("/slow"))

        async def asked() -> bool:
            return bool(backend.asked)

        await until(asked)
        await envoy.drain(0, 0.2)
        with pytest.raises(httpx.TransportError):
            await call
    assert "calls under way" in caplog.text


async def test_one_that_does_not_listen_is_killed(tmp_path: Path, backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustmesh_gateway.envoy._KILL_AFTER_SECONDS", 0.1)
    envoy = await Envoy.start(tmp_path, static(free_port(), backend.port), 1)
    await until(lambda: ready(envoy))
    os.kill(envoy.pid, signal.SIGSTOP)
    await envoy.drain()
    assert not is_running(envoy.pid)


async def test_log_lines_are_forwarded(
    tmp_path: Path, backend: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    backend.go.set()
    envoy = await Envoy.start(tmp_path, static(port, backend.port), 1)
    await until(lambda: ready(envoy))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        await client.get("/a?secret=1")
    await envoy.drain()
    assert '{"path":"/a"}' in capsys.readouterr().out
    [stopping] = [each for each in caplog.records if "SIGTERM" in each.getMessage()]
    assert (stopping.levelno, stopping.name) == (logging.WARNING, "trustmesh_gateway.envoy")
    assert stopping.getMessage().startswith("main: ")


async def test_a_death_that_nobody_asked_for_is_an_error(tmp_path: Path, backend: Any) -> None:
    envoy = await Envoy.start(tmp_path, static(free_port(), backend.port), 1)
    await until(lambda: ready(envoy))
    watching = asyncio.create_task(envoy.watch())
    os.kill(envoy.pid, signal.SIGKILL)
    with pytest.raises(EnvoyFailed, match="exit code -9"):
        await watching
    with pytest.raises(Unavailable, match="does not answer"):
        await envoy.check()
    await envoy.drain()


async def test_what_envoy_cannot_read_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    envoy = await Envoy.start(tmp_path, {"bootstrap.yaml": "static_resources: {listeners: [{nonsense: 1}]}"}, 1)
    with pytest.raises(EnvoyFailed, match="exit code 1"):
        await envoy.watch()
    await envoy.drain()
    assert "nonsense" in caplog.text


async def test_without_the_registry_it_is_not_ready(tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    identity.mkdir()
    start = Start("gateway-1", f"localhost:{free_port()}", "trustmesh.local", str(identity), 256 << 20, 100)
    envoy = await Envoy.start(tmp_path, files(start), 1)

    async def answers() -> bool:
        try:
            await envoy.check()
        except Unavailable as error:
            return "waits for the registry" in error.message
        return False

    await until(answers)
    assert (tmp_path / "admin.sock").stat().st_mode & 0o777 == 0o600
    await envoy.drain()


def _parent(directory: str, port: int, backend: int, told: Any) -> None:
    async def start() -> None:
        envoy = await Envoy.start(Path(directory), static(port, backend), 1)
        told.send(envoy.pid)
        await asyncio.sleep(3600)

    asyncio.run(start())


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_envoy_dies_with_its_parent(tmp_path: Path, backend: Any) -> None:
    heard, told = multiprocessing.Pipe(duplex=False)
    parent = multiprocessing.get_context("spawn").Process(target=_parent, args=(str(tmp_path), free_port(), backend.port, told))
    parent.start()
    pid = await asyncio.to_thread(heard.recv)
    assert is_running(pid)
    parent.kill()

    async def dead() -> bool:
        return not is_running(pid)

    await until(dead)
    parent.join()
