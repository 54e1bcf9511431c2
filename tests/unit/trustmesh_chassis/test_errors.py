"""The error classes agree with the contract's catalogue, and their status carries what clients need."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from trustmesh.common.v1 import error_pb2
from trustmesh.options.v1 import catalogue_pb2
from trustmesh_chassis import errors
from trustmesh_chassis.errors import CallError, FieldViolation
from trustmesh_chassis.status import status_of

CLASSES = [each for each in CallError.__subclasses__() if each.__module__ == errors.__name__]
ENTRIES = [
    value.GetOptions().Extensions[catalogue_pb2.catalogue] for value in error_pb2.ErrorCode.DESCRIPTOR.values if value.number != 0
]


def details(error: CallError) -> dict[str, Message]:
    """The status's details by message name."""
    found: dict[str, Message] = {}
    for packed in status_of(error, "r1").details:
        message = getattr(error_details_pb2, packed.TypeName().rpartition(".")[2])()
        assert packed.Unpack(message)
        found[type(message).__name__] = message
    return found


def test_every_class_is_an_entry_of_the_catalogue_and_the_reverse() -> None:
    assert {(each.code, each.status.name) for each in CLASSES} == {(entry.code, entry.status) for entry in ENTRIES}


def test_a_derived_error_has_its_own_reason_and_must_be_declared() -> None:
    class HTTPKeyDisabled(errors.FailedPrecondition):
        pass

    assert HTTPKeyDisabled.reason == "HTTPKEY_DISABLED"
    assert not HTTPKeyDisabled.shared
    assert errors.Unauthenticated.shared


@pytest.mark.parametrize("error", [each("what is wrong") for each in CLASSES], ids=lambda each: type(each).__name__)
def test_every_status_has_one_error_info_and_the_request_id(error: CallError) -> None:
    shown = details(error)
    assert isinstance(shown["ErrorInfo"], error_details_pb2.ErrorInfo)
    assert (shown["ErrorInfo"].domain, shown["ErrorInfo"].metadata["code"]) == ("trustmesh", error.code)
    assert shown["RequestInfo"] == error_details_pb2.RequestInfo(request_id="r1")


def test_fields_and_delays_are_told() -> None:
    invalid = details(errors.InvalidArgument("x", fields=(FieldViolation("pet.name", "is too long"),), metadata={"k": "v"}))
    assert isinstance(invalid["BadRequest"], error_details_pb2.BadRequest)
    assert invalid["BadRequest"].field_violations[0].field == "pet.name"
    assert "RetryInfo" not in invalid
    limited = details(errors.ResourceExhausted("x", retry_after=2.5))["RetryInfo"]
    assert isinstance(limited, error_details_pb2.RetryInfo)
    assert limited.retry_delay.ToNanoseconds() == 2_500_000_000
    assert "RetryInfo" in details(errors.Unavailable("x"))


def test_a_status_fits_into_trailing_metadata() -> None:
    fields = tuple(FieldViolation(f"labels[{'k' * 10_000}]", "is too long") for _ in range(32))
    status = status_of(errors.InvalidArgument("x" * 10_000, fields=fields), "r1")
    assert len(status.message) == 512
    assert status.ByteSize() < 4096
    bad_request = details(errors.InvalidArgument("x", fields=fields))["BadRequest"]
    assert isinstance(bad_request, error_details_pb2.BadRequest)
    assert bad_request.field_violations[0].field.startswith("labels[kkk")
