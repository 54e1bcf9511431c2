"""The rate limit service as its app.py builds it, asked over real mTLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from envoy.service.ratelimit.v3 import rls_pb2, rls_pb2_grpc

from trustmesh.ratelimit.v1 import limit_service_pb2
from trustmesh.ratelimit.v1.limit_service_pb2_grpc import LimitServiceStub
from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.service import Application, Runtime, utc_now
from trustmesh_chassis.testing.served import Served, served
from trustmesh_contract.contract import read_policy
from trustmesh_ratelimit.app import build
from trustmesh_ratelimit.settings import RateLimitSettings

OK, OVER = rls_pb2.RateLimitResponse.OK, rls_pb2.RateLimitResponse.OVER_LIMIT
SETTINGS = {"classes": {"READ": {"principal": "3/day"}}}


class Values:
    """Configuration as the registry keeps it."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}
        self._changed = asyncio.Event()

    def set(self, key: str, value: Any) -> None:
        self._state[key] = value
        self._changed.set()

    async def watch(self, prefix: str) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield {key: value for key, value in self._state.items() if key.startswith(prefix)}
            await self._changed.wait()
            self._changed.clear()


@asynccontextmanager
async def running(home: Path, values: Values, **settings: Any) -> AsyncIterator[tuple[Served, Application]]:
    own, absent = RateLimitSettings(home=home, **settings), cast(Any, None)
    application = await build(own, Runtime("ratelimit", own, utc_now, absent, cast(Any, values), absent))
    assert application.close is not None
    foreign = [
        (each.descriptor, each.servicer, {name: read_policy(name, policy) for name, policy in each.policies.items()})
        for each in application.foreign
    ]
    background = [asyncio.create_task(make()) for make in application.background]
    async with served(cast(Any, [*application.servicers, *foreign]), home / "certificates", "ratelimit") as service:
        yield service, application
    for task in background:
        task.cancel()
    await asyncio.wait(background)
    await application.close()


@pytest.fixture
def values() -> Values:
    return Values()


@pytest.fixture
async def service(tmp_path: Path, values: Values) -> AsyncIterator[Served]:
    async with running(tmp_path, values, **SETTINGS) as (made, application):
        await application.checks["counters"]()
        yield made


def request(principal: str = "demo.a") -> rls_pb2.RateLimitRequest:
    entries = [{"key": "class", "value": "READ"}, {"key": "principal", "value": principal}]
    return rls_pb2.RateLimitRequest(domain="trustmesh", descriptors=[{"entries": entries}])


def limiter(service: Served, peer: str = "gateway", token: str | None = None) -> Any:
    return rls_pb2_grpc.RateLimitServiceStub(service.channel(token, peer=peer))


async def test_gateway_is_answered(service: Served) -> None:
    codes = [(await limiter(service).ShouldRateLimit(request())).overall_code for _ in range(4)]
    assert codes == [OK, OK, OK, OVER]
    assert (await limiter(service).ShouldRateLimit(request("demo.b"))).overall_code == OK


async def test_other_services_are_refused_whatever_token_they_bring(service: Served) -> None:
    for token in (None, service.issuer.token(orgs=("platform",))):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await limiter(service, "kms", token).ShouldRateLimit(request())
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_configuration_changes_the_limits_of_a_running_service(service: Served, values: Values) -> None:
    values.set("ratelimit/classes", {"READ": {"principal": "5/day"}})
    limits: Any = LimitServiceStub(service.channel(service.issuer.token(orgs=("platform",))))
    async with asyncio.timeout(10):
        while (await limits.ListLimits(limit_service_pb2.ListLimitsRequest())).limits[0].requests != 5:
            await asyncio.sleep(0.005)
    codes = [(await limiter(service).ShouldRateLimit(request())).overall_code for _ in range(6)]
    assert codes == [OK] * 5 + [OVER]


async def test_limits_are_for_operators(service: Served) -> None:
    limits: Any = LimitServiceStub(service.channel(service.issuer.token(orgs=("demo",))))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await limits.ListLimits(limit_service_pb2.ListLimitsRequest())
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_without_redis_the_service_is_not_ready_and_says_unavailable(tmp_path: Path, values: Values) -> None:
    async with running(tmp_path, values, redis_url="redis://127.0.0.1:1", **SETTINGS) as (service, application):
        with pytest.raises(Unavailable):
            await application.checks["counters"]()
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await limiter(service).ShouldRateLimit(request())
        assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
