"""The gRPC services: convert, call, convert."""

from __future__ import annotations

from envoy.service.ratelimit.v3 import rls_pb2

from trustmesh.ratelimit.v1 import limit_service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage.paging import PageTokens, page_size
from trustmesh_ratelimit import convert
from trustmesh_ratelimit.operations import decide
from trustmesh_ratelimit.ports import Counters
from trustmesh_ratelimit.table import Table

DOMAIN = "trustmesh"


class RateLimitServicer:
    """envoy.service.ratelimit.v3.RateLimitService; descriptors of other domains pass."""

    def __init__(self, table: Table, counters: Counters) -> None:
        self._table = table
        self._counters = counters

    async def ShouldRateLimit(self, request: rls_pb2.RateLimitRequest, call: Call) -> rls_pb2.RateLimitResponse:
        rates = self._table.rates if request.domain == DOMAIN else {}
        decisions = await decide(convert.descriptors(request), rates=rates, counters=self._counters)
        return convert.response(decisions)


class LimitServicer:
    """trustmesh.ratelimit.v1.LimitService."""

    def __init__(self, table: Table, page_tokens: PageTokens) -> None:
        self._table = table
        self._page_tokens = page_tokens

    async def ListLimits(self, request: limit_service_pb2.ListLimitsRequest, call: Call) -> limit_service_pb2.ListLimitsResponse:
        position = self._page_tokens.read(request.page_token, "ListLimits")
        start = int(str(position[0])) if position else 0
        end = start + page_size(request.page_size)
        limits = [convert.limit(*key, rate) for key, rate in sorted(self._table.rates.items())]
        return limit_service_pb2.ListLimitsResponse(
            limits=limits[start:end],
            next_page_token=self._page_tokens.issue((end,), "ListLimits") if end < len(limits) else "",
        )
