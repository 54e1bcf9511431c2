"""The registry as a process on the chassis: started, ready, drained, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import Any

from trustmesh.config.v1 import config_service_pb2
from trustmesh.config.v1.config_service_pb2_grpc import ConfigServiceStub

PROGRAM = """
import sys
from pathlib import Path
from trustmesh_chassis.process import run
from trustmesh_registry.app import SERVICE
sys.exit(run(SERVICE, Path(sys.argv[1]), lambda: print("ready", flush=True)))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def start(mesh: Any) -> asyncio.subprocess.Process:
    directory = mesh.home / "services" / "registry"
    if not directory.exists():
        mesh.authority.issue(directory / "identity", "registry")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(mesh.home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TRUSTMESH_REGISTRY__PORT": str(mesh.port),
            "TRUSTMESH_REGISTRY__ADMIN_PORT": str(free_port()),
            "TRUSTMESH_REGISTRY_ADDRESS": f"localhost:{mesh.port}",
            "TRUSTMESH_DRAIN_DELAY": "0.3",
        },
    )
    mesh.stack.push_async_callback(ended, process)
    return process


async def ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(50):
        while (line := await process.stdout.readline()) != b"ready\n":
            assert line, "the registry ended before it was ready"


async def publish_keys(mesh: Any) -> None:
    stub: Any = ConfigServiceStub(mesh.channel("authz"))
    request = config_service_pb2.PublishConfigurationRequest(name="configurations/authz/jwks", value=mesh.issuer.jwks)
    await stub.PublishConfiguration(request, timeout=50, wait_for_ready=True)


async def test_the_process_serves_drains_quickly_and_comes_back_as_it_was(surroundings: Any) -> None:
    mesh = surroundings
    process = await start(mesh)
    await publish_keys(mesh)
    await ready(process)
    await mesh.register(await mesh.backend("a"))
    caller = await mesh.caller()
    assert await caller(n=5) == {"a": 5}

    await caller.start(n=0, seconds=3.0, gap=0.01)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        assert await process.wait() == 0
    process = await start(mesh)
    await ready(process)
    assert set(await caller.result()) == {"a"}

    process.kill()
    await process.wait()
    process = await start(mesh)
    await ready(process)
    newcomer = await mesh.caller(service="shop")
    assert await newcomer(n=5) == {"a": 5}
