from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh.options.v1 import policy_pb2
from trustmesh_contract.contract import (
    Assurance,
    Audience,
    AuditClass,
    ContractError,
    HttpBinding,
    Idempotency,
    MeshAccess,
    PermissionAccess,
    PublicAccess,
    RateClass,
    read_contract,
    read_policy,
)

Compile = Callable[[str], FileDescriptorSet]

SHOP = """
service ThingService {
  option (trustmesh.options.v1.service_policy) = {
    http_mounts: {path: "/things/" methods: "GET" why: "Shown to all." rate_class: RATE_CLASS_READ cross_origin: true}
  };
  rpc GetThing(Thing) returns (Thing) {
    option (google.api.http) = {get: "/v1/{name=things/*}" additional_bindings {delete: "/v1/x"}};
    option idempotency_level = NO_SIDE_EFFECTS;
    option (trustmesh.options.v1.policy) = {
      permission: {name: "shop.things.get" resource_field: "name" assurance: ASSURANCE_MULTI_FACTOR callers: "kms"
                   audiences: AUDIENCE_BROWSER}
      rate_class: RATE_CLASS_READ timeout: {seconds: 2} audit: AUDIT_CLASS_DENIALS reasons: "GONE"};
  }
  rpc Watch(stream Thing) returns (stream Thing) {
    option idempotency_level = IDEMPOTENT;
    option (trustmesh.options.v1.policy) = {
      mesh: {callers: "gateway"} rate_class: RATE_CLASS_EXPENSIVE audit: AUDIT_CLASS_NONE};
  }
  rpc Show(Thing) returns (Thing) {
    option (trustmesh.options.v1.policy) = {
      public: {why: "On show."} rate_class: RATE_CLASS_READ timeout: {seconds: 2} audit: AUDIT_CLASS_NONE};
  }
}
message Thing { string name = 1; }
"""


def test_reads_methods_policies_and_bindings(compile_proto: Compile) -> None:
    contract = read_contract(compile_proto(SHOP))
    get, watch, show = contract
    assert get.path == "/trustmesh.shop.v1.ThingService/GetThing"
    assert get.full_name == "trustmesh.shop.v1.ThingService.GetThing"
    assert get.input_type == "trustmesh.shop.v1.Thing"
    assert get.bindings == (HttpBinding("GET", "/v1/{name=things/*}", ""), HttpBinding("DELETE", "/v1/x", ""))
    access = get.policy.access
    assert isinstance(access, PermissionAccess)
    assert (access.permission, access.resource_field, access.assurance) == ("shop.things.get", "name", Assurance.MULTI_FACTOR)
    assert (access.callers, access.audiences) == (frozenset({"kms"}), frozenset({Audience.BROWSER}))
    assert (get.policy.timeout, get.policy.audit, get.policy.reasons) == (2.0, AuditClass.DENIALS, frozenset({"GONE"}))
    assert get.idempotency is Idempotency.NO_SIDE_EFFECTS
    assert watch.policy.access == MeshAccess(frozenset({"gateway"}))
    assert watch.policy.timeout is None
    assert show.policy.access == PublicAccess("On show.")
    assert [method.retriable for method in contract] == [True, False, False]
    assert [method.visible_to(Audience.SERVICE) for method in contract] == [False, False, True]
    assert get.visible_to(Audience.BROWSER)


def test_reads_mounts(compile_proto: Compile) -> None:
    (mount,) = read_contract(compile_proto(SHOP).file).mounts
    assert (mount.full_service, mount.path, mount.methods) == ("trustmesh.shop.v1.ThingService", "/things/", frozenset({"GET"}))
    assert (mount.why, mount.rate_class, mount.cross_origin) == ("Shown to all.", RateClass.READ, True)


def test_mesh_admits_the_named_or_all() -> None:
    assert MeshAccess(frozenset({"kms"})).admits("kms")
    assert not MeshAccess(frozenset({"kms"})).admits("pki")
    assert MeshAccess(frozenset({"*"})).admits("pki")


def test_method_without_policy_is_refused(compile_proto: Compile) -> None:
    files = compile_proto("service S { rpc Get(M) returns (M); } message M {}")
    with pytest.raises(ContractError, match=r"trustmesh\.shop\.v1\.S\.Get: no policy"):
        read_contract(files)


def test_custom_verb_is_refused(compile_proto: Compile) -> None:
    source = SHOP.replace('{delete: "/v1/x"}', '{custom: {kind: "HEAD" path: "/v1/x"}}')
    with pytest.raises(ContractError, match="no standard verb"):
        read_contract(compile_proto(source))


def test_policy_without_access_is_refused() -> None:
    with pytest.raises(ContractError, match="says not who may call"):
        read_policy("x", policy_pb2.MethodPolicy(rate_class=policy_pb2.RATE_CLASS_READ))


def test_policy_without_classes_is_refused() -> None:
    with pytest.raises(ContractError, match="incomplete"):
        read_policy("x", policy_pb2.MethodPolicy(public=policy_pb2.Public(why="y")))
