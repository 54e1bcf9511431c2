"""What the audit trail keeps of one call."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted

from google.protobuf.message import Message

from trustmesh_chassis.call import Call
from trustmesh_chassis.redaction import Redact
from trustmesh_contract.contract import AuditClass

Compose = Callable[[Call, Message | None, str, str], bytes]


def composer(service: str, clock: Callable[[], datetime], redact: Redact) -> Compose:
    """A function `(call, request, outcome, reason) -> record` that composes one JSON line in UTF-8.

    `outcome` is "OK" or the name of a status code, `reason` ErrorInfo's reason or "". The request is part of the record only
    where the method's policy says REQUEST. The line is put together by hand: every audited call pays for it.
    """
    own = quoted(service)

    def compose(call: Call, request: Message | None, outcome: str, reason: str) -> bytes:
        principal = call.principal
        record = (
            f'{{"id":"{uuid7()}","time":"{clock().isoformat(timespec="milliseconds")}","service":{own}'
            f',"method":{quoted(call.method.full_name)},"request_id":{quoted(call.request_id)},"trace_id":{quoted(call.trace_id)}'
            f',"peer":{_quoted_or_null(call.peer)}'
            f',"subject":{"null" if principal is None else quoted(principal.subject)}'
            f',"client_id":{"null" if principal is None else quoted(principal.client_id)}'
            f',"org":{_quoted_or_null(call.org)},"resources":[{",".join(map(quoted, call.resources))}]'
            f',"outcome":{quoted(outcome)}'
        )
        if reason:
            record += f',"reason":{quoted(reason)}'
        if request is not None and call.method.policy.audit is AuditClass.REQUEST:
            record += f',"request":{json.dumps(redact(request), separators=(",", ":"))}'
        return (record + "}").encode()

    return compose


def _quoted_or_null(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
