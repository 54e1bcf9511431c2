"""A small contract, built by hand, on which the chassis is tested without any product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from trustmesh_chassis.call import Call
from trustmesh_chassis.tokens import Principal
from trustmesh_contract.contract import (
    Access,
    Assurance,
    AuditClass,
    Idempotency,
    Method,
    PermissionAccess,
    Policy,
    RateClass,
)

STRING, BYTES, MESSAGE = 9, 12, 11
OPTIONAL, REPEATED = 1, 3


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="chassis_test.proto", package="chassis.test", syntax="proto3")
    pet = file.message_type.add(name="Pet")
    pet.field.add(name="name", number=1, type=STRING, label=OPTIONAL)
    secret = pet.field.add(name="secret", number=2, type=STRING, label=OPTIONAL)
    secret.options.debug_redact = True
    request = file.message_type.add(name="Request")
    request.field.add(name="name", number=1, type=STRING, label=OPTIONAL)
    request.field.add(name="pet", number=2, type=MESSAGE, label=OPTIONAL, type_name=".chassis.test.Pet")
    request.field.add(name="requests", number=3, type=MESSAGE, label=REPEATED, type_name=".chassis.test.Pet")
    keys = request.field.add(name="keys", number=4, type=BYTES, label=REPEATED)
    keys.options.debug_redact = True
    entry = request.nested_type.add(name="ByNameEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=STRING, label=OPTIONAL)
    entry.field.add(name="value", number=2, type=MESSAGE, label=OPTIONAL, type_name=".chassis.test.Pet")
    request.field.add(name="by_name", number=5, type=MESSAGE, label=REPEATED, type_name=".chassis.test.Request.ByNameEntry")
    labels = request.nested_type.add(name="LabelsEntry")
    labels.options.map_entry = True
    labels.field.add(name="key", number=1, type=STRING, label=OPTIONAL)
    labels.field.add(name="value", number=2, type=STRING, label=OPTIONAL)
    request.field.add(name="labels", number=6, type=MESSAGE, label=REPEATED, type_name=".chassis.test.Request.LabelsEntry")
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())
Request: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("chassis.test.Request"))
Pet: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("chassis.test.Pet"))


@pytest.fixture
def request_type() -> type[Message]:
    """The request: name, pet{name, secret}, requests[] of pets, keys (redacted), by_name, labels."""
    message: type[Message] = Request
    return message


@pytest.fixture
def permission() -> Callable[..., PermissionAccess]:
    """Access by "shop.pets.get" on the request's name, with what a test changes."""

    def make(**changes: Any) -> PermissionAccess:
        access = PermissionAccess("shop.pets.get", "name", Assurance.NONE, frozenset(), frozenset(), frozenset())
        return replace(access, **changes)

    return make


@pytest.fixture
def method(permission: Callable[..., PermissionAccess]) -> Callable[..., Method]:
    """A method with the given access, audit class and timeout."""

    def make(
        access: Access | None = None,
        *,
        audit: AuditClass = AuditClass.NONE,
        timeout: float | None = 5.0,
        reasons: tuple[str, ...] = (),
    ) -> Method:
        return Method(
            package="trustmesh.shop.v1",
            service="PetService",
            name="GetPet",
            input_type="chassis.test.Request",
            output_type="chassis.test.Pet",
            client_streaming=False,
            server_streaming=False,
            idempotency=Idempotency.NO_SIDE_EFFECTS,
            policy=Policy(access or permission(), RateClass.READ, timeout, audit, frozenset(reasons)),
            bindings=(),
        )

    return make


@pytest.fixture
def call(method: Callable[..., Method]) -> Callable[..., Call]:
    """A call by the gateway with the token "Bearer good", with what a test changes."""

    def make(**changes: Any) -> Call:
        values: dict[str, Any] = {
            "method": method(),
            "request_id": "request-1",
            "trace_id": "0" * 31 + "1",
            "peer": "gateway",
            "deadline": None,
            "unverified_authorization": "Bearer good",
        }
        return Call(**{**values, **changes})

    return make


@pytest.fixture
def principal() -> Callable[..., Principal]:
    """A client of the organisation demo that may do everything in the shop."""

    def make(**changes: Any) -> Principal:
        values: dict[str, Any] = {
            "subject": "c1",
            "client_id": "c1",
            "orgs": frozenset({"demo"}),
            "scopes": frozenset({"shop.*"}),
            "assurance": 1,
            "token_id": "t1",
            "expires": 2_000_000_000,
        }
        return Principal(**{**values, **changes})

    return make


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """Noon of a fixed day."""
    return lambda: datetime(2026, 1, 2, 12, tzinfo=UTC)
