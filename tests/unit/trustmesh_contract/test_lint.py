from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_contract import lint as policy_lint

POLICY = """
    option (trustmesh.options.v1.policy) = {
      permission: {name: "shop.things.get" resource_field: "name"}
      rate_class: RATE_CLASS_READ timeout: {seconds: 5} audit: AUDIT_CLASS_DENIALS
    };"""
HTTP = 'option (google.api.http) = {get: "/v1/{name=orgs/*/things/*}"}; option idempotency_level = NO_SIDE_EFFECTS;'
NAME = "string name = 1 [(buf.validate.field).string.max_len = 100];"
AUDITED = POLICY.replace("AUDIT_CLASS_DENIALS", "AUDIT_CLASS_REQUEST")


def method(policy: str = POLICY, http: str = HTTP, *, rpc: str = "rpc GetThing(Request) returns (Thing)") -> str:
    return f"service ThingService {{ {rpc} {{ {policy} {http} }} }}"


def shop(service: str, fields: str = NAME, more: str = "") -> str:
    return f"{service} message Thing {{ string name = 1; }} message Request {{ {fields} }} {more}"


CASES = {
    "policy_missing": shop(method(policy="")),
    "policy_incomplete without rate class": shop(method(POLICY.replace("rate_class: RATE_CLASS_READ", ""))),
    "policy_incomplete without audit": shop(method(POLICY.replace("audit: AUDIT_CLASS_DENIALS", ""))),
    "policy_incomplete without access": shop(
        method(POLICY.replace('permission: {name: "shop.things.get" resource_field: "name"}', ""))
    ),
    "access public without why": shop(
        method(POLICY.replace('permission: {name: "shop.things.get" resource_field: "name"}', "public: {}"))
    ),
    "access mesh without callers": shop(
        method(POLICY.replace('permission: {name: "shop.things.get" resource_field: "name"}', "mesh: {}"), "")
    ),
    "timeout missing": shop(method(POLICY.replace("timeout: {seconds: 5}", ""))),
    "timeout of zero": shop(method(POLICY.replace("seconds: 5", "seconds: 0"))),
    "permission_name of two parts": shop(method(POLICY.replace("shop.things.get", "shop.get"))),
    "permission_name in snake case": shop(method(POLICY.replace("shop.things.get", "shop.new_things.get"))),
    "permission_name of another product": shop(method(POLICY.replace("shop.things.get", "bank.things.get"))),
    "resource_field unknown": shop(method(POLICY.replace('resource_field: "name"', 'resource_field: "parent"'))),
    "resource_field no string": shop(method(POLICY.replace('"name"', '"size"')), NAME + "int32 size = 2;"),
    "resource_field through a scalar": shop(method(POLICY.replace('"name"', '"name.id"'))),
    "resource_field of an unknown message": shop(method(POLICY.replace('"name"', '"thing.id"'))),
    "reason lower case": shop(method(POLICY.replace("audit:", 'reasons: "thing_gone" audit:'))),
    "redaction of bytes": shop(method(AUDITED), NAME + "bytes data = 2 [(buf.validate.field).bytes.max_len = 9];"),
    "redaction of a secret's name": shop(
        method(AUDITED), NAME + "string client_secret = 2 [(buf.validate.field).string.max_len = 9];"
    ),
    "redaction inside of a list": shop(
        method(AUDITED),
        NAME + "repeated Inner inners = 2 [(buf.validate.field).repeated.max_items = 9];",
        "message Inner { bytes key = 1 [(buf.validate.field).bytes.max_len = 9]; }",
    ),
    "unbounded string": shop(method(), "string name = 1;"),
    "unbounded string by an open pattern": shop(method(), 'string name = 1 [(buf.validate.field).string.pattern = "^a+$"];'),
    "unbounded string by a loose pattern": shop(method(), 'string name = 1 [(buf.validate.field).string.pattern = "a{1,3}"];'),
    "unbounded bytes": shop(method(), NAME + "bytes data = 2;"),
    "unbounded list": shop(method(), NAME + "repeated int32 sizes = 2;"),
    "unbounded items": shop(method(), NAME + "repeated string tags = 2 [(buf.validate.field).repeated.max_items = 9];"),
    "unbounded map": shop(method(), NAME + "map<int32, int32> sizes = 2;"),
    "unbounded map keys": shop(method(), NAME + "map<string, int32> sizes = 2 [(buf.validate.field).map.max_pairs = 9];"),
    "unbounded map values": shop(method(), NAME + "map<int32, string> names = 2 [(buf.validate.field).map.max_pairs = 9];"),
    "unbounded inside of a message": shop(method(), NAME + "Inner inner = 2;", "message Inner { string text = 1; }"),
    "unbounded inside of a map": shop(
        method(),
        NAME + "map<int32, Inner> inners = 2 [(buf.validate.field).map.max_pairs = 9];",
        "message Inner { string text = 1; }",
    ),
    "binding missing": shop(method(http="")),
    "binding of a mesh method": shop(
        method(POLICY.replace('permission: {name: "shop.things.get" resource_field: "name"}', 'mesh: {callers: "*"}'))
    ),
    "binding of Get to POST": shop(method(http='option (google.api.http) = {post: "/v1/{name=orgs/*/things/*}" body: "*"};')),
    "binding of GET with side effects": shop(method(http='option (google.api.http) = {get: "/v1/{name=orgs/*/things/*}"};')),
    "binding outside of v1": shop(method(http=HTTP.replace("/v1/", "/v2/"))),
    "long_running without its types": shop(
        method(
            http='option (google.api.http) = {post: "/v1/{name=orgs/*/things/*}:build"};',
            rpc="rpc BuildThing(Request) returns (google.longrunning.Operation)",
        )
    ),
    "long_running without side effects": shop(
        method(
            http=HTTP
            + 'option (google.longrunning.operation_info) = {response_type: "Thing" metadata_type: "google.protobuf.Empty"};',
            rpc="rpc BuildThing(Request) returns (google.longrunning.Operation)",
        )
    ),
    "path_taken": shop(
        f"service ThingService {{ rpc GetThing(Request) returns (Thing) {{ {POLICY} {HTTP} }}"
        f" rpc GetOther(Request) returns (Thing) {{ {POLICY} {HTTP.replace('{name=orgs/*/things/*}', 'orgs/{name}/things/*')} }}"
        "}"
    ),
    "mount without methods": shop(
        "service ThingService {"
        f' option (trustmesh.options.v1.service_policy) = {{http_mounts: {{path: "/x" why: "y"}}}};'
        f" rpc GetThing(Request) returns (Thing) {{ {POLICY} {HTTP} }} }}"
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_names_what_is_wrong(case: str, compile_proto: Callable[[str], FileDescriptorSet]) -> None:
    found = list(policy_lint.lint(compile_proto(CASES[case])))
    assert {finding.rule for finding in found} == {case.split()[0]}, list(map(str, found))
    assert all(finding.where.startswith("trustmesh.shop.v1.ThingService") for finding in found)


ACCEPTED = {
    "plain": shop(method()),
    "a closed pattern": shop(method(), 'string name = 1 [(buf.validate.field).string.pattern = "^orgs/[a-z+*]{1,9}\\\\+$"];'),
    "a uuid": shop(method(), "string name = 1 [(buf.validate.field).string.uuid = true];"),
    "output": shop(method(), NAME + "string etag = 2 [(google.api.field_behavior) = OUTPUT_ONLY];"),
    "decided redaction": shop(
        method(AUDITED), NAME + "bytes data = 2 [(buf.validate.field).bytes.max_len = 9, debug_redact = false];"
    ),
    "a token's id": shop(method(AUDITED), NAME + "string token_id = 2 [(buf.validate.field).string.max_len = 9];"),
    "a bounded map": shop(
        method(),
        NAME + "map<string, Inner> inners = 2 [(buf.validate.field).map = {max_pairs: 9 keys: {string: {max_len: 9}}}];",
        "message Inner { Inner inner = 1; google.protobuf.FieldMask mask = 2; }",
    ),
    "a bounded list": shop(
        method(POLICY.replace('"name"', '"inners.name"')),
        "repeated Inner inners = 1 [(buf.validate.field).repeated.max_items = 9];",
        f"message Inner {{ {NAME} }}",
    ),
    "a stream": shop(
        method(POLICY.replace("timeout: {seconds: 5}", ""), "", rpc="rpc WatchThings(Request) returns (stream Thing)")
    ),
    "an operation": shop(
        method(
            http='option (google.api.http) = {post: "/v1/{name=orgs/*/things/*}:build"};'
            'option (google.longrunning.operation_info) = {response_type: "Thing" metadata_type: "google.protobuf.Empty"};',
            rpc="rpc BuildThing(Request) returns (google.longrunning.Operation)",
        )
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepts(case: str, compile_proto: Callable[[str], FileDescriptorSet]) -> None:
    assert list(map(str, policy_lint.lint(compile_proto(ACCEPTED[case])))) == []


def test_our_contracts_pass(released: FileDescriptorSet) -> None:
    assert list(map(str, policy_lint.lint(released))) == []


def test_command_says_what_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], compile_proto: Callable[[str], FileDescriptorSet]
) -> None:
    path = tmp_path / "set.binpb"
    path.write_bytes(compile_proto(shop(method())).SerializeToString())
    assert policy_lint.main(path) == 0
    path.write_bytes(compile_proto(CASES["policy_missing"]).SerializeToString())
    assert policy_lint.main(path) == 1
    assert "trustmesh.shop.v1.ThingService.GetThing: no policy" in capsys.readouterr().err
