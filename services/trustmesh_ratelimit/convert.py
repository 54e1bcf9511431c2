"""Protobuf to domain and back."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from envoy.config.core.v3.base_pb2 import HeaderValue
from envoy.service.ratelimit.v3 import rls_pb2
from google.protobuf.duration_pb2 import Duration

from trustmesh.ratelimit.v1 import limit_pb2
from trustmesh_contract.contract import RateClass
from trustmesh_ratelimit.operations import Decision
from trustmesh_ratelimit.rates import CountedBy, Entry, Rate

_Response = rls_pb2.RateLimitResponse
_UNITS = {
    1: _Response.RateLimit.SECOND,
    60: _Response.RateLimit.MINUTE,
    3600: _Response.RateLimit.HOUR,
    86_400: _Response.RateLimit.DAY,
}
_COUNTED_BY = {
    CountedBy.PRINCIPAL: limit_pb2.COUNTED_BY_PRINCIPAL,
    CountedBy.ORGANISATION: limit_pb2.COUNTED_BY_ORGANIZATION,
    CountedBy.ADDRESS: limit_pb2.COUNTED_BY_ADDRESS,
}


def descriptors(request: rls_pb2.RateLimitRequest) -> list[tuple[list[Entry], int]]:
    """Entries and cost of each descriptor; a cost of its own goes before the request's, which is 1 when it is left out."""
    cost = request.hits_addend or 1
    return [
        (
            [(entry.key, entry.value) for entry in each.entries],
            each.hits_addend.value if each.HasField("hits_addend") else cost,
        )
        for each in request.descriptors
    ]


def response(decisions: Sequence[Decision]) -> rls_pb2.RateLimitResponse:
    """Envoy makes the ratelimit headers of the statuses; Retry-After is ours."""
    answer = _Response(overall_code=_Response.OK, statuses=map(_status, decisions))
    for decision in decisions:
        if decision.count is not None and not decision.passed:
            answer.overall_code = _Response.OVER_LIMIT
            wait = max(1, ceil(decision.count.reset_after))
            answer.response_headers_to_add.append(HeaderValue(key="retry-after", value=str(wait)))
    return answer


def limit(rate_class: RateClass, counted_by: CountedBy, rate: Rate) -> limit_pb2.Limit:
    return limit_pb2.Limit(
        rate_class=rate_class.value,
        counted_by=_COUNTED_BY[counted_by],
        requests=rate.requests,
        window=Duration(seconds=rate.seconds),
    )


def _status(decision: Decision) -> rls_pb2.RateLimitResponse.DescriptorStatus:
    rate, count = decision.rate, decision.count
    if rate is None or count is None:
        return _Response.DescriptorStatus(code=_Response.OK)
    return _Response.DescriptorStatus(
        code=_Response.OK if count.passed else _Response.OVER_LIMIT,
        current_limit=_Response.RateLimit(requests_per_unit=rate.requests, unit=_UNITS[rate.seconds]),
        limit_remaining=count.remaining,
        duration_until_reset=Duration(seconds=ceil(count.reset_after)),
    )
