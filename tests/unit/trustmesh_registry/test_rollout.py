"""A change is in force when the gateways have answered for it, or after two seconds at the latest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from envoy.config.listener.v3.listener_pb2 import Listener

from trustmesh_registry import rollout as rollout_module
from trustmesh_registry.rollout import Rollout
from trustmesh_registry.xds.nodes import Kind, Node, Nodes
from trustmesh_registry.xds.publisher import Compiled, Publisher
from trustmesh_registry.xds.snapshot import LISTENER
from trustmesh_registry.xds.stream import Request

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GATEWAY = Node("gateway-1", "gateway", Kind.ENVOY, "envoy 1.39.3")


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher[list[str]]]:
    """Publishes one listener for each name in its view."""
    names = ["first"]

    def compiled(view: list[str]) -> Compiled:
        return Compiled([Listener(name=name) for name in view])

    made: Publisher[list[str]] = Publisher(lambda: list(names), {Kind.ENVOY: compiled})
    made.names = names  # type: ignore[attr-defined]  # lets a test change the view
    made.publish()
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()


async def test_without_gateways_a_change_is_in_force_when_published(publisher: Any) -> None:
    publisher.names.append("second")
    await Rollout(publisher, Nodes()).reached()
    assert set(publisher.snapshot(Kind.ENVOY).of(LISTENER)) == {"first", "second"}


async def test_a_gateway_is_waited_for_until_it_answers(publisher: Any) -> None:
    nodes = Nodes()
    with nodes.connected(GATEWAY, NOW) as stream:
        stream.on_snapshot(publisher.snapshot(Kind.ENVOY), NOW)
        (first,) = stream.on_request(Request(LISTENER), NOW)
        stream.on_request(Request(LISTENER, version=first.version, nonce=first.nonce), NOW)
        publisher.names.append("second")
        waiting = asyncio.create_task(Rollout(publisher, nodes).reached())
        await publisher.published()
        await asyncio.sleep(0.05)
        assert not waiting.done()
        (second,) = stream.on_snapshot(publisher.snapshot(Kind.ENVOY), NOW)
        assert not stream.has_answered(publisher.snapshot(Kind.ENVOY))
        stream.on_request(Request(LISTENER, version=first.version, nonce=second.nonce, refusal="no"), NOW)
        await asyncio.wait_for(waiting, 5)


async def test_a_gateway_that_does_not_answer_holds_nobody_up(publisher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout_module, "PATIENCE_SECONDS", 0.1)
    nodes = Nodes()
    with nodes.connected(GATEWAY, NOW):
        await asyncio.wait_for(Rollout(publisher, nodes).reached(), 5)
