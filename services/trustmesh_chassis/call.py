"""One call on its way through the pipeline, and the one that this task serves."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from trustmesh_chassis.tokens import Principal
from trustmesh_contract.contract import Method


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a transport knows of a call before anyone has judged it.

    `metadata` has lower-case keys. `peer` is the calling service's name out of its verified SPIFFE certificate, None on a
    listener that asks for no certificate. `time_remaining` is the caller's deadline in seconds from now, None without one.
    """

    metadata: Mapping[str, str]
    peer: str | None
    time_remaining: float | None


@dataclass(slots=True)
class Call:
    """A call as the servicer sees it: authenticated, authorised, validated.

    `principal` is None where a service calls on nobody's behalf. `org` is the organisation of the addressed resource, None
    for methods of the platform. `deadline` is on the event loop's clock, None for a stream without end.
    """

    method: Method
    request_id: str
    trace_id: str
    peer: str | None
    deadline: float | None
    unverified_authorization: str | None
    traceparent: str | None = None
    principal: Principal | None = None
    org: str | None = None
    resources: tuple[str, ...] = ()
    pending_audit: bytes | None = None

    def take_pending_audit(self) -> bytes | None:
        """Hand over the audit record of this call, once: whoever takes it writes it durably."""
        record, self.pending_audit = self.pending_audit, None
        return record


current: ContextVar[Call | None] = ContextVar("trustmesh_call", default=None)


def take_pending_audit() -> bytes | None:
    """The audit record that the running transaction is to write with its changes, if the current call has one left."""
    call = current.get()
    return None if call is None else call.take_pending_audit()
