"""What happens to every call, whatever transport it came by: deadline, telemetry, errors, identity, policy, validation, audit.

At start-up each method of the contract is compiled, with its policy and validator, into one coroutine; a transport only adapts
to it. The pipeline never lets an exception through as it is: what leaves is a response or a CallFailed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from trustmesh_chassis.audit.record import Compose
from trustmesh_chassis.authorization import Authorize, Verify, compile_authorization, demand_org
from trustmesh_chassis.call import Call, Incoming, current
from trustmesh_chassis.errors import CallError, Cancelled, DeadlineExceeded, Internal, StatusCode, Unavailable
from trustmesh_chassis.status import status_of
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.validation import Validate
from trustmesh_contract.contract import AuditClass, Method

log = logging.getLogger(__name__)

Unary = Callable[[Incoming, Message], Awaitable[Message]]
Streaming = Callable[[Incoming, Message], AsyncIterator[Message]]
Bidirectional = Callable[[Incoming, AsyncIterator[Message]], AsyncIterator[Message]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class CallFailed(Exception):
    """The call ended with `status` instead of a response."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


@dataclass(frozen=True)
class Pipeline:
    """The steps that do not depend on the method.

    `append` makes an audit record durable before it returns, or raises Unavailable. `undeclared` collects what a test must
    not find: (method, reason) pairs that a call answered with and its policy does not declare.
    """

    verify: Verify
    validate: Validate
    compose: Compose
    append: Callable[[bytes], Awaitable[None]]
    metrics: Metrics
    undeclared: set[tuple[str, str]] = field(default_factory=set)

    def unary(self, method: Method, request: Descriptor, handler: Callable[[Any, Call], Awaitable[Any]]) -> Unary:
        """Compile a method with one request and one response."""
        authorize = compile_authorization(method, request, self.verify)
        validate, compose, append = self.validate, self.compose, self.append
        counters = self.metrics.method(method.full_name)
        audited = method.policy.audit >= AuditClass.OUTCOME

        async def serve(incoming: Incoming, message: Message) -> Message:
            call = _begin(method, incoming)
            counters.in_flight += 1
            started, outcome = perf_counter(), "OK"
            judged = None
            try:
                async with asyncio.timeout_at(call.deadline):
                    authorize(call, message)
                    validate(message)
                    demand_org(method, call)
                    judged = message
                    if audited:
                        call.pending_audit = compose(call, message, "OK", "")
                    response: Message = await handler(message, call)
                    if call.pending_audit is not None:
                        await append(call.pending_audit)
                    return response
            except BaseException as problem:
                error = _classified(problem, call)
                outcome = error.status.name
                raise await self._failure(call, judged, error, problem) from None
            finally:
                counters.in_flight -= 1
                counters.observe(outcome, perf_counter() - started)

        return serve

    def server_streaming(
        self, method: Method, request: Descriptor, handler: Callable[[Any, Call], AsyncIterator[Any]]
    ) -> Streaming:
        """Compile a method with one request and a stream of responses; its audit record is durable before the first of them."""

        async def admit(call: Call, message: Message, authorize: Authorize) -> AsyncIterator[Message]:
            authorize(call, message)
            self.validate(message)
            demand_org(method, call)
            if method.policy.audit >= AuditClass.OUTCOME:
                await self.append(self.compose(call, message, "OK", ""))
            return handler(message, call)

        streaming: Streaming = self._streaming(method, request, admit)
        return streaming

    def bidirectional(
        self, method: Method, request: Descriptor, handler: Callable[[AsyncIterator[Any], Call], AsyncIterator[Any]]
    ) -> Bidirectional:
        """Compile a method with streams both ways. Each request is validated as it comes; the policy must not depend on one.

        Raises ValueError for a policy with a resource field.
        """
        if getattr(method.policy.access, "resource_field", ""):
            raise ValueError(f"{method.full_name}: a stream of requests has no single resource; leave resource_field empty")

        async def admit(call: Call, messages: AsyncIterator[Message], authorize: Authorize) -> AsyncIterator[Message]:
            authorize(call, None)
            return handler(self._validated(messages), call)

        bidirectional: Bidirectional = self._streaming(method, request, admit)
        return bidirectional

    def _streaming(self, method: Method, request: Descriptor, admit: Callable[..., Awaitable[AsyncIterator[Message]]]) -> Any:
        authorize = compile_authorization(method, request, self.verify)
        counters = self.metrics.method(method.full_name)

        async def serve(incoming: Incoming, message: Any) -> AsyncIterator[Message]:
            call = _begin(method, incoming)
            counters.in_flight += 1
            started, outcome = perf_counter(), "OK"
            try:
                async with asyncio.timeout_at(call.deadline):
                    async for response in await admit(call, message, authorize):
                        yield response
            except GeneratorExit:
                outcome = StatusCode.CANCELLED.name
                raise
            except BaseException as problem:
                error = _classified(problem, call)
                outcome = error.status.name
                raise await self._failure(call, None, error, problem) from None
            finally:
                counters.in_flight -= 1
                counters.observe(outcome, perf_counter() - started)

        return serve

    async def _validated(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for message in messages:
            self.validate(message)
            yield message

    async def _failure(self, call: Call, message: Message | None, error: CallError, problem: BaseException) -> BaseException:
        """Log and record a call that failed; what to raise in its place.

        `message` is the request once it was validated: the trail keeps none that may be of any size and make.
        """
        if isinstance(problem, asyncio.CancelledError):
            return problem
        if isinstance(error, Internal):
            log.error("call failed unexpectedly", exc_info=problem)
        elif not error.shared and error.reason not in call.method.policy.reasons:
            self.undeclared.add((call.method.full_name, error.reason))
            log.error("call answered with a reason that its policy does not declare", extra={"reason": error.reason})
        if _recorded(call, error):
            try:
                await self.append(self.compose(call, message, error.status.name, error.reason))
            except Unavailable as unavailable:
                log.error("audit record could not be written", exc_info=unavailable)
                error = unavailable
        return CallFailed(status_of(error, call.request_id))


_DENIALS = frozenset({StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED, StatusCode.NOT_FOUND})


def _recorded(call: Call, error: CallError) -> bool:
    audit = call.method.policy.audit
    if audit is AuditClass.DENIALS:
        return error.status in _DENIALS
    return audit >= AuditClass.OUTCOME


def _begin(method: Method, incoming: Incoming) -> Call:
    metadata = incoming.metadata
    request_id, traceparent = metadata.get("x-request-id"), metadata.get("traceparent")
    trace = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    fresh = os.urandom(16).hex()  # names whatever the caller left unnamed: the request, the trace, or both
    if request_id is None or not _REQUEST_ID.fullmatch(request_id):
        request_id = fresh
    timeout, remaining = method.policy.timeout, incoming.time_remaining
    if timeout is None or (remaining is not None and remaining < timeout):
        timeout = remaining
    call = Call(
        method=method,
        request_id=request_id,
        trace_id=trace[1] if trace else fresh,
        peer=incoming.peer,
        deadline=None if timeout is None else asyncio.get_running_loop().time() + timeout,
        unverified_authorization=metadata.get("authorization"),
        traceparent=traceparent if trace else None,
    )
    current.set(call)
    return call


def _classified(problem: BaseException, call: Call) -> CallError:
    if isinstance(problem, CallError):
        return problem
    if isinstance(problem, TimeoutError) and call.deadline is not None and asyncio.get_running_loop().time() >= call.deadline:
        return DeadlineExceeded("the call took longer than its deadline or the method's timeout allows")
    if isinstance(problem, asyncio.CancelledError):
        return Cancelled("the caller went away")
    return Internal("an unexpected error occurred; give the operator the request id")
