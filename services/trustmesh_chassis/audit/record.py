"""What the audit trail keeps of one call."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from trustmesh_chassis.call import Call
from trustmesh_chassis.redaction import Redact
from trustmesh_contract.contract import AuditClass

Compose = Callable[[Call, Message | None, str, str], bytes]


def composer(service: str, clock: Callable[[], datetime], redact: Redact) -> Compose:
    """A function `(call, request, outcome, reason) -> record` that composes one JSON line in UTF-8.

    `outcome` is "OK" or the name of a status code, `reason` ErrorInfo's reason or "". The request is part of the record only
    where the method's policy says REQUEST.
    """

    def compose(call: Call, request: Message | None, outcome: str, reason: str) -> bytes:
        principal = call.principal
        record: dict[str, Any] = {
            "id": uuid7(),
            "time": clock().isoformat(timespec="milliseconds"),
            "service": service,
            "method": call.method.full_name,
            "request_id": call.request_id,
            "trace_id": call.trace_id,
            "peer": call.peer,
            "subject": None if principal is None else principal.subject,
            "client_id": None if principal is None else principal.client_id,
            "org": call.org,
            "resources": call.resources,
            "outcome": outcome,
        }
        if reason:
            record["reason"] = reason
        if request is not None and call.method.policy.audit is AuditClass.REQUEST:
            record["request"] = redact(request)
        return json.dumps(record, separators=(",", ":")).encode()

    return compose


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
