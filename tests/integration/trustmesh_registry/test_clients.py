"""Proxyless gRPC clients on the control plane: real `xds:///` channels over mTLS."""

from __future__ import annotations

from typing import Any

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_registry.xds.nodes import Kind
from trustmesh_registry.xds.publisher import Compiled

CHANGE = "/trustmesh.echo.v1.EchoService/Change"


async def test_a_client_finds_a_service_by_its_name_and_proves_its_own(mesh: Any) -> None:
    backend = await mesh.backend("a")
    await mesh.register(backend)
    caller = await mesh.caller()
    assert await caller(n=20) == {"a": 20}
    assert backend.seen == {"web"}


async def test_calls_are_spread_over_all_instances(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"), await mesh.backend("b"))
    caller = await mesh.caller()
    await mesh.until(lambda: answers(caller, {"a", "b"}))


async def test_a_registered_and_a_deregistered_instance_move_traffic_without_a_failed_call(mesh: Any) -> None:
    first, second = await mesh.backend("a"), await mesh.backend("b")
    await mesh.register(first)
    caller = await mesh.caller()
    assert await caller(n=10) == {"a": 10}
    await caller.start(n=0, seconds=1.0, gap=0.002)
    await mesh.register(second)
    await mesh.deregister(first)
    assert set(await caller.result()) <= {"a", "b"}
    assert await caller(n=10) == {"b": 10}


async def test_a_call_to_a_service_that_is_not_registered_yet_waits_for_it(mesh: Any) -> None:
    caller = await mesh.caller()
    await caller.start(n=1, timeout=10)
    await mesh.until(lambda: connected(mesh))
    await mesh.register(await mesh.backend("a"))
    assert await caller.result() == {"a": 1}


@pytest.mark.parametrize("mesh", [{"lease": 0.6, "heartbeat": 0.2}], indirect=True)
async def test_an_instance_that_stops_its_heartbeats_loses_its_traffic_to_a_live_one(mesh: Any) -> None:
    silent, alive = await mesh.backend("silent"), await mesh.backend("alive")
    await mesh.register(silent, alive)
    caller = await mesh.caller()

    async def only_alive() -> bool:
        mesh.registry.directory.heartbeat("echo", "alive")
        return await answers(caller, {"alive"})

    await mesh.until(only_alive)


@pytest.mark.parametrize("mesh", [{"lease": 0.3, "heartbeat": 0.1}], indirect=True)
async def test_the_last_instance_keeps_its_traffic_when_its_lease_runs_out(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))
    caller = await mesh.caller()
    assert await caller(n=0, seconds=1.2, gap=0.01) == {"a": pytest.approx(100, abs=60)}


async def test_what_may_be_repeated_is_retried_and_what_may_not_is_not(mesh: Any) -> None:
    backend = await mesh.backend("a")
    backend.fail = True
    await mesh.register(backend)
    caller = await mesh.caller()
    assert await caller(n=10) == {"a": 10}
    assert await caller(n=10, method=CHANGE) == {"a": 5, "UNAVAILABLE: failing on purpose": 5}


async def test_the_contract_s_timeout_ends_a_call_that_has_none(mesh: Any) -> None:
    backend = await mesh.backend("a")
    await mesh.register(backend)
    caller = await mesh.caller()
    assert await caller(n=1) == {"a": 1}
    backend.delay = 6
    assert await caller(n=1, method=CHANGE, timeout=20) == {"DEADLINE_EXCEEDED: Deadline Exceeded": 1}


@pytest.mark.parametrize("mesh", [{"max_requests": 3}], indirect=True)
async def test_the_circuit_breaker_bounds_what_a_client_has_under_way(mesh: Any) -> None:
    backend = await mesh.backend("a")
    await mesh.register(backend)
    caller = await mesh.caller()
    assert await caller(n=1) == {"a": 1}
    backend.delay = 0.3
    counts = await caller(n=8, parallel=True, method=CHANGE)
    assert counts.pop("a") == 3
    assert sum(counts.values()) == 5
    assert all(refused.startswith("UNAVAILABLE: circuit breaker drop") for refused in counts)


async def test_a_backend_with_another_service_s_certificate_is_refused(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a", service="mallory"))
    caller = await mesh.caller()
    assert {answer.partition(":")[0] for answer in await caller(n=2, method=CHANGE)} == {"UNAVAILABLE"}


async def test_a_backend_of_an_unrelated_authority_is_refused(mesh: Any) -> None:
    impostor = await mesh.backend("a", authority=TestAuthority())
    await mesh.register(impostor)
    caller = await mesh.caller()
    assert {answer.partition(":")[0] for answer in await caller(n=2, method=CHANGE)} == {"UNAVAILABLE"}
    assert impostor.calls == 0


async def test_a_refused_resource_is_visible_and_the_last_good_one_stays_in_use(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))
    caller = await mesh.caller()
    assert await caller(n=5) == {"a": 5}
    publisher = mesh.registry.publisher
    good = publisher.compile[Kind.GRPC]

    def bad(view: Any) -> Compiled:
        messages = list(good(view).resources)
        for message in messages:
            if isinstance(message, Cluster):
                message.lb_policy = Cluster.MAGLEV
        return Compiled(messages)

    publisher.compile = {Kind.GRPC: bad}
    publisher.publish()
    await mesh.until(lambda: refused(mesh, "Cluster", "lb_policy"))
    assert await caller(n=20) == {"a": 20}
    publisher.compile = {Kind.GRPC: good}
    publisher.publish()
    await mesh.until(lambda: refused(mesh, "Cluster", ""))
    assert await caller(n=5) == {"a": 5}


async def test_the_control_plane_restarts_without_a_failed_call_and_remembers(mesh: Any) -> None:
    first, second = await mesh.backend("a"), await mesh.backend("b")
    await mesh.register(first)
    caller = await mesh.caller()
    assert await caller(n=5) == {"a": 5}
    await caller.start(n=0, seconds=2.0, gap=0.005)
    await mesh.down()
    await mesh.up()
    assert set(await caller.result()) == {"a"}
    newcomer = await mesh.caller(service="shop")
    assert await newcomer(n=5) == {"a": 5}
    await mesh.register(second)
    await mesh.deregister(first)
    await mesh.until(lambda: answers(caller, {"b"}), 30)


async def test_a_client_works_on_while_the_control_plane_is_down(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))
    caller = await mesh.caller()
    assert await caller(n=5) == {"a": 5}
    await mesh.down()
    assert await caller(n=50, gap=0.01) == {"a": 50}
    await mesh.up()


async def test_a_node_that_claims_to_be_another_service_is_given_nothing(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))
    liar = await mesh.caller(service="mallory", claimed="kms")
    assert {answer.partition(":")[0] for answer in await liar(n=1, timeout=1)} <= {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert mesh.registry.nodes.all() == []


async def answers(caller: Any, wanted: set[str]) -> bool:
    return set(await caller(n=4)) == wanted


async def connected(mesh: Any) -> bool:
    return bool(mesh.registry.nodes.all())


async def refused(mesh: Any, type_name: str, words: str) -> bool:
    """Whether some node's last answer for that type was a refusal with these words, or none when `words` is empty."""
    streams = [connection.stream for node in mesh.registry.nodes.all() for connection in node.connections]
    subscriptions = [sub for stream in streams for url, sub in stream.subscriptions.items() if url.endswith(type_name)]
    if not words:
        return all(sub.refusal == "" and not sub.under_way for sub in subscriptions)
    return any(words in sub.refusal and sub.accepted_version != sub.sent_version for sub in subscriptions)
