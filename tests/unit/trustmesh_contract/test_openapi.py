from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from openapi_spec_validator import validate

from trustmesh_contract.contract import read_contract
from trustmesh_contract.descriptors import Types
from trustmesh_contract.openapi import concrete_path, openapi

SHOP = """
// Things. More of them.
service ThingService {
  // Makes a thing. It costs.
  rpc CreateThing(CreateThingRequest) returns (Thing) {
    option (google.api.http) = {post: "/v1/{parent=orgs/*}/things" body: "thing"
      additional_bindings {post: "/v1/things/{parent}" body: "*"}};
    option (trustmesh.options.v1.policy) = {
      permission: {name: "shop.things.create" resource_field: "parent" assurance: ASSURANCE_MULTI_FACTOR
                   audiences: AUDIENCE_SERVICE}
      rate_class: RATE_CLASS_WRITE timeout: {nanos: 500000000} audit: AUDIT_CLASS_REQUEST reasons: "THING_EXISTS"};
  }
  // Watches things.
  rpc WatchThings(WatchThingsRequest) returns (stream Thing) {
    option (google.api.http) = {get: "/v1/things:watch"};
    option idempotency_level = NO_SIDE_EFFECTS;
    option (trustmesh.options.v1.policy) = {
      public: {why: "They are on show."} rate_class: RATE_CLASS_READ audit: AUDIT_CLASS_NONE};
  }
  // Inner matters.
  rpc Sync(WatchThingsRequest) returns (google.protobuf.Empty) {
    option (trustmesh.options.v1.policy) = {
      mesh: {callers: "*"} rate_class: RATE_CLASS_READ timeout: {seconds: 1} audit: AUDIT_CLASS_NONE};
  }
}
// A thing.
message Thing {
  option (google.api.resource) = {type: "shop.trustmesh/Thing" pattern: "orgs/{org}/things/{thing}"};
  // Its name.
  string name = 1 [(google.api.field_behavior) = OUTPUT_ONLY];
  string title = 2 [(google.api.field_behavior) = REQUIRED, (buf.validate.field).string = {min_len: 1 max_len: 9 pattern: "^a"}];
  string id = 3 [(buf.validate.field).string.uuid = true, (google.api.field_behavior) = IMMUTABLE];
  string color = 4 [(buf.validate.field).string = {in: ["red", "blue"]}];
  bytes data = 5 [(buf.validate.field).bytes.max_len = 10, debug_redact = true];
  bool on = 6 [deprecated = true];
  int32 size = 7 [(buf.validate.field).int32 = {gte: 1 lt: 9}];
  uint32 count = 8;
  int64 total = 9 [(buf.validate.field).int64.lte = 5];
  uint64 more = 10;
  double weight = 11 [(buf.validate.field).double.gt = 0];
  Kind kind = 12;
  repeated string tags = 13 [(buf.validate.field).repeated = {max_items: 3 unique: true items: {string: {max_len: 4}}}];
  map<string, Thing> parts = 14 [(buf.validate.field).map.max_pairs = 2];
  google.protobuf.Timestamp create_time = 15;
  google.protobuf.Struct free = 16 [(google.api.field_behavior) = INPUT_ONLY];
  google.protobuf.Any any = 17 [(buf.validate.field).required = true];
}
// A kind.
enum Kind {
  // None.
  KIND_UNSPECIFIED = 0;
  // Big.
  KIND_BIG = 1;
}
message CreateThingRequest { string parent = 1; Thing thing = 2; string thing_id = 3; }
message WatchThingsRequest { repeated string tags = 1; Thing like = 2; google.protobuf.Duration every = 3; }
"""


@pytest.fixture
def document(compile_proto: Callable[[str], FileDescriptorSet]) -> dict[str, Any]:
    files = compile_proto(SHOP)
    return openapi(Types(files), read_contract(files), "v1")


def test_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_lists_what_the_gateway_shows_and_nothing_else(document: dict[str, Any]) -> None:
    assert list(document["paths"]) == [
        "/service/v1/orgs/{org}/things",
        "/service/v1/things/{parent}",
        "/service/v1/things:watch",
    ]
    assert document["tags"] == [{"name": "trustmesh.shop.v1.ThingService", "description": "Things. More of them."}]


def test_operation_says_its_policy(document: dict[str, Any]) -> None:
    operation = document["paths"]["/service/v1/orgs/{org}/things"]["post"]
    assert operation["operationId"] == "shop.ThingService.CreateThing"
    assert operation["summary"] == "Makes a thing."
    assert operation["security"] == [{"oauth2": ["shop.things.create"]}]
    assert operation["x-permission"] == "shop.things.create"
    assert operation["x-assurance"] == "MULTI_FACTOR"
    assert operation["x-timeout-seconds"] == 0.5
    assert operation["x-reasons"] == ["THING_EXISTS"]
    assert "x-browser-path" not in operation
    assert [(each["name"], each["in"]) for each in operation["parameters"]] == [("org", "path"), ("thingId", "query")]
    schemes = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert schemes["scopes"] == {"shop.things.create": "Makes a thing."}


def test_body_of_all_leaves_out_what_the_path_says(document: dict[str, Any]) -> None:
    operation = document["paths"]["/service/v1/things/{parent}"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert operation["operationId"] == "shop.ThingService.CreateThing.1"
    assert set(schema["properties"]) == {"thing", "thingId"}


def test_public_stream_is_a_list_without_security(document: dict[str, Any]) -> None:
    operation = document["paths"]["/service/v1/things:watch"]["get"]
    assert operation["security"] == []
    assert operation["x-browser-path"] == "/browser/v1/things:watch"
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "array"
    assert [each["name"] for each in operation["parameters"]] == ["tags", "every"]


def test_schema_holds_types_bounds_and_behaviours(document: dict[str, Any]) -> None:
    thing = document["components"]["schemas"]["trustmesh.shop.v1.Thing"]
    fields = thing["properties"]
    assert thing["required"] == ["title", "any"]
    assert fields["name"] == {"type": "string", "description": "Its name.", "readOnly": True}
    assert fields["title"] == {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a"}
    assert fields["id"] == {"type": "string", "format": "uuid", "x-immutable": True}
    assert fields["color"]["enum"] == ["red", "blue"]
    assert fields["data"] == {"type": "string", "contentEncoding": "base64", "maxLength": 16, "x-sensitive": True}
    assert fields["on"] == {"type": "boolean", "deprecated": True}
    assert fields["size"] == {"type": "integer", "format": "int32", "minimum": 1, "exclusiveMaximum": 9}
    assert fields["count"]["minimum"] == 0
    assert fields["total"] == {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$", "x-maximum": 5}
    assert fields["more"]["pattern"] == "^[0-9]+$"
    assert fields["weight"] == {"type": "number", "format": "double", "exclusiveMinimum": 0}
    assert fields["tags"] == {
        "type": "array",
        "items": {"type": "string", "maxLength": 4},
        "maxItems": 3,
        "uniqueItems": True,
    }
    assert fields["parts"]["additionalProperties"] == {"$ref": "#/components/schemas/trustmesh.shop.v1.Thing"}
    assert fields["createTime"]["format"] == "date-time"
    assert fields["free"]["writeOnly"] is True


def test_enum_describes_its_values(document: dict[str, Any]) -> None:
    kind = document["components"]["schemas"]["trustmesh.shop.v1.Kind"]
    assert kind["enum"] == ["KIND_UNSPECIFIED", "KIND_BIG"]
    assert "- `KIND_BIG`: Big." in kind["description"]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/v1/{name=orgs/*/pets/*}:sell", "/v1/orgs/{org}/pets/{pet}:sell"),
        ("/v1/{name=orgs/*/cats/*}", "/v1/orgs/{org}/cats/{cat}"),
        ("/v1/{id}", "/v1/{id}"),
        ("/v1/{id=**}", "/v1/{id}"),
        ("/v1/{name=seal}:unseal", "/v1/seal:unseal"),
    ],
)
def test_concrete_path(template: str, path: str) -> None:
    assert concrete_path(template, ["orgs/{org}/pets/{pet}"])[0] == path


def test_ours_is_valid(released: FileDescriptorSet) -> None:
    validate(openapi(Types(released), read_contract(released), "v1"))
