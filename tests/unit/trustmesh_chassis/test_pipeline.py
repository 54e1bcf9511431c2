"""Every step of the pipeline, in its order, for each shape of call."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from google.rpc import error_details_pb2

from trustmesh_chassis.audit.record import composer
from trustmesh_chassis.call import Call, Incoming, current, take_pending_audit
from trustmesh_chassis.errors import (
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    StatusCode,
    Unauthenticated,
    Unavailable,
)
from trustmesh_chassis.pipeline import CallFailed, Pipeline
from trustmesh_chassis.redaction import redactor
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_contract.contract import AuditClass, MeshAccess

Make = Callable[..., Any]
INCOMING = Incoming({"authorization": "Bearer good", "x-request-id": "request-1"}, "gateway", None)


class OutOfStock(FailedPrecondition):
    """A reason of the test's own."""


class Spool:
    """Keeps records in memory; fails while `broken`."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.broken = False

    async def append(self, record: bytes) -> None:
        if self.broken:
            raise Unavailable("disk full")
        self.lines.append(record)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def spool() -> Spool:
    return Spool()


@pytest.fixture
def pipeline(spool: Spool, principal: Make, clock: Make) -> Pipeline:
    def verify(unverified: str) -> Any:
        if unverified != "good":
            raise Unauthenticated("the access token is refused")
        return principal()

    def validate(message: Any) -> None:
        if message.name.endswith("bad"):
            raise InvalidArgument("name: is bad", fields=(FieldViolation("name", "is bad"),))

    return Pipeline(verify, validate, composer("shop", clock, redactor(b"k")), spool.append, Metrics("shop"))


@pytest.fixture
def unary(pipeline: Pipeline, method: Make, request_type: Any) -> Make:
    """Serve one call with `handler` and return its response."""

    async def run(handler: Any, *, name: str = "orgs/demo/pets/a", incoming: Incoming = INCOMING, **policy: Any) -> Any:
        serve = pipeline.unary(method(**policy), request_type.DESCRIPTOR, handler)
        return await serve(incoming, request_type(name=name))

    return run


async def answer(request: Any, call: Call) -> Any:
    """A servicer method that returns its request."""
    return request


def info(failed: CallFailed) -> error_details_pb2.ErrorInfo:
    found = error_details_pb2.ErrorInfo()
    assert failed.status.details[0].Unpack(found)
    return found


def code(failed: CallFailed) -> StatusCode:
    return StatusCode(failed.status.code)


async def test_a_call_reaches_the_servicer_as_the_pipeline_judged_it(unary: Make) -> None:
    seen: list[Call] = []

    async def handler(request: Any, call: Call) -> Any:
        assert current.get() is call
        seen.append(call)
        return request

    assert (await unary(handler)).name == "orgs/demo/pets/a"
    call = seen[0]
    assert (call.org, call.peer, call.request_id) == ("demo", "gateway", "request-1")
    assert call.principal is not None


async def test_the_trace_and_request_id_are_taken_over_only_when_well_formed(unary: Make) -> None:
    seen: list[Call] = []

    async def handler(request: Any, call: Call) -> Any:
        seen.append(call)
        return request

    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    await unary(handler, incoming=Incoming({"authorization": "Bearer good", "traceparent": trace}, "gateway", None))
    await unary(
        handler, incoming=Incoming({"authorization": "Bearer good", "traceparent": "x", "x-request-id": "a b"}, "gateway", None)
    )
    assert (seen[0].trace_id, seen[0].traceparent) == ("ab" * 16, trace)
    assert seen[1].traceparent is None
    assert len(seen[1].trace_id) == 32
    assert len(seen[1].request_id) == 32


@pytest.mark.parametrize(
    ("incoming", "name", "expected", "catalogue"),
    [
        pytest.param(
            Incoming({}, "gateway", None), "orgs/demo/pets/bad", StatusCode.UNAUTHENTICATED, "AUTH_001", id="identity first"
        ),
        pytest.param(INCOMING, "orgs/other/pets/bad", StatusCode.NOT_FOUND, "RES_001", id="then the policy"),
        pytest.param(INCOMING, "orgs/demo/pets/bad", StatusCode.INVALID_ARGUMENT, "VAL_001", id="then validation"),
        pytest.param(INCOMING, "nowhere", StatusCode.INVALID_ARGUMENT, "VAL_001", id="then the organisation"),
    ],
)
async def test_steps_answer_in_order(unary: Make, incoming: Incoming, name: str, expected: StatusCode, catalogue: str) -> None:
    with pytest.raises(CallFailed) as failed:
        await unary(answer, incoming=incoming, name=name)
    assert code(failed.value) is expected
    assert info(failed.value).metadata["code"] == catalogue


async def test_a_services_own_error_keeps_its_reason(unary: Make, pipeline: Pipeline) -> None:
    async def handler(request: Any, call: Call) -> Any:
        raise OutOfStock("no more pets; order fewer")

    with pytest.raises(CallFailed, match="order fewer") as failed:
        await unary(handler, reasons=("OUT_OF_STOCK",))
    assert info(failed.value).reason == "OUT_OF_STOCK"
    assert not pipeline.undeclared


async def test_an_undeclared_reason_is_noticed(unary: Make, pipeline: Pipeline) -> None:
    async def handler(request: Any, call: Call) -> Any:
        raise OutOfStock("no more pets")

    with pytest.raises(CallFailed):
        await unary(handler)
    assert pipeline.undeclared == {("trustmesh.shop.v1.PetService.GetPet", "OUT_OF_STOCK")}


async def test_an_unexpected_exception_says_nothing_of_itself(unary: Make, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Any, call: Call) -> Any:
        raise RuntimeError("password=hunter2")

    with caplog.at_level(logging.ERROR), pytest.raises(CallFailed) as failed:
        await unary(handler)
    assert code(failed.value) is StatusCode.INTERNAL
    assert "hunter2" not in str(failed.value.status)
    assert "request-1" in str(failed.value.status)
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize(("timeout", "remaining"), [(0.01, None), (0.01, 60.0), (60.0, 0.01), (None, 0.01)])
async def test_the_shorter_of_deadline_and_policy_ends_a_call(
    unary: Make, timeout: float | None, remaining: float | None
) -> None:
    async def handler(request: Any, call: Call) -> Any:
        await asyncio.Event().wait()

    incoming = Incoming(INCOMING.metadata, "gateway", remaining)
    with pytest.raises(CallFailed) as failed:
        await unary(handler, incoming=incoming, timeout=timeout)
    assert code(failed.value) is StatusCode.DEADLINE_EXCEEDED


async def test_a_timeout_of_the_servicers_own_is_no_deadline(unary: Make) -> None:
    async def handler(request: Any, call: Call) -> Any:
        raise TimeoutError

    with pytest.raises(CallFailed) as failed:
        await unary(handler)
    assert code(failed.value) is StatusCode.INTERNAL


async def test_a_cancelled_call_stays_cancelled(unary: Make, pipeline: Pipeline) -> None:
    async def handler(request: Any, call: Call) -> Any:
        await asyncio.Event().wait()

    task = asyncio.create_task(unary(handler))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pipeline.metrics.method("trustmesh.shop.v1.PetService.GetPet").outcomes == {"CANCELLED": 1}


async def test_outcomes_and_durations_are_counted(unary: Make, pipeline: Pipeline) -> None:
    await unary(answer)
    with pytest.raises(CallFailed):
        await unary(answer, name="orgs/other/pets/a")
    counted = pipeline.metrics.method("trustmesh.shop.v1.PetService.GetPet")
    assert counted.outcomes == {"OK": 1, "NOT_FOUND": 1}
    assert sum(counted.buckets) == 2
    assert counted.in_flight == 0


async def test_an_audited_call_is_recorded_before_it_answers(unary: Make, spool: Spool) -> None:
    await unary(answer, audit=AuditClass.OUTCOME)
    record = spool.records[0]
    assert (record["outcome"], record["subject"], record["org"]) == ("OK", "c1", "demo")
    assert record["resources"] == ["orgs/demo/pets/a"]
    assert "request" not in record


async def test_a_record_that_a_transaction_took_is_not_written_twice(unary: Make, spool: Spool) -> None:
    taken: list[bytes | None] = []

    async def handler(request: Any, call: Call) -> Any:
        taken.extend((take_pending_audit(), take_pending_audit()))
        return request

    await unary(handler, audit=AuditClass.OUTCOME)
    assert spool.records == []
    assert json.loads(taken[0] or b"")["outcome"] == "OK"
    assert taken[1] is None


def test_outside_a_call_there_is_no_record_to_take() -> None:
    assert take_pending_audit() is None


async def test_no_record_no_answer(unary: Make, spool: Spool) -> None:
    spool.broken = True
    with pytest.raises(CallFailed) as failed:
        await unary(answer, audit=AuditClass.OUTCOME)
    assert code(failed.value) is StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("audit", "name", "recorded"),
    [
        (AuditClass.NONE, "orgs/other/pets/a", []),
        (AuditClass.DENIALS, "orgs/other/pets/a", ["NOT_FOUND"]),
        (AuditClass.DENIALS, "orgs/demo/pets/bad", []),
        (AuditClass.OUTCOME, "orgs/demo/pets/bad", ["INVALID_ARGUMENT"]),
    ],
)
async def test_failures_are_recorded_by_the_audit_class(
    unary: Make, spool: Spool, audit: AuditClass, name: str, recorded: list[str]
) -> None:
    with pytest.raises(CallFailed):
        await unary(answer, audit=audit, name=name)
    assert [record["outcome"] for record in spool.records] == recorded


async def test_the_request_is_recorded_redacted(unary: Make, spool: Spool) -> None:
    await unary(answer, audit=AuditClass.REQUEST)
    assert spool.records[0]["request"] == {"name": "orgs/demo/pets/a"}


async def test_a_request_that_is_refused_unread_is_not_recorded(unary: Make, spool: Spool) -> None:
    for name in ("orgs/other/pets/a", "orgs/demo/pets/bad"):
        with pytest.raises(CallFailed):
            await unary(answer, audit=AuditClass.REQUEST, name=name)
    assert [record["resources"] for record in spool.records] == [["orgs/other/pets/a"], ["orgs/demo/pets/bad"]]
    assert all("request" not in record for record in spool.records)


@pytest.fixture
def streaming(pipeline: Pipeline, method: Make, request_type: Any) -> Make:
    async def run(handler: Any, *, name: str = "orgs/demo/pets/a", **policy: Any) -> list[str]:
        serve: Any = pipeline.server_streaming(method(**policy), request_type.DESCRIPTOR, handler)
        return [each.name async for each in serve(INCOMING, request_type(name=name))]

    return run


async def twice(request: Any, call: Call) -> AsyncIterator[Any]:
    """A servicer method that streams its request two times."""
    yield request
    yield request


async def test_a_stream_is_judged_and_recorded_before_its_first_message(streaming: Make, spool: Spool) -> None:
    assert await streaming(twice, audit=AuditClass.OUTCOME) == ["orgs/demo/pets/a"] * 2
    assert [record["outcome"] for record in spool.records] == ["OK"]
    assert await streaming(twice) == ["orgs/demo/pets/a"] * 2


async def test_a_stream_that_fails_ends_with_its_status(streaming: Make, pipeline: Pipeline) -> None:
    async def handler(request: Any, call: Call) -> AsyncIterator[Any]:
        yield request
        raise NotFound("gone")

    with pytest.raises(CallFailed) as failed:
        await streaming(handler)
    assert code(failed.value) is StatusCode.NOT_FOUND
    with pytest.raises(CallFailed):
        await streaming(twice, name="orgs/other/pets/a")
    assert pipeline.metrics.method("trustmesh.shop.v1.PetService.GetPet").outcomes == {"NOT_FOUND": 2}


async def test_a_stream_that_nobody_reads_is_counted_as_cancelled(pipeline: Pipeline, method: Make, request_type: Any) -> None:
    serve = pipeline.server_streaming(method(), request_type.DESCRIPTOR, twice)
    stream: Any = serve(INCOMING, request_type(name="orgs/demo/pets/a"))
    await anext(stream)
    await stream.aclose()
    assert pipeline.metrics.method("trustmesh.shop.v1.PetService.GetPet").outcomes == {"CANCELLED": 1}


async def test_a_conversation_is_judged_once_and_each_request_validated(
    pipeline: Pipeline, method: Make, request_type: Any
) -> None:
    async def echo(requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        async for request in requests:
            yield request

    async def requests() -> AsyncIterator[Any]:
        yield request_type(name="one")
        yield request_type(name="bad")

    serve = pipeline.bidirectional(method(MeshAccess(frozenset({"gateway"}))), request_type.DESCRIPTOR, echo)
    stream: Any = serve(INCOMING, requests())
    assert (await anext(stream)).name == "one"
    with pytest.raises(CallFailed, match="is bad"):
        await anext(stream)


def test_a_conversation_has_no_single_resource(pipeline: Pipeline, method: Make, request_type: Any) -> None:
    with pytest.raises(ValueError, match="resource_field"):
        pipeline.bidirectional(method(), request_type.DESCRIPTOR, lambda requests, call: requests)
