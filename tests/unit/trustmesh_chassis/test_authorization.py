"""Who may call what: every answer of the policy step by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trustmesh_chassis.authorization import compile_authorization, compile_resources, demand_org
from trustmesh_chassis.errors import (
    CallError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    StepUpRequired,
    Unauthenticated,
)
from trustmesh_contract.contract import Assurance, MeshAccess, PublicAccess

Make = Callable[..., Any]


@pytest.fixture
def decide(method: Make, call: Make, permission: Make, principal: Make, request_type: Any) -> Make:
    """Run the policy step; the call as it left it, or the exception."""

    def run(access: Any = None, *, who: Any = None, request: Any = None, **call_changes: Any) -> Any:
        def verify(unverified: str) -> Any:
            if unverified != "good":
                raise Unauthenticated("refused")
            return who or principal()

        policy = method(access or permission())
        made = call(method=policy, **call_changes)
        message = request_type(name="orgs/demo/pets/a") if request is None else request
        compile_authorization(policy, request_type.DESCRIPTOR, verify)(made, message)
        return made

    return run


def test_a_permission_on_the_own_organisation_is_enough(decide: Make) -> None:
    call = decide()
    assert call.principal.subject == "c1"
    assert call.org == "demo"
    assert call.resources == ("orgs/demo/pets/a",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"unverified_authorization": None}, Unauthenticated, id="no token"),
        pytest.param({"unverified_authorization": "Bearer bad"}, Unauthenticated, id="bad token"),
        pytest.param({"unverified_authorization": "Basic good"}, Unauthenticated, id="other scheme"),
        pytest.param({"unverified_authorization": "Bearer"}, Unauthenticated, id="empty token"),
        pytest.param({"peer": None}, Unauthenticated, id="no certificate"),
        pytest.param({"peer": "petstore"}, PermissionDenied, id="unlisted service with a token"),
        pytest.param({"peer": "petstore", "unverified_authorization": None}, PermissionDenied, id="unlisted service"),
    ],
)
def test_a_permission_method_refuses(decide: Make, changes: dict[str, Any], expected: type[CallError]) -> None:
    with pytest.raises(expected):
        decide(**changes)


def test_a_listed_caller_needs_no_token_and_is_bound_to_the_resource(decide: Make, permission: Make) -> None:
    call = decide(permission(callers=frozenset({"petstore"})), peer="petstore", unverified_authorization=None)
    assert call.principal is None
    assert call.org == "demo"


def test_a_listed_callers_token_is_not_looked_at(decide: Make, permission: Make) -> None:
    call = decide(permission(callers=frozenset({"petstore"})), peer="petstore", unverified_authorization="Bearer bad")
    assert call.principal is None


def test_a_forwarder_acts_with_its_principals_token(decide: Make, permission: Make) -> None:
    access = permission(forwarders=frozenset({"petstore"}))
    assert decide(access, peer="petstore").principal.subject == "c1"
    with pytest.raises(PermissionDenied):
        decide(access, peer="petstore", unverified_authorization=None)


def test_the_permission_is_named_when_it_is_missing(decide: Make, principal: Make) -> None:
    with pytest.raises(PermissionDenied) as denied:
        decide(who=principal(scopes=frozenset({"kms.*"})))
    assert denied.value.metadata == {"permission": "shop.pets.get"}


def test_weak_authentication_is_told_to_step_up(decide: Make, permission: Make, principal: Make) -> None:
    access = permission(assurance=Assurance.MULTI_FACTOR)
    with pytest.raises(StepUpRequired, match="multi_factor"):
        decide(access)
    assert decide(access, who=principal(assurance=2)).org == "demo"


def test_another_organisations_resource_does_not_exist(decide: Make, request_type: Any) -> None:
    with pytest.raises(NotFound, match="orgs/other/pets/a does not exist"):
        decide(request=request_type(name="orgs/other/pets/a"))


@pytest.mark.parametrize("name", ["", "pets/a", "orgs/Demo/pets/a", "orgs/", "orgs/demo\n/pets/a", "xorgs/demo/pets/a"])
def test_a_resource_without_organisation_is_invalid(decide: Make, request_type: Any, name: str) -> None:
    call = decide(request=request_type(name=name))
    assert call.org is None
    with pytest.raises(InvalidArgument) as refused:
        demand_org(call.method, call)
    assert refused.value.fields[0].field == "name"


def test_a_name_of_any_length_is_not_taken_along(decide: Make, request_type: Any) -> None:
    with pytest.raises(InvalidArgument, match="name: is longer than 1024") as refused:
        decide(request=request_type(name="orgs/other/pets/" + "a" * 1024))
    assert len(refused.value.message) < 100


def test_demand_org_passes_with_an_organisation_and_for_others(decide: Make, call: Make, method: Make) -> None:
    made = decide()
    demand_org(made.method, made)
    public = method(PublicAccess("why"))
    demand_org(public, call(method=public))


def test_a_batch_may_address_one_organisation_only(decide: Make, permission: Make, principal: Make, request_type: Any) -> None:
    access = permission(resource_field="requests.name")
    both = principal(orgs=frozenset({"demo", "other"}))
    mixed = request_type(requests=[{"name": "orgs/demo/pets/a"}, {"name": "orgs/other/pets/b"}])
    with pytest.raises(InvalidArgument, match="several organisations"):
        decide(access, who=both, request=mixed)
    with pytest.raises(NotFound, match="orgs/other/pets/b"):
        decide(access, request=mixed)
    unnamed = request_type(requests=[{"name": "orgs/demo/pets/a"}, {"name": ""}])
    with pytest.raises(InvalidArgument):
        decide(access, request=unnamed)
    assert decide(access, request=request_type()).org is None


def test_platform_methods_are_for_the_platforms_operators(decide: Make, permission: Make, principal: Make) -> None:
    access = permission(resource_field="")
    with pytest.raises(PermissionDenied, match="platform"):
        decide(access)
    assert decide(access, who=principal(orgs=frozenset({"platform"}))).org is None
    listed = permission(resource_field="", callers=frozenset({"authz"}))
    assert decide(listed, peer="authz", unverified_authorization=None).principal is None


def test_mesh_methods_ask_for_the_services_certificate(decide: Make) -> None:
    access = MeshAccess(frozenset({"petstore"}))
    assert decide(access, peer="petstore").principal is None
    assert decide(MeshAccess(frozenset({"*"})), peer="anyone").org is None
    with pytest.raises(PermissionDenied):
        decide(access, peer="gateway")
    with pytest.raises(Unauthenticated):
        decide(access, peer=None)


def test_public_methods_ask_for_nothing(decide: Make) -> None:
    assert decide(PublicAccess("why"), peer=None, unverified_authorization=None).principal is None


def test_resource_paths_reach_into_messages_and_lists(request_type: Any) -> None:
    message = request_type(name="n", pet={"name": "p"}, requests=[{"name": "a"}, {"name": "b"}])
    read = {path: compile_resources(request_type.DESCRIPTOR, path)(message) for path in ("name", "pet.name", "requests.name")}
    assert read == {"name": ["n"], "pet.name": ["p"], "requests.name": ["a", "b"]}


@pytest.mark.parametrize("path", ["nope", "pet.nope", "name.deeper"])
def test_a_resource_path_that_leads_nowhere_does_not_build(request_type: Any, path: str) -> None:
    with pytest.raises(ValueError, match=path):
        compile_resources(request_type.DESCRIPTOR, path)
