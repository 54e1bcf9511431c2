import json
from base64 import b64encode
from types import SimpleNamespace
from typing import Any, cast

import pytest
from envoy.extensions.common.ratelimit.v3.ratelimit_pb2 import RateLimitDescriptor
from envoy.service.ratelimit.v3 import rls_pb2
from google.protobuf.wrappers_pb2 import UInt64Value

from trustmesh.options.v1 import policy_pb2
from trustmesh.ratelimit.v1 import limit_pb2, limit_service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import InvalidPageToken, PageTokens
from trustmesh_ratelimit.memory import MemoryCounters
from trustmesh_ratelimit.rates import parse_rates
from trustmesh_ratelimit.servicer import LimitServicer, RateLimitServicer
from trustmesh_ratelimit.table import Table

OK, OVER = rls_pb2.RateLimitResponse.OK, rls_pb2.RateLimitResponse.OVER_LIMIT
TABLE = {"READ": {"principal": "2/minute", "organisation": "3/minute", "address": "4/minute"}, "WRITE": {"address": "100/hour"}}
CALL = cast(Call, SimpleNamespace())


def descriptor(kind: str, value: str, class_name: str = "READ", **fields: Any) -> RateLimitDescriptor:
    entries = [{"key": "class", "value": class_name}, {"key": kind, "value": value}]
    return RateLimitDescriptor(entries=entries, **fields)


def of(principal: str, org: str = "demo", address: str = "192.0.2.1/32") -> list[RateLimitDescriptor]:
    """The descriptors of a call as the gateway sends them."""
    orgs = b64encode(json.dumps([org]).encode()).decode()
    return [descriptor("principal", principal), descriptor("organisations", orgs), descriptor("masked_remote_address", address)]


class Service:
    def __init__(self) -> None:
        self.table = Table(parse_rates(TABLE))
        self.servicer = RateLimitServicer(self.table, MemoryCounters(lambda: 60_000.0, 1000))

    async def ask(self, descriptors: list[RateLimitDescriptor], **fields: Any) -> rls_pb2.RateLimitResponse:
        request = rls_pb2.RateLimitRequest(**({"domain": "trustmesh", "descriptors": descriptors} | fields))
        return await self.servicer.ShouldRateLimit(request, CALL)


@pytest.fixture
def service() -> Service:
    return Service()


async def test_answers_a_status_for_each_descriptor(service: Service) -> None:
    answer = await service.ask(of("demo.a"))
    assert answer.overall_code == OK and not answer.response_headers_to_add
    assert [(status.code, status.limit_remaining) for status in answer.statuses] == [(OK, 1), (OK, 2), (OK, 3)]
    principal = answer.statuses[0]
    assert (principal.current_limit.requests_per_unit, principal.current_limit.unit) == (
        2,
        rls_pb2.RateLimitResponse.RateLimit.MINUTE,
    )
    assert principal.duration_until_reset.seconds == 60


async def test_over_limit_says_when_to_come_back(service: Service) -> None:
    for _ in range(2):
        await service.ask(of("demo.a"))
    answer = await service.ask(of("demo.a"))
    assert answer.overall_code == OVER and [status.code for status in answer.statuses] == [OVER, OK, OK]
    assert [(header.key, header.value) for header in answer.response_headers_to_add] == [("retry-after", "60")]


async def test_who_is_refused_takes_nothing_from_the_others(service: Service) -> None:
    for _ in range(50):
        await service.ask(of("demo.noisy"))
    assert (await service.ask(of("demo.quiet"))).overall_code == OK


async def test_organisation_is_limited_whoever_calls(service: Service) -> None:
    for number in range(3):
        assert (await service.ask(of(f"demo.{number}", address=f"192.0.2.{number}/32"))).overall_code == OK
    answer = await service.ask(of("demo.9", address="192.0.2.9/32"))
    assert answer.overall_code == OVER and [status.code for status in answer.statuses] == [OK, OVER, OK]
    assert (await service.ask(of("other.9", org="other", address="192.0.2.9/32"))).overall_code == OK


async def test_ipv6_network_is_one_caller(service: Service) -> None:
    for number in range(4):
        assert (await service.ask([descriptor("masked_remote_address", f"2001:db8:0:1::{number}")])).overall_code == OK
    assert (await service.ask([descriptor("masked_remote_address", "2001:db8:0:1::/64")])).overall_code == OVER
    assert (await service.ask([descriptor("masked_remote_address", "2001:db8:0:2::/64")])).overall_code == OK


@pytest.mark.parametrize("busy", ["demo", "other"])
async def test_a_token_of_several_organisations_shows_the_tightest(service: Service, busy: str) -> None:
    for _ in range(2):
        await service.ask(of("demo.busy", org=busy, address="192.0.2.9/32"))
    both = [descriptor("organisations", b64encode(b'["demo", "other"]').decode())]
    assert (await service.ask(both)).statuses[0].limit_remaining == 0
    assert (await service.ask(both)).overall_code == OVER


async def test_hits_addend_of_the_request_and_of_a_descriptor(service: Service) -> None:
    assert (await service.ask([descriptor("principal", "a")], hits_addend=2)).overall_code == OK
    assert (await service.ask([descriptor("principal", "a")])).overall_code == OVER
    own = descriptor("principal", "b", hits_addend=UInt64Value(value=3))
    assert (await service.ask([own], hits_addend=1)).overall_code == OVER
    free = descriptor("principal", "c", hits_addend=UInt64Value(value=0))
    answers = [await service.ask([free]) for _ in range(9)]
    assert all(answer.overall_code == OK for answer in answers) and answers[-1].statuses[0].limit_remaining == 2


@pytest.mark.parametrize(
    ("descriptors", "fields"),
    [
        ([], {}),
        ([descriptor("principal", "a", "UNKNOWN")], {}),
        (of("demo.a"), {"domain": "elsewhere"}),
        ([RateLimitDescriptor()], {}),
    ],
)
async def test_what_no_limit_speaks_of_passes(
    service: Service, descriptors: list[RateLimitDescriptor], fields: dict[str, Any]
) -> None:
    for _ in range(10):
        answer = await service.ask(descriptors, **fields)
    assert answer.overall_code == OK and len(answer.statuses) == len(descriptors)
    assert not any(status.HasField("current_limit") for status in answer.statuses)


async def test_limits_change_without_a_restart(service: Service) -> None:
    service.table.use({"READ": {"principal": "100/minute", "organisation": "100/minute", "address": "100/minute"}})
    for _ in range(100):
        assert (await service.ask(of("demo.a"))).overall_code == OK
    service.table.use(None)
    assert (await service.ask(of("demo.a"))).overall_code == OVER


async def test_list_limits_pages() -> None:
    servicer = LimitServicer(Table(parse_rates(TABLE)), PageTokens(bytes(32)))
    everything = await servicer.ListLimits(limit_service_pb2.ListLimitsRequest(), CALL)
    assert len(everything.limits) == 4 and everything.next_page_token == ""
    last = everything.limits[-1]
    assert (last.rate_class, last.counted_by) == (policy_pb2.RATE_CLASS_WRITE, limit_pb2.COUNTED_BY_ADDRESS)
    assert (last.requests, last.window.seconds) == (100, 3600)
    first = await servicer.ListLimits(limit_service_pb2.ListLimitsRequest(page_size=3), CALL)
    rest = await servicer.ListLimits(limit_service_pb2.ListLimitsRequest(page_size=3, page_token=first.next_page_token), CALL)
    assert [*first.limits, *rest.limits] == list(everything.limits) and rest.next_page_token == ""
    with pytest.raises(InvalidPageToken):
        await servicer.ListLimits(limit_service_pb2.ListLimitsRequest(page_token="AAAA"), CALL)
