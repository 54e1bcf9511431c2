"""The rate limit service, put together."""

from __future__ import annotations

import secrets
import time
from functools import partial

from envoy.service.ratelimit.v3 import rls_pb2

from trustmesh.options.v1 import policy_pb2
from trustmesh.ratelimit.v1 import limit_service_pb2
from trustmesh_chassis.service import Application, ForeignService, Runtime, ServiceDefinition
from trustmesh_chassis.storage.paging import PageTokens
from trustmesh_ratelimit.memory import MemoryCounters
from trustmesh_ratelimit.ports import Counters
from trustmesh_ratelimit.rates import parse_rates
from trustmesh_ratelimit.servicer import LimitServicer, RateLimitServicer
from trustmesh_ratelimit.settings import RateLimitSettings
from trustmesh_ratelimit.table import Table, follow

GATEWAY_ONLY = policy_pb2.MethodPolicy(
    mesh=policy_pb2.Mesh(callers=["gateway"]),
    rate_class=policy_pb2.RATE_CLASS_READ,
    timeout={"seconds": 1},
    audit=policy_pb2.AUDIT_CLASS_NONE,
)


async def build(settings: RateLimitSettings, runtime: Runtime) -> Application:
    table = Table(parse_rates(settings.classes))
    counters = _counters(settings)
    return Application(
        servicers=[
            (
                limit_service_pb2.DESCRIPTOR.services_by_name["LimitService"],
                LimitServicer(table, PageTokens(secrets.token_bytes(32))),
            )
        ],
        foreign=[
            ForeignService(
                rls_pb2.DESCRIPTOR.services_by_name["RateLimitService"],
                RateLimitServicer(table, counters),
                {"ShouldRateLimit": GATEWAY_ONLY},
            )
        ],
        background=[partial(follow, table, runtime.configuration)],
        checks={"counters": counters.check},
        close=counters.close,
    )


def _counters(settings: RateLimitSettings) -> Counters:
    url = settings.redis_url.get_secret_value()
    if not url:
        return MemoryCounters(time.monotonic, settings.memory_buckets)
    from trustmesh_ratelimit.store import RedisCounters

    return RedisCounters(url)


SERVICE = ServiceDefinition(name="ratelimit", settings=RateLimitSettings, build=build)
