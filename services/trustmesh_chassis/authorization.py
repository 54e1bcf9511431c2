"""Decides whether a call may happen: the method's policy, compiled once into one function of the call.

The order of the answers is the contract's: no credential (UNAUTHENTICATED), a service that is not listed or a permission that
the token lacks (PERMISSION_DENIED), another tenant's resource (NOT_FOUND, as if it did not exist).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from trustmesh_chassis.call import Call
from trustmesh_chassis.errors import (
    FieldViolation,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    StepUpRequired,
    Unauthenticated,
)
from trustmesh_chassis.tokens import Principal
from trustmesh_contract.contract import Assurance, MeshAccess, Method, PermissionAccess, PublicAccess

GATEWAY = "gateway"
PLATFORM = "platform"

MAX_NAME = 1024
"""Characters of a resource's name. Names are told to the caller and kept by the audit trail before they are validated."""

Authorize = Callable[[Call, Message | None], None]
Verify = Callable[[str], Principal]

_ORG = re.compile(r"orgs/([a-z][a-z0-9-]{0,62})(?=/|\Z)")


def compile_authorization(method: Method, request: Descriptor, verify: Verify) -> Authorize:
    """Compile `method`'s policy. The function sets the call's principal, resources and org, or raises.

    `verify` turns an unverified access token into the principal it proves, or raises Unauthenticated.
    """
    access = method.policy.access
    if isinstance(access, PublicAccess):
        return _public
    if isinstance(access, MeshAccess):
        return _mesh(method, access)
    return _permission(method, access, compile_resources(request, access.resource_field), verify)


def _public(call: Call, request: Message | None) -> None:
    return None


def _mesh(method: Method, access: MeshAccess) -> Authorize:
    def authorize(call: Call, request: Message | None) -> None:
        if call.peer is None:
            raise Unauthenticated(f"{method.full_name} is for services of the mesh; present a certificate of the mesh")
        if not access.admits(call.peer):
            raise PermissionDenied(f"service {call.peer} may not call {method.full_name}", metadata={"service": call.peer})

    return authorize


def _permission(
    method: Method, access: PermissionAccess, resources_of: Callable[[Message], list[str]], verify: Verify
) -> Authorize:
    forwarders = access.forwarders | {GATEWAY}
    platform = not access.resource_field

    def principal_of(call: Call) -> Principal | None:
        peer, authorization = call.peer, call.unverified_authorization
        if peer is None:
            raise Unauthenticated(f"{method.full_name} is for callers inside the mesh; present a certificate of the mesh")
        if authorization is not None and peer in forwarders:
            return verify(_bearer(authorization))
        if peer in access.callers:
            return None
        if peer == GATEWAY:
            raise Unauthenticated("the call carries no access token; send it as 'authorization: Bearer <token>'")
        raise PermissionDenied(f"service {peer} may not call {method.full_name}", metadata={"service": peer})

    def authorize(call: Call, request: Message | None) -> None:
        principal = call.principal = principal_of(call)
        if principal is not None:
            _demand(principal, access)
        if platform:
            if principal is not None and not principal.acts_in(PLATFORM):
                raise PermissionDenied(f"{method.full_name} is for operators: the token must act in the organisation 'platform'")
            return
        names = tuple(resources_of(request)) if request is not None else ()
        if any(len(name) > MAX_NAME for name in names):
            raise _refuse_field(access.resource_field, f"is longer than {MAX_NAME} characters")
        call.resources = names
        for name in names:
            org = _org_of(name)
            if org is not None and principal is not None and not principal.acts_in(org):
                raise NotFound(f"{name} does not exist")
        orgs = {_org_of(name) for name in names}
        if len(orgs) > 1:
            raise _refuse_field(access.resource_field, "the resources belong to several organisations; send one call for each")
        call.org = orgs.pop() if orgs else None

    return authorize


def demand_org(method: Method, call: Call) -> None:
    """After validation: a tenant's method must by now know its tenant.

    Raises InvalidArgument when the resource's name has no organisation, whatever the field's own rules let pass.
    """
    access = method.policy.access
    if isinstance(access, PermissionAccess) and access.resource_field and call.org is None:
        raise _refuse_field(access.resource_field, "must name a resource as orgs/<org>/...")


def compile_resources(request: Descriptor, path: str) -> Callable[[Message], list[str]]:
    """A function that reads the resource names at `path` ("name", "pet.name", "requests.name") out of a request.

    Raises ValueError when the path does not lead to a string.
    """
    steps: list[tuple[str, bool]] = []
    descriptor: Descriptor | None = request
    for part in path.split(".") if path else ():
        field = None if descriptor is None else descriptor.fields_by_name.get(part)
        if field is None:
            raise ValueError(f"{request.full_name} has no field {path!r}")
        steps.append((part, field.is_repeated))
        descriptor = field.message_type

    if len(steps) == 1 and not steps[0][1]:
        name = steps[0][0]
        return lambda message: [getattr(message, name)]

    def read(message: Message) -> list[str]:
        values = [message]
        for name, repeated in steps:
            values = [v for each in values for v in (getattr(each, name) if repeated else (getattr(each, name),))]
        return values  # type: ignore[return-value]  # the last step's field is a string, checked above

    return read


def _demand(principal: Principal, access: PermissionAccess) -> None:
    if not principal.may(access.permission):
        raise PermissionDenied(f"the token lacks the permission {access.permission}", metadata={"permission": access.permission})
    if access.assurance > principal.assurance:
        needed = Assurance(access.assurance).name.lower()
        raise StepUpRequired(f"authenticate again with {needed} strength", metadata={"assurance": needed})


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the authorization header is not of the form 'Bearer <token>'")
    return token


def _org_of(name: str) -> str | None:
    match = _ORG.match(name)
    return match.group(1) if match else None


def _refuse_field(field: str, description: str) -> InvalidArgument:
    return InvalidArgument(f"{field}: {description}", fields=(FieldViolation(field, description),))
