"""What a call made on behalf of another carries along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio
import pytest

from trustmesh_chassis.call import Call, current
from trustmesh_chassis.clients import PropagateStream, PropagateUnary

Make = Callable[..., Any]


async def carried(call: Call | None, timeout: float | None = None) -> grpc.aio.ClientCallDetails:
    """The details with which the interceptor passes a call on."""
    seen: list[grpc.aio.ClientCallDetails] = []

    async def continuation(details: grpc.aio.ClientCallDetails, request: Any) -> None:
        seen.append(details)

    details = grpc.aio.ClientCallDetails("/s/m", timeout, None, None, None)
    token = current.set(call)
    await PropagateUnary().intercept_unary_unary(continuation, details, None)
    await PropagateStream().intercept_unary_stream(continuation, details, None)
    current.reset(token)
    assert seen[0] == seen[1] or call is not None
    return seen[0]


async def test_outside_a_call_nothing_is_added() -> None:
    assert (await carried(None)).metadata is None


async def test_the_principals_token_goes_along(call: Make, principal: Make) -> None:
    metadata = dict((await carried(call(principal=principal()))).metadata or ())
    assert metadata == {"x-request-id": "request-1", "authorization": "Bearer good"}


async def test_a_token_that_proved_nobody_stays_here(call: Make) -> None:
    metadata = dict((await carried(call(traceparent="00-ab-cd-01"))).metadata or ())
    assert metadata == {"x-request-id": "request-1", "traceparent": "00-ab-cd-01"}


@pytest.mark.parametrize(
    ("deadline", "timeout", "expected"), [(None, None, None), (None, 3.0, 3.0), (60.0, 3.0, 3.0), (2.0, None, 2.0)]
)
async def test_the_shorter_of_deadline_and_timeout_counts(
    call: Make, deadline: float | None, timeout: float | None, expected: float | None
) -> None:
    now = asyncio.get_running_loop().time()
    details = await carried(call(deadline=None if deadline is None else now + deadline), timeout)
    assert details.timeout == (None if expected is None else pytest.approx(expected, abs=0.5))
