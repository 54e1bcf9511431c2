"""Errors that a call may end with. One class, one gRPC status, one code of the catalogue (trustmesh.common.v1.ErrorCode).

A service derives its own from these; the class name is the reason on the wire: `KeyDisabled` answers `KEY_DISABLED`. The text
reaches the caller, so it says what is wrong and the mend, and holds nothing secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class StatusCode(IntEnum):
    """The canonical status codes (google.rpc.Code)."""

    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field; `field` is its path in the request, for example "pet.name"."""

    field: str
    description: str


class CallError(Exception):
    """A call ended without its result. Derive from one of the classes below, never from this one."""

    status: ClassVar[StatusCode]
    code: ClassVar[str]
    reason: ClassVar[str]
    shared: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        fields: tuple[FieldViolation, ...] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`metadata` joins ErrorInfo; `retry_after` is in seconds and becomes RetryInfo."""
        super().__init__(message)
        self.message = message
        self.fields = fields
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def __init_subclass__(cls, shared: bool = False) -> None:
        """`shared` marks a reason that every method may answer with, so no policy declares it."""
        super().__init_subclass__()
        cls.reason = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).upper()
        cls.shared = shared


class Unauthenticated(CallError, shared=True):
    status, code = StatusCode.UNAUTHENTICATED, "AUTH_001"


class PermissionDenied(CallError, shared=True):
    status, code = StatusCode.PERMISSION_DENIED, "AUTH_002"


class StepUpRequired(CallError, shared=True):
    status, code = StatusCode.PERMISSION_DENIED, "AUTH_003"


class Unavailable(CallError, shared=True):
    status, code = StatusCode.UNAVAILABLE, "SVC_001"


class DeadlineExceeded(CallError, shared=True):
    status, code = StatusCode.DEADLINE_EXCEEDED, "SVC_002"


class Cancelled(CallError, shared=True):
    status, code = StatusCode.CANCELLED, "SVC_003"


class Unimplemented(CallError):
    status, code = StatusCode.UNIMPLEMENTED, "SVC_004"


class ResourceExhausted(CallError, shared=True):
    status, code = StatusCode.RESOURCE_EXHAUSTED, "RATE_001"


class InvalidArgument(CallError, shared=True):
    status, code = StatusCode.INVALID_ARGUMENT, "VAL_001"


class OutOfRange(CallError):
    status, code = StatusCode.OUT_OF_RANGE, "VAL_002"


class NotFound(CallError, shared=True):
    status, code = StatusCode.NOT_FOUND, "RES_001"


class AlreadyExists(CallError):
    status, code = StatusCode.ALREADY_EXISTS, "RES_002"


class FailedPrecondition(CallError):
    status, code = StatusCode.FAILED_PRECONDITION, "RES_003"


class Aborted(CallError):
    status, code = StatusCode.ABORTED, "RES_004"


class Internal(CallError, shared=True):
    status, code = StatusCode.INTERNAL, "INT_001"


class DataLoss(CallError):
    status, code = StatusCode.DATA_LOSS, "INT_002"
