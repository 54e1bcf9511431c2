"""A real Envoy that starts from the gateway's bootstrap and learns everything else from the control plane."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from trustmesh_chassis.errors import Unavailable
from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import Envoy
from trustmesh_registry import convert
from trustmesh_registry.xds.nodes import Kind


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """An Envoy on the mesh's control plane, and a client before it."""

    def __init__(self, mesh: Any, envoy: Envoy, client: httpx.AsyncClient) -> None:
        self.mesh, self.envoy, self.client = mesh, envoy, client

    async def ready(self) -> bool:
        try:
            await self.envoy.check()
        except Unavailable:
            return False
        return True

    async def hello(self, service: str = "echo") -> str:
        """What the service answers through the gateway, or the HTTP status."""
        answer = await self.client.get(f"/service/v1/{service}")
        return str(answer.json()) if answer.status_code == httpx.codes.OK else str(answer.status_code)

    async def says(self, wanted: str, service: str = "echo") -> bool:
        return await self.hello(service) == wanted

    async def many(self, seconds: float) -> Counter[str]:
        answers: Counter[str] = Counter()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            answers[await self.hello()] += 1
        return answers

    def refusals(self) -> list[str]:
        [node] = [each for each in self.mesh.registry.nodes.all() if each.node.kind is Kind.ENVOY]
        return [sub.refusal for each in node.connections for sub in each.stream.subscriptions.values() if sub.refusal]


@pytest.fixture
async def gateway(mesh: Any) -> AsyncIterator[Gateway]:
    ports = {"gateway_https_port": free_port(), "gateway_http_port": free_port()}
    await mesh.down()
    mesh.settings |= ports
    await mesh.up()
    identity = mesh.identity("gateway")
    start = Start("envoy-1", f"localhost:{mesh.port}", "trustmesh.local", str(identity.parent), 256 << 20, 1000)
    directory = mesh.home / "envoy"
    directory.mkdir()
    envoy = await Envoy.start(directory, files(start), 1)
    trust = ssl.create_default_context(cadata=mesh.authority.roots_pem.decode())
    async with httpx.AsyncClient(base_url=f"https://localhost:{ports['gateway_https_port']}", verify=trust) as client:
        gateway = Gateway(mesh, envoy, client)
        await mesh.until(gateway.ready, 20)
        yield gateway
    await envoy.drain()


async def test_envoy_follows_the_mesh_without_a_restart_or_a_failed_call(gateway: Gateway) -> None:
    mesh = gateway.mesh
    assert await gateway.hello() == "404"
    first, second = await mesh.backend("a"), await mesh.backend("b")
    await mesh.register(first)
    await mesh.until(lambda: gateway.says("a"))
    load = asyncio.ensure_future(gateway.many(2.0))
    await mesh.register(await mesh.backend("o", service="other"), service="other")
    await mesh.until(lambda: gateway.says("o", "other"))
    await mesh.register(second)
    await mesh.deregister(first)
    assert set(await load) <= {"a", "b"}
    await mesh.until(lambda: gateway.says("b"))
    assert gateway.refusals() == []
    configuration = convert.node_configuration_message(mesh.registry.nodes.find("envoy-1"))
    assert {"Listener https", "RouteConfiguration edge", "Cluster echo"} <= {
        f"{each.type} {each.name}" for each in configuration.resources
    }
    assert any("access token" in problem for problem in mesh.registry.publisher.problems)


async def test_envoy_works_on_without_the_control_plane_and_comes_back(gateway: Gateway) -> None:
    mesh = gateway.mesh
    first, second = await mesh.backend("a"), await mesh.backend("b")
    await mesh.register(first)
    await mesh.until(lambda: gateway.says("a"))
    await mesh.down()
    assert set(await gateway.many(0.5)) == {"a"}
    load = asyncio.ensure_future(gateway.many(2.0))
    await mesh.up()
    assert set(await load) == {"a"}
    await mesh.register(second)
    await mesh.deregister(first)
    await mesh.until(lambda: gateway.says("b"), 30)
    assert gateway.refusals() == []


async def test_a_service_without_instances_is_unavailable_and_not_unknown(gateway: Gateway) -> None:
    mesh = gateway.mesh
    backend = await mesh.backend("a")
    await mesh.register(backend)
    await mesh.until(lambda: gateway.says("a"))
    await mesh.deregister(backend)
    await mesh.until(lambda: gateway.says("503"))
    await mesh.register(backend)
    await mesh.until(lambda: gateway.says("a"))
