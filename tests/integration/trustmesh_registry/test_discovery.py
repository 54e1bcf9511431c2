"""The discovery service by hand: who is given what, spoken to without a client library's good manners."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from envoy.service.discovery.v3 import ads_pb2_grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest, DiscoveryResponse

from trustmesh_registry.xds import ads
from trustmesh_registry.xds.nodes import Kind
from trustmesh_registry.xds.snapshot import CLUSTER, ENDPOINTS, LISTENER

GRPC = {"id": "n", "cluster": "web", "user_agent_name": "gRPC C-core"}


def stream(mesh: Any, service: str) -> Any:
    stub: Any = ads_pb2_grpc.AggregatedDiscoveryServiceStub(mesh.channel(service))
    return stub.StreamAggregatedResources()


async def ask(call: Any, **fields: Any) -> DiscoveryResponse:
    await call.write(DiscoveryRequest(**fields))
    response: DiscoveryResponse = await call.read()
    return response


@pytest.mark.parametrize(
    ("service", "node", "code"),
    [
        ("web", GRPC | {"cluster": "kms"}, grpc.StatusCode.PERMISSION_DENIED),
        ("web", GRPC | {"cluster": "gateway"}, grpc.StatusCode.PERMISSION_DENIED),
        ("web", GRPC | {"user_agent_name": "envoy"}, grpc.StatusCode.PERMISSION_DENIED),
        ("web", GRPC | {"user_agent_name": "curl"}, grpc.StatusCode.INVALID_ARGUMENT),
        ("web", GRPC | {"id": ""}, grpc.StatusCode.INVALID_ARGUMENT),
        ("web", GRPC | {"id": "a/b"}, grpc.StatusCode.INVALID_ARGUMENT),
        ("web", {}, grpc.StatusCode.PERMISSION_DENIED),
    ],
)
async def test_a_node_that_is_not_what_it_says_is_refused(
    mesh: Any, service: str, node: dict[str, str], code: grpc.StatusCode
) -> None:
    call = stream(mesh, service)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(call, node=node, type_url=LISTENER, resource_names=["registry"])
    assert caught.value.code() is code


async def test_a_node_id_belongs_to_the_service_that_uses_it(mesh: Any) -> None:
    first, second = stream(mesh, "web"), stream(mesh, "shop")
    await ask(first, node=GRPC, type_url=LISTENER, resource_names=["registry"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(second, node=GRPC | {"cluster": "shop"}, type_url=LISTENER, resource_names=["registry"])
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_the_gateway_s_envoy_gets_envoy_s_configuration_and_its_grpc_client_a_client_s(mesh: Any) -> None:
    envoy, client = stream(mesh, "gateway"), stream(mesh, "gateway")
    for_envoy = await ask(envoy, node={"id": "e", "cluster": "gateway", "user_agent_name": "envoy"}, type_url=CLUSTER)
    for_client = await ask(client, node=GRPC | {"cluster": "gateway"}, type_url=CLUSTER, resource_names=["registry"])
    provider = b"certificate_provider_instance"
    assert for_envoy.resources and not any(provider in each.value for each in for_envoy.resources)
    assert not any(b"sds" in each.value for each in for_client.resources)
    assert {"e", "n"} == {each.node.id for each in mesh.registry.nodes.all()}


async def test_a_registry_that_nobody_registered_with_serves_itself(mesh: Any) -> None:
    call = stream(mesh, "web")
    answer = await ask(call, node=GRPC, type_url=ENDPOINTS, resource_names=["registry"])
    assert len(answer.resources) == 1


async def test_versions_are_the_same_after_a_restart(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))

    async def published() -> bool:
        return all("echo" in mesh.registry.publisher.snapshot(kind).of(CLUSTER) for kind in Kind)

    await mesh.until(published)
    before = await ask(stream(mesh, "web"), node=GRPC, type_url=CLUSTER, resource_names=["echo"])
    envoy = {"id": "e", "cluster": "gateway", "user_agent_name": "envoy"}
    envoy_before = await ask(stream(mesh, "gateway"), node=envoy, type_url=CLUSTER)
    await mesh.down()
    await mesh.up()
    after = await ask(stream(mesh, "web"), node=GRPC, type_url=CLUSTER, resource_names=["echo"])
    envoy_after = await ask(stream(mesh, "gateway"), node=envoy, type_url=CLUSTER)
    assert before.version_info == after.version_info
    assert envoy_before.version_info == envoy_after.version_info


async def test_absurd_requests_end_the_stream(mesh: Any) -> None:
    call = stream(mesh, "web")
    with pytest.raises(grpc.aio.AioRpcError, match="discovery request is refused") as caught:
        await ask(call, node=GRPC, type_url=LISTENER, resource_names=[str(number) for number in range(1001)])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_node_that_leaves_is_forgotten(mesh: Any) -> None:
    call = stream(mesh, "web")
    await ask(call, node=GRPC, type_url=LISTENER, resource_names=["registry"])
    assert len(mesh.registry.nodes.all()) == 1
    call.cancel()

    async def gone() -> bool:
        return not mesh.registry.nodes.all()

    await mesh.until(gone)


async def test_incremental_discovery_is_refused(mesh: Any) -> None:
    stub: Any = ads_pb2_grpc.AggregatedDiscoveryServiceStub(mesh.channel("web"))
    call = stub.DeltaAggregatedResources()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.write(DeltaDiscoveryRequest(type_url=LISTENER))
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_stream_that_asks_for_nothing_ends(mesh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = stream(mesh, "web")
    await silent.done_writing()
    assert await silent.read() is grpc.aio.EOF
    monkeypatch.setattr(ads, "FIRST_REQUEST_SECONDS", 0.05)
    slow = stream(mesh, "web")
    assert await slow.read() is grpc.aio.EOF


async def test_a_node_that_closes_its_side_ends_the_stream(mesh: Any) -> None:
    call = stream(mesh, "web")
    await ask(call, node=GRPC, type_url=LISTENER, resource_names=["registry"])
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_before_anything_could_be_published_nothing_is_answered_and_then_everything(mesh: Any) -> None:
    publisher = mesh.registry.publisher
    published, publisher._published = publisher._published, {}
    call = stream(mesh, "web")
    await call.write(DiscoveryRequest(node=GRPC, type_url=LISTENER, resource_names=["registry"]))

    async def connected() -> bool:
        return bool(mesh.registry.nodes.all())

    await mesh.until(connected)
    publisher.changes.tell("gRPC")
    publisher._published = published
    publisher.changes.tell("gRPC")
    assert (await call.read()).type_url == LISTENER


async def test_a_draining_registry_ends_its_discovery_streams(mesh: Any) -> None:
    call = stream(mesh, "web")
    await ask(call, node=GRPC, type_url=LISTENER, resource_names=["registry"])
    await mesh.down()
    assert await call.read() is grpc.aio.EOF
    await mesh.up()
