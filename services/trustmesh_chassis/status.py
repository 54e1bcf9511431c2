"""Turns a CallError into the google.rpc.Status that every transport sends (AIP-193)."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from trustmesh_chassis.errors import CallError, FieldViolation

DOMAIN = "trustmesh"

MAX_MESSAGE = 512
"""Characters of a status's message. It is sent twice, once percent-encoded."""
MAX_VIOLATIONS_TEXT = 2048
"""Characters of all field violations together. All of a status is trailing metadata, of which a peer takes 8 KiB."""

_DEFAULT_RETRY = {"SVC_001": 1.0, "RATE_001": 1.0}


def status_of(error: CallError, request_id: str) -> status_pb2.Status:
    """The status with one ErrorInfo, the request id and, where they help, BadRequest and RetryInfo."""
    details = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata={**error.metadata, "code": error.code}),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if error.fields:
        details.append(_bad_request(error.fields))
    retry_after = error.retry_after if error.retry_after is not None else _DEFAULT_RETRY.get(error.code)
    if retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(int(retry_after * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(code=error.status, message=_cut(error.message, MAX_MESSAGE), details=map(_packed, details))


def _bad_request(fields: Sequence[FieldViolation]) -> error_details_pb2.BadRequest:
    """As many violations as there is room for, the first one always: a field's path may hold a map's key of any length."""
    bad_request, room = error_details_pb2.BadRequest(), MAX_VIOLATIONS_TEXT
    for each in fields:
        path, description = _cut(each.field, MAX_MESSAGE), _cut(each.description, MAX_MESSAGE)
        room -= len(path) + len(description)
        if room < 0:
            break
        bad_request.field_violations.add(field=path, description=description)
    return bad_request


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _packed(detail: error_details_pb2.ErrorInfo) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed
