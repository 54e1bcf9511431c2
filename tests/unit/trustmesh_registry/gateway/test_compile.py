"""What the compiler makes of contracts, good ones and bad ones."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication, PerRouteConfig
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet, MethodOptions

from trustmesh.options.v1 import policy_pb2
from trustmesh_contract.contract import RateClass
from trustmesh_registry.gateway.compile import compile_gateway
from trustmesh_registry.gateway.keys import verification_keys
from trustmesh_registry.gateway.mesh import Edge, Endpoint, GatewayResources, RegisteredService

Register = Callable[..., RegisteredService]

GET = http_pb2.HttpRule(get="/v1/{name=things/*}")
POST = http_pb2.HttpRule(post="/v1/things", body="*")


def policy(**changes: Any) -> policy_pb2.MethodPolicy:
    access = {"permission": policy_pb2.Permission(name="one.things.get", resource_field="name")}
    if "mesh" in changes or "public" in changes:
        access = {}
    return policy_pb2.MethodPolicy(
        **{"rate_class": policy_pb2.RATE_CLASS_WRITE, "audit": policy_pb2.AUDIT_CLASS_NONE, **access, **changes}
    )


def routes(resources: GatewayResources) -> dict[str, Any]:
    return {route.name: route for route in resources.routes[0].virtual_hosts[0].routes}


def manager(resources: GatewayResources) -> HttpConnectionManager:
    result = HttpConnectionManager()
    resources.listeners[0].filter_chains[0].filters[0].typed_config.Unpack(result)
    return result


def filter_config(resources: GatewayResources, name: str, kind: Any) -> Any:
    [found] = [each for each in manager(resources).http_filters if each.name == name]
    config = kind()
    assert found.typed_config.Unpack(config)
    return config


def problems(*mesh: RegisteredService, edge: Edge) -> list[str]:
    return [each for each in compile_gateway(mesh, edge).problems if "JWKS" not in each]


def test_filters_are_in_their_order(registered: Register, edge: Edge) -> None:
    resources = compile_gateway((registered("one", Get=[GET]), registered("ratelimit")), edge)
    assert [each.name for each in manager(resources).http_filters] == [
        "answer_headers",
        "cors",
        "same_origin",
        "jwt_authn",
        "local_ratelimit",
        "ratelimit",
        "ratelimit_closed",
        "grpc_web",
        "guard",
        "grpc_json_transcoder",
        "router",
    ]


def test_every_path_asks_for_a_token_unless_its_route_says_otherwise(registered: Register, edge: Edge) -> None:
    resources = compile_gateway((registered("one", Get=[policy(), GET], Ping=[POST]),), edge)
    [rule] = filter_config(resources, "jwt_authn", JwtAuthentication).rules
    assert (rule.match.prefix, rule.requires.provider_name) == ("/", "authz")
    without = set()
    for name, route in routes(resources).items():
        disabled = PerRouteConfig()
        if "jwt_authn" in route.typed_per_filter_config:
            route.typed_per_filter_config["jwt_authn"].Unpack(disabled)
        if disabled.disabled:
            without.add(name)
    ping = {"trustmesh.one.v1.Service.Ping", "trustmesh.one.v1.Service.Ping POST /service/v1/things"}
    assert without == {*ping, "malformed-timeout", "unknown"}


def test_a_method_has_a_route_for_grpc_and_one_for_each_rest_path(registered: Register, edge: Edge) -> None:
    found = routes(compile_gateway((registered("one", Get=[policy(), GET, POST]),), edge))
    assert list(found) == [
        "malformed-timeout",
        "trustmesh.one.v1.Service.Get",
        "trustmesh.one.v1.Service.Get POST /service/v1/things",
        "trustmesh.one.v1.Service.Get GET /service/v1/{name=things/*}",
        "preflight",
        "unknown",
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        policy(mesh=policy_pb2.Mesh(callers=["kms"])),
        policy(permission=policy_pb2.Permission(name="a.b.c", audiences=[policy_pb2.AUDIENCE_BROWSER])),
    ],
)
def test_a_method_that_is_not_for_clients_exists_nowhere(registered: Register, edge: Edge, hidden: Any) -> None:
    resources = compile_gateway((registered("one", Secret=[hidden, GET], Open=[policy(), POST]),), edge)
    assert not [name for name in routes(resources) if "Secret" in name]
    config = filter_config(resources, "grpc_json_transcoder", GrpcJsonTranscoder)
    files = FileDescriptorSet.FromString(config.proto_descriptor_bin).file
    [file] = [each for each in files if each.package == "trustmesh.one.v1"]
    rules = {each.name: each.options.HasExtension(annotations_pb2.http) for each in file.service[0].method}
    assert rules == {"Secret": False, "Open": True}


def test_a_service_answers_only_for_what_it_serves(registered: Register, edge: Edge) -> None:
    one = registered("one", Get=[policy(), GET])
    two = RegisteredService("two", one.files, (), one.endpoints)
    resources = compile_gateway((one, two), edge)
    assert {each.route.cluster for each in routes(resources).values() if each.route.cluster} == {"one", "nowhere"}


def test_timeouts_and_retries_follow_the_contract(registered: Register, edge: Edge) -> None:
    def idempotent(file: Any) -> None:
        file.service[0].method[0].options.idempotency_level = MethodOptions.NO_SIDE_EFFECTS
        file.service[0].method[1].server_streaming = True

    found = routes(compile_gateway((registered("one", Get=[], Watch=[policy()], change=idempotent),), edge))
    get, watch = (found[f"trustmesh.one.v1.Service.{name}"].route for name in ("Get", "Watch"))
    assert (get.timeout.seconds, get.max_stream_duration.grpc_timeout_header_max.seconds) == (5, 5)
    assert (watch.timeout.seconds, watch.max_stream_duration.max_stream_duration.seconds, watch.idle_timeout.seconds) == (
        0,
        0,
        3600,
    )
    assert "unavailable" in get.retry_policy.retry_on
    assert watch.retry_policy.retry_on == "connect-failure,refused-stream"


@pytest.mark.parametrize(
    ("seconds", "occasions"), [(10, "connect-failure,refused-stream,cancelled"), (11, "connect-failure,refused-stream")]
)
def test_what_must_not_run_twice_is_tried_again_only_where_it_has_not_begun(
    registered: Register, edge: Edge, seconds: int, occasions: str
) -> None:
    once = policy()
    once.timeout.seconds = seconds
    found = routes(compile_gateway((registered("one", Put=[once]),), edge))
    assert found["trustmesh.one.v1.Service.Put"].route.retry_policy.retry_on == occasions


@pytest.mark.parametrize("rate_class", list(RateClass))
def test_only_attempts_to_authenticate_wait_for_the_limiter(registered: Register, edge: Edge, rate_class: RateClass) -> None:
    mesh = (registered("one", Get=[policy(rate_class=rate_class.value)]), registered("ratelimit"))
    route = routes(compile_gateway(mesh, edge))["trustmesh.one.v1.Service.Get"]
    closed = rate_class is RateClass.AUTHENTICATION
    assert {each.stage.value for each in route.route.rate_limits} == {1 if closed else 0}
    assert route.metadata.filter_metadata["trustmesh"]["class"] == rate_class.name
    alone = routes(compile_gateway(mesh[:1], edge))["trustmesh.one.v1.Service.Get"]
    assert not alone.route.rate_limits


def test_a_mount_lets_its_methods_through_and_no_other(registered: Register, edge: Edge) -> None:
    mount = policy_pb2.HttpMount(
        path="/oauth2/", methods=["POST", "GET"], why="OAuth.", rate_class=policy_pb2.RATE_CLASS_AUTHENTICATION
    )
    one = registered("one", service_policy=policy_pb2.ServicePolicy(http_mounts=[mount]))
    resources = compile_gateway((replace(one, http_endpoints=(Endpoint("127.0.0.1", 9),)),), edge)
    found = routes(resources)
    through, other = found["trustmesh.one.v1.Service /oauth2/"], found["trustmesh.one.v1.Service /oauth2/ other"]
    assert (through.match.prefix, through.match.headers[0].string_match.safe_regex.regex) == ("/oauth2/", "GET|POST")
    assert (through.route.cluster, other.direct_response.status) == ("one-http", 405)
    assert other.response_headers_to_add[0].header.value == "GET, POST"
    assert "one-http" in {each.name for each in resources.clusters}
    assert [each.cluster_name for each in resources.endpoints] == ["one", "one-http"]


def test_the_same_input_gives_the_same_bytes(registered: Register, edge: Edge) -> None:
    one, two = registered("one", Get=[policy(), GET]), registered("two")

    def compiled(*mesh: RegisteredService) -> list[bytes]:
        resources = compile_gateway(mesh, edge)
        every = (*resources.listeners, *resources.routes, *resources.clusters, *resources.endpoints)
        return [each.SerializeToString(deterministic=True) for each in every]

    assert compiled(one, two) == compiled(one, two)
    assert sorted(compiled(one, two)) == sorted(compiled(two, one))


# --- contracts that do not fit


def broken(file: Any) -> None:
    file.service[0].method[0].input_type = ".trustmesh.none.v1.Missing"


def test_a_contract_that_does_not_fit_harms_no_other(registered: Register, edge: Edge) -> None:
    good = registered("good", Get=[policy(), GET])
    resources = compile_gateway((registered("bad", Get=[policy()], change=broken), good), edge)
    assert "trustmesh.good.v1.Service.Get" in routes(resources)
    [problem] = [each for each in resources.problems if each.startswith("bad: ")]
    assert "do not build" in problem


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"Get": [policy(), http_pb2.HttpRule(get="/v1/{name=**}/x")]}, "'**' before its end"),
        ({"Get": [policy_pb2.MethodPolicy()]}, "policy"),
        ({"Get": [policy(), GET], "Read": [policy(), http_pb2.HttpRule(get="/v1/{other=things/*}")]}, "same REST path"),
        ({"Get": [policy()], "imports": False}, "imports"),
        (
            {
                "service_policy": policy_pb2.ServicePolicy(
                    http_mounts=[policy_pb2.HttpMount(path="/service/v1/x", rate_class=policy_pb2.RATE_CLASS_READ)]
                )
            },
            "is taken",
        ),
    ],
)
def test_what_is_wrong_with_a_contract_is_said(registered: Register, edge: Edge, arguments: Any, says: str) -> None:
    [problem] = problems(registered("one", **arguments), edge=edge)
    assert problem.startswith("one: ") and says in problem


def test_another_services_method_or_path_cannot_be_taken(registered: Register, edge: Edge) -> None:
    first = registered("first", Get=[policy(), GET])
    thief = RegisteredService("thief", first.files, first.serves, first.endpoints)
    [problem] = problems(first, thief, edge=edge)
    assert problem.startswith("thief: ") and "served by first" in problem
    [problem] = problems(first, registered("second", Read=[policy(), GET]), edge=edge)
    assert problem.startswith("second: ") and "same REST path" in problem


def test_of_a_shared_file_the_larger_version_counts(registered: Register, edge: Edge) -> None:
    def grown(file: Any) -> None:
        file.message_type[0].field.add(name="more", number=3, type=FieldDescriptorProto.TYPE_STRING, label=1)

    old, new = registered("one", Get=[policy(), GET]), registered("one", Get=[policy(), GET], change=grown)
    importer = RegisteredService("two", new.files, (), new.endpoints)
    config = filter_config(compile_gateway((old, importer), edge), "grpc_json_transcoder", GrpcJsonTranscoder)
    [file] = [each for each in FileDescriptorSet.FromString(config.proto_descriptor_bin).file if each.name == "one.proto"]
    assert len(file.message_type[0].field) == 3


# --- the issuer's keys


@pytest.mark.parametrize("jwks", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA"}]}', "[1]"])
def test_without_usable_keys_one_stands_in_that_nobody_has(registered: Register, edge: Edge, jwks: str) -> None:
    keys, problem = verification_keys(jwks)
    assert '"nobody"' in keys
    assert problem is not None and problem.startswith("no access token is accepted")
    resources = compile_gateway((), replace(edge, jwks=jwks))
    assert resources.problems == (problem,)
    provider = filter_config(resources, "jwt_authn", JwtAuthentication).providers["authz"]
    assert provider.local_jwks.inline_string == keys


def test_the_key_that_nobody_has_is_made_from_a_sentence() -> None:
    [key] = json.loads(verification_keys("")[0])["keys"]
    x = base64.urlsafe_b64decode(key["x"] + "=")
    assert x == hashlib.sha256(b"trustmesh: no signing key is known yet\0").digest()
