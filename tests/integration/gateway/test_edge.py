"""What a hostile client tries at the edge: paths, header fields, bodies, origins."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest

GET = "/service/v1/orgs/demo/things/one"
ECHO = f"{GET}:echo"
APP = "https://app.test"
MAX_BODY = 256 << 10


@pytest.fixture(scope="module")
def gateway(world: Any) -> Iterator[Any]:
    with world.gateway(cors_origins=(APP,), max_body_bytes=MAX_BODY) as gateway:
        yield gateway


def raw(gateway: Any, target: str, *fields: str, verb: str = "GET", token: bool = True, host: str = "localhost") -> Any:
    lines = [f"{verb} {target} HTTP/1.1", f"host: {host}", "connection: close", *fields]
    if token:
        lines.append(f"authorization: Bearer {gateway.issuer.token()}")
    return gateway.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))


def echo(gateway: Any, **arguments: Any) -> Any:
    headers = gateway.bearer() | {"content-type": "application/json"} | arguments.pop("headers", {})
    with gateway.http(http2=arguments.pop("http2", False)) as http:
        return http.post(ECHO, headers=headers, **arguments)


# --- paths


@pytest.mark.parametrize(
    "target",
    [
        "/service/v1/orgs/demo/things;x=1/one",
        "/service/v1/orgs/demo;/things/one",
        "/service/v1/orgs/demo/things/one;.json",
        "/service/v1/orgs/demo%2fthings/one",
        "/service/v1/orgs/demo/things%2Fone",
        "/service/v1/orgs/demo/things%5cone",
        "/service/v1/orgs/demo/things/one:echo:raise",
        "/service/v1/orgs/demo/things/one/",
        "/SERVICE/v1/orgs/demo/things/one",
        "/browser/v1/orgs/demo/things/one",
        "/service/v1/orgs/../../trustmesh.sample.v1.SampleService/MergeThings",
        "//trustmesh.sample.v1.SampleService/MergeThings",
        "/service/v1/orgs/demo:merge",
    ],
)
def test_a_path_that_two_readers_could_read_differently_is_refused(gateway: Any, target: str) -> None:
    gateway.backend.calls.clear()
    status, headers, body = raw(gateway, target)
    assert status in (400, 404), body
    assert headers["content-type"] == "application/json"
    assert json.loads(body)["details"][0]["domain"] == "trustmesh"
    assert gateway.backend.calls == []


@pytest.mark.parametrize(
    "target",
    ["/service//v1///orgs/demo/things/one", "/service/v1/x/../orgs/demo/./things/one", "/service/v1/x/..;/orgs/demo\\things/one"],
)
@pytest.mark.parametrize("token", [False, True])
def test_an_alias_of_a_path_gets_its_decision(gateway: Any, target: str, token: bool) -> None:
    status, _, _ = raw(gateway, target, token=token)
    assert status in ((200, 400) if token else (401, 400))


@pytest.mark.parametrize("host", ["other.test", "localhost.evil.test", "169.254.169.254"])
def test_a_host_that_is_not_ours_is_misdirected(gateway: Any, host: str) -> None:
    status, _, body = raw(gateway, GET, host=host)
    assert (status, json.loads(body)["details"][0]["reason"]) == (421, "UNIMPLEMENTED")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8443", "127.0.0.1:1", "localhost."])
def test_our_host_names_are_answered_whatever_the_port(gateway: Any, host: str) -> None:
    assert raw(gateway, GET, host=host)[0] == 200


# --- header fields

FORGED = {
    "x-trustmesh-orgs": "platform",
    "x-trustmesh-principal": "root",
    "x-user-id": "root",
    "x-envoy-internal": "true",
    "x-envoy-original-path": "/",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-max-retries": "99",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-host": "evil.test",
    "x-forwarded-client-cert": "URI=spiffe://trustmesh.local/svc/kms",
    "forwarded": "for=10.0.0.1",
    "x-real-ip": "10.0.0.1",
    "x-original-url": "/admin",
    "x-http-method-override": "DELETE",
    "x-request-id": "mine",
}


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
def test_forged_header_fields_do_not_arrive(gateway: Any, spelling: Any) -> None:
    answer = echo(gateway, json={}, headers={spelling(name): value for name, value in FORGED.items()})
    assert answer.status_code == 200, answer.text
    seen = answer.json()["metadata"]
    ours = {"x-trustmesh-orgs", "x-envoy-original-path", "x-forwarded-for", "x-request-id"}
    assert set(FORGED) & set(seen) == ours
    assert not {name: value for name, value in FORGED.items() if value in seen.get(name, "").split("|")}
    assert json.loads(base64.b64decode(seen["x-trustmesh-orgs"] + "==")) == ["demo"]
    assert not [name for name in seen if name.startswith("x-forwarded-client")]


def test_a_doubled_forged_field_does_not_arrive(gateway: Any) -> None:
    lines = [
        f"POST {ECHO} HTTP/1.1",
        *("host: localhost", "connection: close", "content-type: application/json", "content-length: 2"),
        *("X-Trustmesh-Orgs: a", "x-trustmesh-orgs: b", "X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 2.2.2.2"),
        f"authorization: Bearer {gateway.issuer.token()}",
    ]
    status, _, answer = gateway.raw("\r\n".join([*lines, "", "{}"]).encode())
    seen = json.loads(answer)["metadata"]
    assert status == 200
    assert "1.1.1.1" not in seen["x-forwarded-for"] and "2.2.2.2" not in seen["x-forwarded-for"]
    assert json.loads(base64.b64decode(seen["x-trustmesh-orgs"] + "==")) == ["demo"]


@pytest.mark.parametrize("field", ["x_trustmesh_orgs: platform", "x_user_id: root", "content_length: 0"])
def test_a_field_name_with_underscore_is_refused(gateway: Any, field: str) -> None:
    assert raw(gateway, GET, field)[0] == 400


def test_two_authorization_fields_are_no_authorization(gateway: Any) -> None:
    gateway.backend.calls.clear()
    status, _, _ = raw(gateway, GET, "authorization: Bearer forged")
    assert status in (400, 401)
    assert gateway.backend.calls == []


def test_too_large_a_header_is_431(gateway: Any) -> None:
    status, headers, body = raw(gateway, GET, "x-large: " + "a" * 30_000)
    assert (status, headers["content-type"]) == (431, "application/json")
    assert json.loads(body)["details"][0]["reason"] == "RESOURCE_EXHAUSTED"


def test_too_many_header_fields_are_431(gateway: Any) -> None:
    assert raw(gateway, GET, *(f"x-{number}: a" for number in range(100)))[0] == 431


@pytest.mark.parametrize(
    "fields", [("content-length: 5", "transfer-encoding: chunked"), ("content-length: 5", "content-length: 6")]
)
def test_an_ambiguous_body_length_is_400(gateway: Any, fields: tuple[str, ...]) -> None:
    assert raw(gateway, ECHO, *fields, verb="POST")[0] == 400


# --- what every answer carries

ALWAYS = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.mark.parametrize(
    ("target", "fields", "status"),
    [
        (GET, (), 200),
        (GET, ("authorization: Bearer x",), 401),
        ("/nowhere", (), 404),
        (f"{GET}?nope=1", (), 400),
        ("/service/v1/orgs/demo%2fx/things/one", (), 400),
        (GET, ("x_y: z",), 400),
        (GET, ("x-large: " + "a" * 30_000,), 431),
    ],
)
def test_security_headers_are_on_every_answer(gateway: Any, target: str, fields: tuple[str, ...], status: int) -> None:
    got, headers, _ = raw(gateway, target, *fields, token=status != 401)
    assert got == status
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
    assert "server" not in headers and not [name for name in headers if name.startswith("x-envoy-")]


def test_grpc_answers_carry_them_too_and_a_request_id(gateway: Any) -> None:
    with gateway.channel() as channel:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        request = gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one")
        _, call = stub.GetThing.with_call(request, metadata=list(gateway.bearer().items()), timeout=5)
    headers = dict(call.initial_metadata())
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
    assert len(headers["x-request-id"]) == 36


# --- JSON bodies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"nope": 1}, "nope"),
        ({"thing": {"nope": 1}}, "thing.nope"),
        ({"thing": {"parts": [{"name": "a"}, {"colours": 1}]}}, "thing.parts[1].colours"),
        ({"thing": {"sizes": {"a": {"width": 1}}}}, "thing.sizes.a.width"),
        ({"thing": {"volume": {"height": 1, "high": 1}}}, "thing.volume.high"),
        ({"thing": {"Name": "a"}}, "thing.Name"),
        ({"thing": {"name ": "a"}}, "thing.name "),
        ('{"thing": {"name": "a", "name": "b"}}', "thing.name"),
        ('{"thing": {"displayName": "a", "display_name": "b"}}', "thing.display_name"),
        ('{"thing": {"labels": {"a": "1", "a": "2"}}}', "thing.labels.a"),
        ('{"thing": {"grams": 1, "volume": {}}}', "thing.volume"),
        ('{"thing": {"extra": {"a": 1, "a": 2}}}', "thing.extra.a"),
        ('{"thing": {"n\\u0061me": "a"}}', "thing.n\\u0061me"),
        ('{"thing": {}} {}', "body"),
        ('{"thing": {}', "body"),
        ('{"thing": {"parts": ' + "[" * 40 + "]" * 40 + "}}", None),
        ('{"thing": ' + '{"parts": [' * 40 + "]}" * 40 + "}", None),
        ("{'thing': 1}", "body"),
    ],
)
def test_a_body_that_the_contract_does_not_describe_is_400_and_names_the_field(
    gateway: Any, body: Any, field: str | None
) -> None:
    gateway.backend.calls.clear()
    answer = echo(gateway, content=body if isinstance(body, str) else json.dumps(body))
    assert answer.status_code == 400, answer.text
    status = answer.json()
    details = {each["@type"].rpartition(".")[2]: each for each in status["details"]}
    assert (status["code"], details["ErrorInfo"]["metadata"]["code"]) == (3, "VAL_001")
    [violation] = details["BadRequest"]["fieldViolations"]
    assert field is None or violation["field"] == field
    assert gateway.backend.calls == []


def test_a_body_that_the_contract_describes_arrives_whole(gateway: Any) -> None:
    thing = {
        "name": "a",
        "displayName": 'quote " and \\ slash \u00e9 \U0001f600',
        "colour": "COLOUR_RED",
        "parts": [{"name": "b", "parts": [{"name": "c"}]}],
        "labels": {"any key": "value", "{": "}"},
        "sizes": {"x": {"widthMm": 1, "tall": 2}},
        "volume": {"widthMm": -3},
        "createTime": "2026-01-01T00:00:00Z",
        "extra": {"free": [1, 2.5, None, {"nested": {"nope": True}}]},
        "note": "wrapped",
        "life": "1.500s",
        "mask": "displayName,colour",
        "ready": False,
        "blob": "AAEC",
    }
    answer = echo(gateway, json={"thing": thing})
    assert answer.status_code == 200, answer.text
    assert answer.json()["thing"] == thing


def test_proto_names_and_null_are_accepted(gateway: Any) -> None:
    answer = echo(gateway, content='\r\n {"thing" :\t{"display_name":"a","note":null,"grams":null,"volume":{"height":1}} } \n')
    assert answer.json()["thing"] == {"displayName": "a", "volume": {"tall": 1}}


def test_a_value_of_the_wrong_type_is_400_and_names_the_field(gateway: Any) -> None:
    answer = echo(gateway, json={"thing": {"grams": "many"}})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert "thing.grams" in answer.json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"thing": {"grams": "canary"}},
        {"thing": {"grams": 'canary" for type TYPE_INT64 '}},
        {"thing": {"blob": "canary!"}},
        {"thing": {"colour": "canary"}},
        {"thing": "canary"},
        '{"thing": {"displayName": "canary \\ud800"}}',
    ],
)
def test_a_value_that_does_not_do_is_not_repeated(gateway: Any, body: Any) -> None:
    answer = echo(gateway, content=body if isinstance(body, str) else json.dumps(body))
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert "canary" not in answer.text


def test_too_large_a_body_is_refused_by_its_announced_length(gateway: Any) -> None:
    assert raw(gateway, ECHO, "content-type: application/json", f"content-length: {MAX_BODY + 1}", verb="POST")[0] == 413


def test_a_body_field_is_checked_as_its_own_type(gateway: Any) -> None:
    with gateway.http() as http:
        path = "/service/v1/orgs/demo/things"
        assert http.post(path, json={"displayName": "a"}, headers=gateway.bearer()).status_code == 200
        assert http.post(path, json={"thing": {}}, headers=gateway.bearer()).status_code == 400


def test_a_body_where_none_belongs_is_400(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.request("DELETE", GET, json={"name": "orgs/other/things/one"}, headers=gateway.bearer())
    assert answer.status_code == 400


def test_an_unknown_query_field_is_400_and_named(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.get(f"{GET}?nope=1", headers=gateway.bearer())
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert "nope" in answer.json()["message"]


def test_a_field_bound_by_the_path_may_not_be_given_again(gateway: Any) -> None:
    assert echo(gateway, json={"name": "orgs/other/things/two"}).status_code == 400
    with gateway.http() as http:
        for key in ("name", "n%61me", "full=true&name"):
            answer = http.get(f"{GET}?{key}=orgs/other/things/two", headers=gateway.bearer())
            assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/xml"])
def test_a_body_that_is_not_json_is_415(gateway: Any, media: str) -> None:
    answer = echo(gateway, content="{}", headers={"content-type": media})
    assert (answer.status_code, answer.json()["code"]) == (415, 3)


@pytest.mark.parametrize("http2", [False, True])
def test_a_body_above_the_limit_is_413_and_one_below_passes(gateway: Any, http2: bool) -> None:
    fits = echo(gateway, json={"thing": {"displayName": "a" * (MAX_BODY - 1000)}}, http2=http2)
    assert fits.status_code == 200, fits.text[:300]
    too_large = echo(gateway, json={"thing": {"displayName": "a" * (MAX_BODY + 10)}}, http2=http2)
    assert too_large.status_code == 413
    assert too_large.json()["details"][0]["reason"] == "RESOURCE_EXHAUSTED"


def test_an_endless_body_is_413(gateway: Any) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"thing":{"displayName":"'
        for _ in range(200):
            yield b"a" * 10_000

    assert echo(gateway, content=chunks()).status_code == 413


# --- origins

PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-grpc-web,content-type"}
FOREIGN = [
    "null",
    "https://app.test.evil.test",
    "https://evilapp.test",
    "http://app.test",
    "https://app.test:444",
    "https://APP.test",
]


@pytest.mark.parametrize("path", [ECHO, "/trustmesh.sample.v1.SampleService/EchoThing"])
def test_preflight_from_a_listed_origin_is_allowed(gateway: Any, path: str) -> None:
    with gateway.http() as http:
        answer = http.options(path, headers={"origin": APP, **PREFLIGHT})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, APP)
    assert "x-grpc-web" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", FOREIGN)
def test_preflight_from_any_other_origin_gets_no_cors_answer(gateway: Any, origin: str) -> None:
    with gateway.http() as http:
        answer = http.options(ECHO, headers={"origin": origin, **PREFLIGHT})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_call_from_a_listed_origin_may_read_status_and_errors(gateway: Any) -> None:
    answer = echo(gateway, json={}, headers={"origin": APP})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, APP)
    exposed = answer.headers["access-control-expose-headers"]
    assert {"grpc-status", "grpc-message", "grpc-status-details-bin"} <= set(exposed.split(","))
    with gateway.http() as http:
        refused = http.post(ECHO, json={}, headers={"origin": APP})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, APP)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_call_from_any_other_origin_has_no_effect(gateway: Any, origin: str) -> None:
    gateway.backend.calls.clear()
    answer = echo(gateway, json={}, headers={"origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, 7)
    frame = gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one").SerializeToString()
    media = {"origin": origin, "content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    with gateway.http() as http:
        web = http.post(
            "/trustmesh.sample.v1.SampleService/GetThing",
            content=struct.pack(">BI", 0, len(frame)) + frame,
            headers=gateway.bearer() | media,
        )
    assert not [name for each in (answer, web) for name in each.headers if name.startswith("access-control-")]
    assert gateway.backend.calls == []


def test_our_own_origin_is_no_foreign_one(gateway: Any) -> None:
    assert echo(gateway, json={}, headers={"origin": f"https://localhost:{gateway.edge.https_port}"}).status_code == 200
