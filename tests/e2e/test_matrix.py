"""Every method of every contract, over every path that exists, gives the same decision."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from trustmesh_contract.contract import MeshAccess, Method, PermissionAccess, read_contract

ROOT = Path(__file__).parents[2]
FILES = descriptor_pb2.FileDescriptorSet.FromString((ROOT / "gen" / "descriptors" / "trustmesh.binpb").read_bytes())
METHODS = sorted(read_contract(FILES), key=lambda method: method.path)
SERVED = ("authz", "config", "gateway", "kms", "petstore", "pki", "registry")
PERMISSION = [m for m in METHODS if isinstance(m.policy.access, PermissionAccess) and not m.client_streaming]
TENANT = [m for m in PERMISSION if m.policy.access.resource_field]  # type: ignore[union-attr]  # filtered above
MESH = [m for m in METHODS if isinstance(m.policy.access, MeshAccess)]

HTTP_OF = {3: 400, 5: 404, 7: 403, 16: 401}
POOL = descriptor_pool.DescriptorPool()
for _file in FILES.file:
    POOL.Add(_file)


@dataclass(frozen=True)
class Decision:
    """How a call was answered: the status code and, of a refusal, its reason and the fields it names."""

    code: int
    reason: str = ""
    fields: tuple[str, ...] = ()


def message(method: Method, fields: dict[str, Any]) -> Message:
    request: Message = message_factory.GetMessageClass(POOL.FindMessageTypeByName(method.input_type))()
    json_format.ParseDict(fields, request)
    return request


def message_bytes(request: Message) -> bytes:
    return request.SerializeToString()


def template_of(method: Method) -> str:
    """The pattern of the resource's name, for example "orgs/*/keys/*"."""
    access = method.policy.access
    assert isinstance(access, PermissionAccess)
    for binding in method.bindings:
        found = re.search(r"\{" + re.escape(access.resource_field) + r"=([^}]+)\}", binding.template)
        if found:
            return found.group(1)
    return "orgs/*/things/*"


def named(method: Method, org: str, last: str = "thing") -> dict[str, Any]:
    """A request, as JSON fields, whose resource belongs to `org` and whose last segment is `last`."""
    access = method.policy.access
    assert isinstance(access, PermissionAccess)
    if not access.resource_field:
        return {}
    segments = template_of(method).replace("**", "*").split("/")
    stars = [i for i, segment in enumerate(segments) if segment == "*"]
    for i in stars:
        segments[i] = "thing"
    segments[stars[0]] = org
    if len(stars) > 1 or last != "thing":
        segments[stars[-1]] = last if len(stars) > 1 else segments[stars[-1]]
    return _nested(method, access.resource_field.split("."), "/".join(segments))


def _nested(method: Method, path: list[str], value: str) -> dict[str, Any]:
    descriptor: Any = POOL.FindMessageTypeByName(method.input_type)
    fields: dict[str, Any] = {}
    target = fields
    for part in path[:-1]:
        field = descriptor.fields_by_name[part]
        inner: dict[str, Any] = {}
        target[part] = [inner] if field.is_repeated else inner
        target, descriptor = inner, field.message_type
    target[path[-1]] = value
    return fields


def decided(status: status_pb2.Status) -> Decision:
    reason, fields = "", ()
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(bad):
            fields = tuple(violation.field for violation in bad.field_violations)
    return Decision(status.code, reason, fields)


class Paths:
    """The ways to a method through the gateway."""

    def __init__(self, mesh: Any) -> None:
        self._mesh = mesh
        self._http: dict[str | None, Any] = {}
        self._channels: dict[str | None, grpc.Channel] = {}

    def of(self, method: Method) -> dict[str, Callable[[dict[str, Any], str | None], Decision]]:
        """Path name to a function `(fields, token) -> decision`."""
        paths: dict[str, Callable[[dict[str, Any], str | None], Decision]] = {
            "gRPC": lambda fields, token: self.grpc(method, fields, token),
            "gRPC-Web": lambda fields, token: self.grpc_web(method, fields, token),
        }
        for number, _ in enumerate(method.bindings):
            paths[f"REST {number}"] = lambda fields, token, n=number: self.rest(method, n, fields, token)  # type: ignore[misc]
        return paths

    def grpc(self, method: Method, fields: dict[str, Any], token: str | None) -> Decision:
        if token not in self._channels:
            self._channels[token] = self._mesh.channel(token)
        channel = self._channels[token]
        response = message_factory.GetMessageClass(POOL.FindMessageTypeByName(method.output_type))
        kind = channel.unary_stream if method.server_streaming else channel.unary_unary
        call: Any = kind(method.path, request_serializer=message_bytes, response_deserializer=response.FromString)
        try:
            answer = call(message(method, fields), timeout=10)
            if method.server_streaming:
                next(iter(answer))
                answer.cancel()
            return Decision(0)
        except grpc.RpcError as error:
            trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs, say the stubs not
            details = trailers.get("grpc-status-details-bin")
            if details:
                return decided(status_pb2.Status.FromString(details))
            return Decision(error.code().value[0])

    def grpc_web(self, method: Method, fields: dict[str, Any], token: str | None) -> Decision:
        body = message(method, fields).SerializeToString()
        headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
        answer = self._client(token).post(method.path, content=b"\0" + struct.pack(">I", len(body)) + body, headers=headers)
        trailers = {key.lower(): value for key, value in answer.headers.items()}
        rest = answer.content
        while rest:
            kind, size = rest[0], struct.unpack(">I", rest[1:5])[0]
            frame, rest = rest[5 : 5 + size], rest[5 + size :]
            if kind & 0x80:
                trailers |= dict(line.split(":", 1) for line in frame.decode().strip().splitlines())
        details = trailers.get("grpc-status-details-bin")
        if details:
            padded = details.strip() + "=" * (-len(details.strip()) % 4)
            return decided(status_pb2.Status.FromString(base64.b64decode(padded)))
        return Decision(int(trailers["grpc-status"]))

    def rest(self, method: Method, number: int, fields: dict[str, Any], token: str | None) -> Decision:
        binding = method.bindings[number]
        left = json.loads(json.dumps(fields))
        path = re.sub(
            r"\{([^}=]+)(?:=([^}]*))?\}", lambda found: _variable(left, found.group(1), found.group(2) or "*"), binding.template
        )
        body = None
        if binding.body == "*":
            body = left
        elif binding.body:
            body = left.get(binding.body, {})
        answer = self._client(token).request(binding.verb, f"/service{path}", json=body)
        if answer.status_code == 200:
            return Decision(0)
        document = answer.json()
        decision = Decision(
            document["code"],
            next(d["reason"] for d in document["details"] if d["@type"].endswith("ErrorInfo")),
            tuple(v["field"] for d in document["details"] for v in d.get("fieldViolations", ())),
        )
        assert answer.status_code == HTTP_OF.get(decision.code, answer.status_code), answer.text
        return decision

    def _client(self, token: str | None) -> Any:
        if token not in self._http:
            self._http[token] = self._mesh.http(token)
        return self._http[token]


def _variable(fields: dict[str, Any], path: str, pattern: str) -> str:
    """Take the value at `path` out of the body for the URL; where it is absent or of another binding, one of this pattern."""
    *outer, last = path.split(".")
    for part in outer:
        fields = fields.get(part, {})
    value = str(fields.pop(last, ""))
    segments = pattern.replace("**", "*").split("/")
    given = value.split("/")
    if value and len(given) == len(segments):
        return value
    stars = [i for i, segment in enumerate(segments) if segment == "*"]
    for i in stars:
        segments[i] = "thing"
    if value:
        segments[1], segments[stars[-1]] = given[1], given[-1]
    return "/".join(segments)


@pytest.fixture(scope="module")
def paths(mesh: Any) -> Paths:
    return Paths(mesh)


@pytest.fixture(scope="module")
def powerless(mesh: Any, token: str) -> str:
    """A token of the demo organisation that holds no permission which any method asks for."""
    with mesh.http(token) as client:
        created = client.post(
            "/service/v1/orgs/demo/clients?clientId=powerless",
            json={"displayName": "powerless", "scopes": ["petstore.nothing.do"], "orgs": ["orgs/demo"]},
        )
        assert created.status_code == 200, created.text
        answer = created.json()
    return str(mesh.token_of(answer["client"]["clientId"], answer["clientSecret"]))


def same(decisions: dict[str, Decision]) -> Decision:
    """The one decision that all paths came to."""
    assert len({decision.code for decision in decisions.values()}) == 1, decisions
    return next(iter(decisions.values()))


def by_name(method: Method) -> str:
    return method.full_name.removeprefix("trustmesh.")


def test_the_descriptors_cover_the_mesh() -> None:
    assert {method.package.split(".")[1] for method in METHODS} >= set(SERVED) - {"gateway"}


@pytest.mark.parametrize("method", PERMISSION, ids=by_name)
def test_without_a_token_nobody_is_let_in(paths: Paths, method: Method) -> None:
    fields = named(method, "demo")
    assert same({name: call(fields, None) for name, call in paths.of(method).items()}).code == 16


@pytest.mark.parametrize("method", PERMISSION, ids=by_name)
def test_without_the_permission_it_is_denied(paths: Paths, method: Method, powerless: str) -> None:
    fields = named(method, "demo")
    decisions = {name: call(fields, powerless) for name, call in paths.of(method).items()}
    assert same(decisions).code == 7
    assert {decision.reason for decision in decisions.values()} == {"PERMISSION_DENIED"}


@pytest.mark.parametrize("method", TENANT, ids=by_name)
def test_another_organisations_resource_is_not_found(paths: Paths, method: Method, token: str) -> None:
    fields = named(method, "other")
    decisions = {name: call(fields, token) for name, call in paths.of(method).items()}
    assert same(decisions).code == 5
    assert {decision.reason for decision in decisions.values()} == {"NOT_FOUND"}


@pytest.mark.parametrize("method", [m for m in TENANT if template_of(m).count("*") > 1], ids=by_name)
def test_an_invalid_field_is_named(paths: Paths, method: Method, token: str) -> None:
    fields = named(method, "demo", "!")
    access = method.policy.access
    assert isinstance(access, PermissionAccess)
    decisions = {name: call(fields, token) for name, call in paths.of(method).items()}
    assert same(decisions).code == 3
    for decision in decisions.values():
        assert access.resource_field in [re.sub(r"\[\d+\]", "", field) for field in decision.fields], decisions


@pytest.mark.parametrize("method", MESH, ids=by_name)
def test_a_mesh_method_does_not_exist_at_the_gateway(paths: Paths, method: Method, token: str, mesh: Any) -> None:
    assert paths.of(method).keys() == {"gRPC", "gRPC-Web"}
    with mesh.http(token) as client:
        assert client.post(method.path, headers={"content-type": "application/json"}).status_code == 404
        assert unquote(str(client.post(method.path.lower()).status_code)) == "404"


@pytest.mark.parametrize("method", [m for m in PERMISSION if "kms" not in m.policy.access.callers], ids=by_name)  # type: ignore[union-attr]
def test_an_unlisted_service_is_denied(mesh: Any, method: Method) -> None:
    product = method.package.split(".")[1]
    offsets = {
        "authz": 180,
        "config": 480,
        "gateway": 480,
        "kms": 80,
        "petstore": 980,
        "pki": 380,
        "ratelimit": 681,
        "registry": 480,
    }
    caller = "authz" if product == "ratelimit" else "ratelimit"
    response = message_factory.GetMessageClass(POOL.FindMessageTypeByName(method.output_type))
    with mesh.inside(caller, mesh.base_port + offsets[product]) as channel:
        kind = channel.unary_stream if method.server_streaming else channel.unary_unary
        call: Any = kind(method.path, request_serializer=message_bytes, response_deserializer=response.FromString)
        with pytest.raises(grpc.RpcError) as denied:
            answer = call(message(method, named(method, "demo")), timeout=10)
            if method.server_streaming:
                next(iter(answer))
    assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED
