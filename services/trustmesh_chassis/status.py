"""Turns a CallError into the google.rpc.Status that every transport sends (AIP-193)."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from trustmesh_chassis.errors import CallError

DOMAIN = "trustmesh"

_DEFAULT_RETRY = {"SVC_001": 1.0, "RATE_001": 1.0}


def status_of(error: CallError, request_id: str) -> status_pb2.Status:
    """The status with one ErrorInfo, the request id and, where they help, BadRequest and RetryInfo."""
    details = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata={**error.metadata, "code": error.code}),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=each.field, description=each.description) for each in error.fields
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    retry_after = error.retry_after if error.retry_after is not None else _DEFAULT_RETRY.get(error.code)
    if retry_after is not None:
        delay = Duration()
        delay.FromNanoseconds(int(retry_after * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(code=error.status, message=error.message, details=map(_packed, details))


def _packed(detail: error_details_pb2.ErrorInfo) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed
