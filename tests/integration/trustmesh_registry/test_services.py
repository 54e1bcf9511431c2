"""The registry's own services over mTLS, through the whole pipeline: who may say and see what."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from trustmesh.config.v1 import config_service_pb2, configuration_pb2
from trustmesh.config.v1.config_service_pb2_grpc import ConfigServiceStub
from trustmesh.registry.v1 import mesh_service_pb2, node_pb2, registry_service_pb2, service_pb2
from trustmesh.registry.v1.mesh_service_pb2_grpc import MeshServiceStub
from trustmesh.registry.v1.registry_service_pb2_grpc import RegistryServiceStub
from trustmesh_chassis.testing.issuer import TestIssuer
from trustmesh_registry import convert


def operator(mesh: Any, scope: str = "*") -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {mesh.issuer.token(orgs=('platform',), scope=scope)}"),)


def registration(service: str = "echo", **changes: Any) -> registry_service_pb2.RegisterInstanceRequest:
    fields: dict[str, Any] = {
        "parent": f"services/{service}",
        "instance_id": "one",
        "instance": service_pb2.Instance(address="127.0.0.1", port=1234),
    }
    return registry_service_pb2.RegisterInstanceRequest(**(fields | changes))


def reason(error: grpc.aio.AioRpcError) -> str:
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    status_pb2.Status.FromString(details).details[0].Unpack(info)
    return str(info.reason)


async def refused(call: Any, code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is code, caught.value.details()
    return caught.value


async def test_an_instance_lives_from_registration_by_heartbeats_to_deregistration(mesh: Any) -> None:
    stub: Any = RegistryServiceStub(mesh.channel("echo"))
    registered = await stub.RegisterInstance(registration())
    assert registered.instance.name == "services/echo/instances/one"
    assert registered.instance.state == service_pb2.Instance.STATE_SERVING
    assert registered.heartbeat_interval.seconds == 5
    beat = registry_service_pb2.HeartbeatRequest(name=registered.instance.name)
    renewed = await stub.Heartbeat(beat)
    assert renewed.lease_expire_time.ToDatetime() > registered.instance.lease_expire_time.ToDatetime()
    again = await stub.RegisterInstance(registration())
    assert again.instance.create_time == registered.instance.create_time
    goodbye = registry_service_pb2.DeregisterInstanceRequest(name=registered.instance.name)
    await stub.DeregisterInstance(goodbye)
    await stub.DeregisterInstance(goodbye)
    await refused(stub.Heartbeat(beat), grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize("method", ["RegisterInstance", "DeregisterInstance", "Heartbeat"])
async def test_a_service_speaks_for_itself_alone(mesh: Any, method: str) -> None:
    stub: Any = RegistryServiceStub(mesh.channel("mallory"))
    name = "services/echo/instances/one"
    request = {
        "RegisterInstance": registration(),
        "DeregisterInstance": registry_service_pb2.DeregisterInstanceRequest(name=name),
        "Heartbeat": registry_service_pb2.HeartbeatRequest(name=name),
    }[method]
    await refused(getattr(stub, method)(request), grpc.StatusCode.PERMISSION_DENIED)


async def test_a_service_cannot_take_another_product_s_contract(mesh: Any) -> None:
    stub: Any = RegistryServiceStub(mesh.channel("mallory"))
    request = registration("mallory", descriptors=mesh.contract_of("kms"), grpc_services=["trustmesh.kms.v1.EchoService"])
    await refused(stub.RegisterInstance(request), grpc.StatusCode.PERMISSION_DENIED)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("instance.address", {"instance": service_pb2.Instance(address="example.org", port=1)}),
        ("instance.port", {"instance": service_pb2.Instance(address="127.0.0.1", port=0)}),
        ("instance_id", {"instance_id": "../one"}),
        ("descriptors", {"descriptors": b"\xff"}),
        ("grpc_services", {"grpc_services": ["trustmesh.echo.v1.Missing"]}),
    ],
)
async def test_a_registration_that_makes_no_sense_names_the_field(mesh: Any, field: str, changes: dict[str, Any]) -> None:
    stub: Any = RegistryServiceStub(mesh.channel("echo"))
    error = await refused(stub.RegisterInstance(registration(**changes)), grpc.StatusCode.INVALID_ARGUMENT)
    status = status_pb2.Status.FromString(dict(error.trailing_metadata() or ())["grpc-status-details-bin"])
    bad = error_details_pb2.BadRequest()
    assert [each.Unpack(bad) for each in status.details if each.Is(bad.DESCRIPTOR)]
    assert [violation.field for violation in bad.field_violations] == [field]


async def test_operators_see_services_page_by_page_and_as_they_change(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))
    stub: Any = RegistryServiceStub(mesh.channel("gateway"))
    page = await stub.DiscoverServices(registry_service_pb2.DiscoverServicesRequest(page_size=1), metadata=operator(mesh))
    assert [each.name for each in page.services] == ["services/echo"]
    request = registry_service_pb2.DiscoverServicesRequest(page_size=1, page_token=page.next_page_token)
    rest = await stub.DiscoverServices(request, metadata=operator(mesh))
    assert ([each.name for each in rest.services], rest.next_page_token) == (["services/registry"], "")
    one = await stub.DiscoverService(registry_service_pb2.DiscoverServiceRequest(name="services/echo"), metadata=operator(mesh))
    assert one.grpc_services == ["trustmesh.echo.v1.EchoService"]
    events = stub.WatchServices(registry_service_pb2.WatchServicesRequest(), metadata=operator(mesh))
    assert [(await events.read()).service.name for _ in range(2)] == ["services/echo", "services/registry"]
    assert (await events.read()).HasField("synchronized")
    await mesh.register(await mesh.backend("b"))
    assert len((await events.read()).service.instances) == 2
    await mesh.down()
    assert (await events.read()).status.code == grpc.StatusCode.UNAVAILABLE.value[0]
    await mesh.up()


@pytest.mark.parametrize(
    ("orgs", "scope", "code"),
    [
        (("demo",), "*", grpc.StatusCode.PERMISSION_DENIED),
        (("platform",), "kms.*", grpc.StatusCode.PERMISSION_DENIED),
    ],
)
async def test_others_than_operators_see_nothing(mesh: Any, orgs: tuple[str, ...], scope: str, code: grpc.StatusCode) -> None:
    metadata = (("authorization", f"Bearer {mesh.issuer.token(orgs=orgs, scope=scope)}"),)
    stub: Any = MeshServiceStub(mesh.channel("gateway"))
    await refused(stub.ListNodes(mesh_service_pb2.ListNodesRequest(), metadata=metadata), code)
    await refused(stub.ListNodes(mesh_service_pb2.ListNodesRequest()), grpc.StatusCode.UNAUTHENTICATED)


async def test_operators_see_what_each_node_was_sent_and_made_of_it(mesh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await mesh.register(await mesh.backend("a"))
    caller = await mesh.caller()
    assert await caller(n=1) == {"a": 1}
    stub: Any = MeshServiceStub(mesh.channel("gateway"))
    nodes = await stub.ListNodes(mesh_service_pb2.ListNodesRequest(), metadata=operator(mesh))
    [node] = nodes.nodes
    assert (node.name, node.service, node.kind) == ("nodes/web-node", "services/web", node_pb2.Node.KIND_GRPC)
    [stream] = node.streams
    assert [each.type for each in stream.subscriptions] == ["Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration"]
    assert all(each.sent_version == each.acknowledged_version and not each.refusal for each in stream.subscriptions)
    assert await stub.GetNode(mesh_service_pb2.GetNodeRequest(name=node.name), metadata=operator(mesh)) == node
    name = f"{node.name}/configuration"
    sent = await stub.GetNodeConfiguration(mesh_service_pb2.GetNodeConfigurationRequest(name=name), metadata=operator(mesh))
    assert [(each.type, each.name) for each in sent.resources] == [
        ("Cluster", "echo"),
        ("ClusterLoadAssignment", "echo"),
        ("Listener", "echo"),
        ("RouteConfiguration", "echo"),
    ]
    assert "spiffe://trustmesh.local/svc/echo" in sent.resources[0].json
    monkeypatch.setattr(convert, "MAX_CONFIGURATION_BYTES", len(sent.resources[0].json))
    request = mesh_service_pb2.GetNodeConfigurationRequest(name=name)
    cut = await stub.GetNodeConfiguration(request, metadata=operator(mesh))
    assert [each.omitted for each in cut.resources] == [False, True, True, True]
    request.type = "ClusterLoadAssignment"
    alone = await stub.GetNodeConfiguration(request, metadata=operator(mesh))
    assert list(alone.resources) == [sent.resources[1]]
    unknown = mesh_service_pb2.GetNodeRequest(name="nodes/unknown")
    await refused(stub.GetNode(unknown, metadata=operator(mesh)), grpc.StatusCode.NOT_FOUND)


async def test_a_service_publishes_under_its_own_name_and_everyone_hears(mesh: Any) -> None:
    authz: Any = ConfigServiceStub(mesh.channel("authz"))
    web: Any = ConfigServiceStub(mesh.channel("web"))
    events = web.WatchConfigurations(config_service_pb2.WatchConfigurationsRequest(prefix="authz/"))
    assert (await events.read()).HasField("synchronized")
    keys = TestIssuer().jwks
    publish = config_service_pb2.PublishConfigurationRequest(name="configurations/authz/jwks", value=keys)
    written = await authz.PublishConfiguration(publish)
    assert (written.writer, written.value) == ("services/authz", keys)
    none = config_service_pb2.PublishConfigurationRequest(name="configurations/authz/jwks", value='{"keys": []}')
    await refused(authz.PublishConfiguration(none), grpc.StatusCode.INVALID_ARGUMENT)
    assert (await events.read()).configuration == written
    await refused(web.PublishConfiguration(publish), grpc.StatusCode.PERMISSION_DENIED)
    await mesh.down()
    assert (await events.read()).status.code == grpc.StatusCode.UNAVAILABLE.value[0]
    await mesh.up()
    again = ConfigServiceStub(mesh.channel("web"))
    events = again.WatchConfigurations(config_service_pb2.WatchConfigurationsRequest())
    assert (await events.read()).configuration == written


async def test_operators_write_values_against_their_etag(mesh: Any) -> None:
    stub: Any = ConfigServiceStub(mesh.channel("gateway"))
    metadata = operator(mesh)
    name = "configurations/kms/limits"

    def update(value: str, *, etag: str = "", **more: Any) -> Any:
        configuration = configuration_pb2.Configuration(name=name, value=value, etag=etag)
        request = config_service_pb2.UpdateConfigurationRequest(configuration=configuration, **more)
        return stub.UpdateConfiguration(request, metadata=metadata)

    await refused(update("1"), grpc.StatusCode.NOT_FOUND)
    first = await update("1", allow_missing=True)
    assert first.writer == "test-client"
    second = await update("2", etag=first.etag)
    stale = await refused(update("3", etag=first.etag), grpc.StatusCode.ABORTED)
    assert reason(stale) == "ETAG_MISMATCH"
    await refused(update("not json"), grpc.StatusCode.INVALID_ARGUMENT)
    assert (await update("4", validate_only=True)).value == "4"
    get = config_service_pb2.GetConfigurationRequest(name=name)
    assert await stub.GetConfiguration(get, metadata=metadata) == second
    listed = await stub.ListConfigurations(config_service_pb2.ListConfigurationsRequest(prefix="kms/"), metadata=metadata)
    assert list(listed.configurations) == [second]
    delete = config_service_pb2.DeleteConfigurationRequest(name=name, etag=second.etag)
    events = ConfigServiceStub(mesh.channel("web")).WatchConfigurations(config_service_pb2.WatchConfigurationsRequest())
    assert [(await events.read()).WhichOneof("event") for _ in range(2)] == ["configuration", "synchronized"]
    await stub.DeleteConfiguration(delete, metadata=metadata)
    assert (await events.read()).removed == name
    await refused(stub.GetConfiguration(get, metadata=metadata), grpc.StatusCode.NOT_FOUND)


async def test_reflection_tells_the_contracts_of_the_whole_mesh(mesh: Any) -> None:
    await mesh.register(await mesh.backend("a"))
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(mesh.channel("gateway"))
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="trustmesh.echo.v1.EchoService"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="trustmesh/options/v1/policy.proto"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="trustmesh.echo.v1.Nothing"),
        reflection_pb2.ServerReflectionRequest(all_extension_numbers_of_type="google.protobuf.ServiceOptions"),
        reflection_pb2.ServerReflectionRequest(),
    ]
    stream = stub.ServerReflectionInfo(iter(requests), metadata=operator(mesh, "registry.reflection.read"))
    listed, by_symbol, by_name, missing, numbers, empty = [answer async for answer in stream]
    names = [each.name for each in listed.list_services_response.service]
    assert "trustmesh.echo.v1.EchoService" in names and "trustmesh.config.v1.ConfigService" in names
    files = [FileDescriptorProto.FromString(each).name for each in by_symbol.file_descriptor_response.file_descriptor_proto]
    assert files == ["trustmesh/echo/v1/echo.proto", "google/protobuf/wrappers.proto"]
    assert by_name.file_descriptor_response.file_descriptor_proto
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert 50081 in numbers.all_extension_numbers_response.extension_number
    assert empty.error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


async def test_reflection_is_for_those_who_may(mesh: Any) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(mesh.channel("gateway"))
    request = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    stream = stub.ServerReflectionInfo(request, metadata=operator(mesh, "kms.*"))
    with pytest.raises(grpc.aio.AioRpcError, match=r"registry\.reflection\.read"):
        await stream.read()
