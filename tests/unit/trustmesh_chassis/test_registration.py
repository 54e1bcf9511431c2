"""An instance's entry in the registry: made, kept alive, made anew, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest

from trustmesh.registry.v1 import registry_service_pb2, registry_service_pb2_grpc
from trustmesh_chassis import registration as registration_module
from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.registration import Registration

NAME = "services/shop/instances/shop-1"


class Registry(registry_service_pb2_grpc.RegistryServiceServicer):
    """Counts calls; answers each method with the refusals that the test queues first."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refusals: dict[str, list[grpc.StatusCode]] = {}

    async def _answer(self, method: str, context: Any) -> None:
        self.calls.append(method)
        if self.refusals.get(method):
            await context.abort(self.refusals[method].pop(0), "refused")

    async def RegisterInstance(self, request: Any, context: Any) -> Any:
        await self._answer("register", context)
        response = registry_service_pb2.RegisterInstanceResponse()
        response.instance.name = NAME
        response.heartbeat_interval.FromTimedelta(timedelta(seconds=0.02))
        return response

    async def Heartbeat(self, request: Any, context: Any) -> Any:
        assert request.name == NAME
        await self._answer("heartbeat", context)
        return registry_service_pb2.HeartbeatResponse()

    async def DeregisterInstance(self, request: Any, context: Any) -> Any:
        assert request.name == NAME
        await self._answer("deregister", context)
        return registry_service_pb2.DeregisterInstanceResponse()


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def registration(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Registration]:
    monkeypatch.setattr(registration_module, "RETRY_SECONDS", 0.01)
    server = grpc.aio.server()
    registry_service_pb2_grpc.add_RegistryServiceServicer_to_server(registry, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = registry_service_pb2.RegisterInstanceRequest(parent="services/shop", instance_id="shop-1")
        yield Registration(registry_service_pb2_grpc.RegistryServiceStub(channel), request)
    await server.stop(None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_registers_then_heartbeats(registration: Registration, registry: Registry) -> None:
    with pytest.raises(Unavailable, match="registry"):
        await registration.check()
    task = asyncio.create_task(registration.run())
    await registration.registered.wait()
    await registration.check()
    await until(lambda: registry.calls.count("heartbeat") > 1)
    task.cancel()
    assert registry.calls.count("register") == 1


async def test_is_refused_then_accepted(registration: Registration, registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    registry.refusals = {"register": [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED]}
    task = asyncio.create_task(registration.run())
    await registration.registered.wait()
    task.cancel()
    assert "the registry refuses this instance: refused" in caplog.text


async def test_a_forgotten_instance_registers_anew(registration: Registration, registry: Registry) -> None:
    registry.refusals = {"heartbeat": [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND]}
    task = asyncio.create_task(registration.run())
    await until(lambda: registry.calls.count("register") == 2)
    task.cancel()


async def test_ends_also_without_the_registry(
    registration: Registration, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    await registration.end()
    assert registry.calls == ["deregister"]
    registry.refusals = {"deregister": [grpc.StatusCode.UNAVAILABLE]}
    await registration.end()
    assert "could not deregister" in caplog.text
