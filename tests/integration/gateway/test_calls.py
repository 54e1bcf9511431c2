"""One method, reached in every way that the gateway offers; what it does not offer is refused."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

GET = "/service/v1/orgs/demo/things/one"
ECHO = f"{GET}:echo"
GRPC_GET = "/trustmesh.sample.v1.SampleService/GetThing"


@pytest.fixture(scope="module")
def gateway(world: Any) -> Iterator[Any]:
    with world.gateway(cors_origins=("https://app.test",)) as gateway:
        yield gateway


def web_frame(message: Any) -> bytes:
    content: bytes = message.SerializeToString()
    return struct.pack(">BI", 0, len(content)) + content


def error_of(answer: Any) -> tuple[int, str, str]:
    """gRPC code, reason and catalogue code of the one JSON shape of errors."""
    assert answer.headers["content-type"] == "application/json"
    status = answer.json()
    assert set(status) == {"code", "message", "details"}
    [info] = [each for each in status["details"] if each["@type"].endswith("google.rpc.ErrorInfo")]
    assert info["domain"] == "trustmesh"
    return status["code"], info["reason"], info["metadata"]["code"]


@pytest.mark.parametrize("http2", [False, True])
def test_rest_reaches_the_method(gateway: Any, http2: bool) -> None:
    with gateway.http(http2=http2) as http:
        answer = http.get(f"{GET}?full=true", headers=gateway.bearer())
    assert (answer.status_code, answer.json()) == (200, {"name": "orgs/demo/things/one", "displayName": "full"})
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


def test_grpc_reaches_the_method(gateway: Any) -> None:
    with gateway.channel() as channel:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        request = gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one")
        thing = stub.GetThing(request, metadata=list(gateway.bearer().items()), timeout=5)
    assert thing.name == "orgs/demo/things/one"


@pytest.mark.parametrize("text", [False, True])
def test_grpc_web_reaches_the_method(gateway: Any, text: bool) -> None:
    frame = web_frame(gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one"))
    media = "application/grpc-web-text" if text else "application/grpc-web+proto"
    with gateway.http() as http:
        headers = {**gateway.bearer(), "content-type": media, "accept": media, "x-grpc-web": "1"}
        answer = http.post(GRPC_GET, content=base64.b64encode(frame) if text else frame, headers=headers)
    body = base64.b64decode(answer.content[: answer.content.find(b"=") + 2]) if text else answer.content
    size = struct.unpack(">I", body[1:5])[0]
    assert answer.status_code == 200
    assert gateway.sample.messages.Thing.FromString(body[5 : 5 + size]).name == "orgs/demo/things/one"
    assert text or b"grpc-status:0" in answer.content


def test_server_stream_by_rest_and_by_grpc(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.get("/service/v1/orgs/demo/things:watch", headers=gateway.bearer())
    assert [each["name"] for each in answer.json()] == [f"orgs/demo/things/{number}" for number in range(3)]
    with gateway.channel() as channel:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        request = gateway.sample.messages.WatchThingsRequest(parent="orgs/demo")
        things = list(stub.WatchThings(request, metadata=list(gateway.bearer().items()), timeout=5))
    assert len(things) == 3


def test_every_rest_path_reaches_its_own_method(gateway: Any) -> None:
    thing = {"displayName": "a"}
    calls = {
        "GetThing": ("GET", GET, None),
        "DeleteThing": ("DELETE", GET, None),
        "CreateThing": ("POST", "/service/v1/orgs/demo/things?thing_id=one", thing),
        "EchoThing": ("POST", ECHO, {"thing": thing}),
        "RaiseThing": ("POST", "/service/v1/orgs/demo:raise", {}),
        "WatchThings": ("GET", "/service/v1/orgs/demo/things:watch", None),
    }
    with gateway.http() as http:
        for method, (verb, path, body) in calls.items():
            gateway.backend.calls.clear()
            answer = http.request(verb, path, json=body, headers=gateway.bearer())
            assert (answer.status_code, gateway.backend.calls) == (200, [method]), answer.text
        gateway.backend.calls.clear()
        assert http.post(f"{GET}/echo", json={}, headers=gateway.bearer()).status_code == 200
    assert gateway.backend.calls == ["EchoThing"]


@pytest.mark.parametrize("path", [GET, f"{GET}?full=true"])
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer not.a.token", "Basic c29tZW9uZTpzZWNyZXQ=", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."],
)
def test_rest_without_a_valid_token_is_401(gateway: Any, path: str, authorization: str) -> None:
    gateway.backend.calls.clear()
    with gateway.http() as http:
        answer = http.get(path, headers={"authorization": authorization} if authorization else {})
    assert answer.status_code == 401
    assert error_of(answer) == (16, "UNAUTHENTICATED", "AUTH_001")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert gateway.backend.calls == []


@pytest.mark.parametrize("claims", [{"iss": "https://other.test"}, {"aud": "other"}, {"exp": 1}, {"nbf": 99999999999}])
def test_a_token_with_wrong_claims_is_401(gateway: Any, claims: dict[str, Any]) -> None:
    with gateway.http() as http:
        assert http.get(GET, headers=gateway.bearer(**claims)).status_code == 401


def test_a_token_in_the_query_is_no_token(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.get(f"{GET}?access_token={gateway.issuer.token()}")
    assert answer.status_code == 401


def test_grpc_without_token_is_unauthenticated_with_its_details(gateway: Any, status_of: Any) -> None:
    with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        gateway.sample.stubs.SampleServiceStub(channel).GetThing(gateway.sample.messages.GetThingRequest(), timeout=5)
    status = status_of(raised.value)
    assert (status["code"], status["reason"], status["catalogue"]) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "UNAUTHENTICATED",
        "AUTH_001",
    )


def test_grpc_web_without_token_is_unauthenticated(gateway: Any) -> None:
    frame = web_frame(gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one"))
    with gateway.http() as http:
        answer = http.post(GRPC_GET, content=frame, headers={"content-type": "application/grpc-web+proto"})
    assert (answer.status_code, answer.headers.get("grpc-status")) in ((200, "16"), (401, "16"))


def test_a_public_method_needs_no_token(gateway: Any) -> None:
    gateway.backend.calls.clear()
    with gateway.http() as http:
        http.post("/service/v1/things:fail", json={"code": 5})
    assert gateway.backend.calls == ["FailThing"]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/"),
        ("GET", "/service/v1/unknown"),
        ("GET", "/v1/orgs/demo/things/one"),
        ("PUT", GET),
        ("GET", ECHO),
        ("POST", "/service/v1/orgs/demo:merge"),
        ("POST", "/trustmesh.sample.v1.SampleService/MergeThings"),
        ("POST", "/trustmesh.sample.v1.SampleService/Unknown"),
        ("POST", "/grpc.health.v1.Health/Check"),
        ("POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
        ("GET", GRPC_GET),
    ],
)
@pytest.mark.parametrize("with_token", [False, True])
def test_what_no_contract_offers_is_404(gateway: Any, verb: str, path: str, with_token: bool) -> None:
    gateway.backend.calls.clear()
    with gateway.http() as http:
        answer = http.request(verb, path, headers=gateway.bearer() if with_token else {})
    assert answer.status_code == 404
    assert error_of(answer) == (12, "UNIMPLEMENTED", "SVC_004")
    assert gateway.backend.calls == []


def test_a_mesh_method_is_unimplemented_by_grpc(gateway: Any, status_of: Any) -> None:
    with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        stub.MergeThings(gateway.sample.messages.WatchThingsRequest(), metadata=list(gateway.bearer().items()), timeout=5)
    assert status_of(raised.value)["code"] is grpc.StatusCode.UNIMPLEMENTED
    assert status_of(raised.value)["catalogue"] == "SVC_004"


def test_json_on_a_grpc_path_is_not_served(gateway: Any) -> None:
    gateway.backend.calls.clear()
    with gateway.http() as http:
        answer = http.post(GRPC_GET, json={"name": "orgs/demo/things/one"}, headers=gateway.bearer())
    assert answer.status_code >= 400
    assert gateway.backend.calls == []


@pytest.mark.parametrize(
    ("code", "http_status"), [(3, 400), (5, 404), (6, 409), (7, 403), (8, 429), (9, 400), (10, 409), (13, 500), (16, 401)]
)
def test_a_methods_error_keeps_code_message_and_details(gateway: Any, code: int, http_status: int) -> None:
    with gateway.http() as http:
        answer = http.post("/service/v1/things:fail", json={"code": code})
    assert answer.status_code == http_status
    assert error_of(answer) == (code, "THING_BROKEN", "RES_003")
    assert answer.json()["message"] == "It is broken."


def test_a_methods_error_by_grpc_keeps_its_details(gateway: Any, status_of: Any) -> None:
    with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        gateway.sample.stubs.SampleServiceStub(channel).FailThing(gateway.sample.messages.FailThingRequest(code=9), timeout=5)
    assert status_of(raised.value)["reason"] == "THING_BROKEN"


def test_a_call_that_may_be_repeated_is_tried_again_while_the_service_is_unavailable(gateway: Any) -> None:
    gateway.backend.calls.clear()
    with gateway.http() as http:
        answer = http.post("/service/v1/things:fail", json={"code": 14})
    assert (answer.status_code, gateway.backend.calls) == (503, ["FailThing"] * 3)
    assert error_of(answer) == (14, "THING_BROKEN", "RES_003")
    gateway.backend.calls.clear()
    with gateway.http() as http:
        http.post("/service/v1/things:fail", json={"code": 13})
    assert gateway.backend.calls == ["FailThing"]


def test_a_slow_method_is_cut_off_at_its_timeout(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.post("/service/v1/things:fail", json={"code": 5, "seconds": 5})
    assert answer.status_code == 504
    assert error_of(answer) == (4, "DEADLINE_EXCEEDED", "SVC_002")


@pytest.mark.parametrize("seconds", [None, 3600])
def test_a_deadline_is_capped_by_the_methods_timeout(gateway: Any, seconds: float | None, status_of: Any) -> None:
    with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        request = gateway.sample.messages.FailThingRequest(code=5, seconds=5)
        gateway.sample.stubs.SampleServiceStub(channel).FailThing(request, timeout=seconds)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    if seconds is None:  # with a deadline of the caller's, the service's own gRPC may notice first, and says only the code
        assert status_of(raised.value)["catalogue"] == "SVC_002"


def test_access_log_names_the_route_and_hides_query_and_token(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.get(f"{GET}?full=true", headers=gateway.bearer())
    entry = gateway.logged(answer.headers["x-request-id"])
    assert entry["route"] == "trustmesh.sample.v1.SampleService.GetThing GET /service/v1/{name=orgs/*/things/*}"
    assert (entry["method"], entry["path"], entry["status"], entry["flags"]) == ("GET", GET, 200, "-")
    text = (gateway.directory / "access.log").read_text()
    assert "full=true" not in text and "eyJ" not in text
