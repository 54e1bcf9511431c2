"""Dynamic configuration against a registry of the test's own: followed, kept, and survived without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from trustmesh.config.v1 import config_service_pb2, config_service_pb2_grpc, configuration_pb2
from trustmesh_chassis import configuration as configuration_module
from trustmesh_chassis.configuration import Configuration


class Registry(config_service_pb2_grpc.ConfigServiceServicer):
    """Streams what the test queues; remembers what was published."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[config_service_pb2.WatchConfigurationsResponse] = asyncio.Queue()
        self.published: dict[str, str] = {}
        self.refusals: list[grpc.StatusCode] = []
        self.watches = 0

    def say(self, **event: Any) -> None:
        self.events.put_nowait(config_service_pb2.WatchConfigurationsResponse(**event))

    def value(self, key: str, value: Any) -> None:
        self.say(configuration=configuration_pb2.Configuration(name=f"configurations/{key}", value=json.dumps(value)))

    def synchronized(self) -> None:
        self.say(synchronized=config_service_pb2.WatchConfigurationsResponse.Synchronized())

    async def WatchConfigurations(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.watches += 1
        while True:
            event = await self.events.get()
            yield event
            if event.HasField("status"):
                return

    async def PublishConfiguration(self, request: Any, context: Any) -> configuration_pb2.Configuration:
        if self.refusals:
            await context.abort(self.refusals.pop(0), "not now")
        self.published[request.name] = request.value
        return configuration_pb2.Configuration(name=request.name)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def configuration(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Configuration]:
    monkeypatch.setattr(configuration_module, "RETRY_SECONDS", 0.01)
    server = grpc.aio.server()
    config_service_pb2_grpc.add_ConfigServiceServicer_to_server(registry, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        followed = Configuration(config_service_pb2_grpc.ConfigServiceStub(channel), tmp_path / "configuration.json")
        task = asyncio.create_task(followed.run())
        yield followed
        task.cancel()
    await server.stop(None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_values_are_followed_and_offered(configuration: Configuration, registry: Registry) -> None:
    seen: list[str] = []
    configuration.listen("authz/jwks", seen.append)
    registry.value("authz/jwks", {"keys": [1]})
    registry.value("other/key", 2)
    registry.synchronized()
    await until(lambda: configuration.get("other/key") == 2)
    registry.value("authz/jwks", {"keys": [2]})
    registry.value("authz/jwks", {"keys": [2]})
    registry.say(removed="configurations/other/key")
    await until(lambda: configuration.get("other/key") is None)
    assert [json.loads(each) for each in seen] == [{"keys": [1]}, {"keys": [2]}]
    late: list[str] = []
    configuration.listen("authz/jwks", late.append)
    assert len(late) == 1


async def test_a_value_that_is_refused_leaves_the_one_before(configuration: Configuration, registry: Registry) -> None:
    used: list[int] = []
    configuration.listen("a/b", lambda text: used.append(int(text)))
    registry.value("a/b", 1)
    registry.value("a/b", "not a number")
    registry.value("a/b", 3)
    await until(lambda: used == [1, 3])


async def test_a_watch_by_prefix_yields_each_state(configuration: Configuration, registry: Registry) -> None:
    states = configuration.watch("a/")
    assert await anext(states) == {}
    registry.value("b/x", 1)
    registry.value("a/x", 1)
    assert await anext(states) == {"a/x": 1}


async def test_an_event_of_a_newer_registry_is_passed_over(configuration: Configuration, registry: Registry) -> None:
    registry.synchronized()
    registry.synchronized()
    registry.say()
    registry.value("a/x", 1)
    await until(lambda: configuration.get("a/x") == 1)
    assert registry.watches == 1


async def test_what_vanished_while_away_is_gone_after_the_next_watch(configuration: Configuration, registry: Registry) -> None:
    registry.value("a/x", 1)
    registry.synchronized()
    await until(lambda: configuration.get("a/x") == 1)
    registry.say(status={"code": 14})
    await until(lambda: registry.watches == 2)
    registry.value("a/y", 2)
    registry.synchronized()
    registry.synchronized()
    await until(lambda: configuration.get("a/x") is None)
    assert configuration.get("a/y") == 2


async def test_the_last_good_state_survives(configuration: Configuration, registry: Registry, tmp_path: Path) -> None:
    registry.value("a/x", {"n": 1})
    await until(lambda: configuration.get("a/x") is not None)
    again = Configuration(None, tmp_path / "configuration.json")  # type: ignore[arg-type]  # never called
    assert again.get("a/x") == {"n": 1}


async def test_a_state_that_cannot_be_kept_is_in_use_all_the_same(
    configuration: Configuration, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "configuration.json").mkdir()
    registry.value("a/x", 1)
    await until(lambda: configuration.get("a/x") == 1)
    registry.value("a/x", 2)
    await until(lambda: configuration.get("a/x") == 2)


@pytest.mark.parametrize("damaged", ["{broken", "[]"])
def test_a_damaged_last_good_state_is_no_state(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "configuration.json").write_text(damaged)
    assert Configuration(None, tmp_path / "configuration.json").get("a/x") is None  # type: ignore[arg-type]  # never called


async def test_publishing_waits_for_a_registry_that_is_away(configuration: Configuration, registry: Registry) -> None:
    registry.refusals = [grpc.StatusCode.UNAVAILABLE]
    await configuration.publish("authz/jwks", {"keys": []})
    assert registry.published == {"configurations/authz/jwks": '{"keys": []}'}


async def test_publishing_what_is_refused_fails(configuration: Configuration, registry: Registry) -> None:
    registry.refusals = [grpc.StatusCode.PERMISSION_DENIED]
    with pytest.raises(grpc.aio.AioRpcError, match="not now"):
        await configuration.publish("other/key", 1)


async def test_without_a_registry_it_keeps_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    monkeypatch.setattr(configuration_module, "RETRY_SECONDS", 0.01)
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        followed = Configuration(config_service_pb2_grpc.ConfigServiceStub(channel), tmp_path / "c.json")
        task = asyncio.create_task(followed.run())
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
