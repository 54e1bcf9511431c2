"""What operators read of the gateway is what Envoy is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from google.api import http_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, MethodOptions

from trustmesh.gateway.v1 import gateway_service_pb2, route_pb2
from trustmesh.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub
from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis.storage import PageTokens
from trustmesh_chassis.testing.served import served
from trustmesh_registry.gateway.compile import compile_gateway
from trustmesh_registry.gateway.describe import describe_gateway, describe_routes
from trustmesh_registry.gateway.mesh import Edge, RegisteredService
from trustmesh_registry.gateway_servicer import GATEWAY, GatewayServicer

GET = http_pb2.HttpRule(get="/v1/{name=things/*}")


@pytest.fixture
def service(registered: Callable[..., RegisteredService]) -> RegisteredService:
    permission = policy_pb2.MethodPolicy(
        permission=policy_pb2.Permission(name="one.things.get", resource_field="name"),
        rate_class=policy_pb2.RATE_CLASS_CRYPTO,
        audit=policy_pb2.AUDIT_CLASS_NONE,
    )
    hidden = policy_pb2.MethodPolicy(
        mesh=policy_pb2.Mesh(callers=["kms"]), rate_class=policy_pb2.RATE_CLASS_READ, audit=policy_pb2.AUDIT_CLASS_NONE
    )
    mount = policy_pb2.HttpMount(path="/one/", methods=["POST", "GET"], why="Own.", rate_class=policy_pb2.RATE_CLASS_READ)

    def idempotent(file: FileDescriptorProto) -> None:
        file.service[0].method[0].options.idempotency_level = MethodOptions.IDEMPOTENT

    policy = policy_pb2.ServicePolicy(http_mounts=[mount])
    return registered("one", service_policy=policy, Get=[permission, GET], Ping=[], Merge=[hidden], change=idempotent)


def test_every_route_of_envoys_is_described(service: RegisteredService, edge: Edge) -> None:
    described = {(each.protocol, *each.verbs, each.path) for each in describe_routes((service,)).values()}
    assert described == {
        (route_pb2.Route.PROTOCOL_GRPC, "POST", "/trustmesh.one.v1.Service/Get"),
        (route_pb2.Route.PROTOCOL_REST, "GET", "/service/v1/{name=things/*}"),
        (route_pb2.Route.PROTOCOL_GRPC, "POST", "/trustmesh.one.v1.Service/Ping"),
        (route_pb2.Route.PROTOCOL_HTTP, "GET", "POST", "/one/"),
    }
    [host, _] = compile_gateway((service,), edge).routes[0].virtual_hosts
    through = [route for route in host.routes if route.route.cluster in ("one", "one-http")]
    assert len(through) == len(described)


def test_a_route_says_who_may_call_how_long_and_how_often(service: RegisteredService) -> None:
    by_path = {each.path: each for each in describe_routes((service,)).values()}
    get, ping, mount = (by_path[path] for path in ("/service/v1/{name=things/*}", "/trustmesh.one.v1.Service/Ping", "/one/"))
    assert (get.permission, get.rate_class, get.retried) == ("one.things.get", policy_pb2.RATE_CLASS_CRYPTO, True)
    assert not get.HasField("timeout")
    assert (ping.public_why, ping.timeout.seconds, ping.retried) == ("A test.", 5, False)
    assert (mount.public_why, mount.service, mount.method) == ("Own.", "services/one", "trustmesh.one.v1.Service")


def test_the_gateway_says_its_limits_and_what_it_left_out(service: RegisteredService, edge: Edge) -> None:
    gateway = describe_gateway((service, replace(service, name="thief")), edge)
    assert [each.requests for each in gateway.rate_limits if each.rate_class == policy_pb2.RATE_CLASS_AUTHENTICATION] == [100]
    assert (gateway.callers_counted, gateway.circuit_breaker.max_requests) == (False, 2048)
    assert [problem.partition(":")[0] for problem in gateway.problems] == ["thief", "no access token is accepted"]


async def test_an_operator_lists_the_routes_in_pages_and_reads_the_gateway(
    service: RegisteredService, edge: Edge, tmp_path: Path
) -> None:
    servicer = GatewayServicer(lambda: (service,), lambda: edge, PageTokens(b"k" * 32))
    async with served([(GATEWAY, servicer)], tmp_path, "registry") as registry:
        stub = GatewayServiceStub(registry.channel(registry.issuer.token(orgs=("platform",))))
        names: list[str] = []
        token = ""
        while not names or token:
            page = await stub.ListRoutes(gateway_service_pb2.ListRoutesRequest(page_size=3, page_token=token))
            names += [each.name for each in page.routes]
            token = page.next_page_token
        gateway = await stub.GetGateway(gateway_service_pb2.GetGatewayRequest(name="gateway"))
    assert names == sorted(describe_routes((service,)))
    assert gateway.audience == "trustmesh"
