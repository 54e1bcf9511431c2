"""Rate limits: the gateway's own bucket per class, and the ratelimit service's count per caller."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from envoy.service.ratelimit.v3 import rls_pb2, rls_pb2_grpc

from trustmesh_contract.contract import RateClass
from trustmesh_registry.gateway.mesh import Endpoint, RateLimit, RegisteredService

GET = "/service/v1/orgs/demo/things/one"
RAISE = "/service/v1/orgs/demo:raise"
PLENTY = RateLimit(10_000, 1)
LIMITS = dict.fromkeys(RateClass, PLENTY) | {RateClass.EXPENSIVE: RateLimit(2, 3600)}


class Limiter(rls_pb2_grpc.RateLimitServiceServicer):  # type: ignore[misc]  # generated code has no types
    """Envoy's RateLimitService: says what the test tells it, remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[rls_pb2.RateLimitRequest] = []
        self.code = rls_pb2.RateLimitResponse.OK
        self.stuck = threading.Event()
        self.stuck.set()

    def ShouldRateLimit(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.asked.append(request)
        self.stuck.wait(10)
        return rls_pb2.RateLimitResponse(overall_code=self.code)

    def descriptors(self) -> list[dict[str, str]]:
        return [{entry.key: entry.value for entry in each.entries} for each in self.asked[-1].descriptors]


@pytest.fixture(scope="module")
def limiter(world: Any, credentials_of: Any) -> Iterator[tuple[Limiter, RegisteredService]]:
    limiter = Limiter()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    rls_pb2_grpc.add_RateLimitServiceServicer_to_server(limiter, server)
    port = server.add_secure_port("127.0.0.1:0", credentials_of(world.authority.issue(world.directory / "limiter", "ratelimit")))
    server.start()
    yield limiter, RegisteredService("ratelimit", type(world.sample.files)(), (), (Endpoint("127.0.0.1", port),))
    limiter.stuck.set()
    server.stop(None).wait(5)


@pytest.fixture(scope="module")
def gateway(world: Any, limiter: tuple[Limiter, RegisteredService]) -> Iterator[Any]:
    with world.gateway(limiter[1], local_limits=LIMITS) as gateway:
        yield gateway


@pytest.fixture
def counting(limiter: tuple[Limiter, RegisteredService]) -> Iterator[Limiter]:
    service = limiter[0]
    service.code = rls_pb2.RateLimitResponse.OK
    service.stuck.set()
    service.asked.clear()
    yield service
    service.stuck.set()


def get(gateway: Any, path: str = GET, **claims: Any) -> Any:
    with gateway.http() as http:
        return http.get(path, headers=gateway.bearer(**claims))


def test_the_service_is_asked_by_class_principal_organisations_and_address(gateway: Any, counting: Limiter) -> None:
    assert get(gateway, sub="alice", orgs=("demo", "other")).status_code == 200
    by_principal, by_organisations, by_address = counting.descriptors()
    assert by_principal == {"class": "READ", "principal": "alice"}
    assert by_organisations.keys() == {"class", "organisations"}
    assert by_address == {"class": "READ", "masked_remote_address": "127.0.0.1/32"}
    assert counting.asked[-1].domain == "trustmesh"


def test_a_forwarded_address_or_another_path_is_the_same_caller(gateway: Any, counting: Limiter) -> None:
    get(gateway)
    expected = counting.descriptors()
    with gateway.http() as http:
        fields = {"X-Forwarded-For": "10.1.1.1", "x-real-ip": "10.1.1.1", "x-trustmesh-orgs": "x"}
        http.get("/service//v1/orgs/demo/things/one", headers=gateway.bearer() | fields)
    assert counting.descriptors() == expected
    with gateway.channel() as channel:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        stub.GetThing(
            gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one"), metadata=list(gateway.bearer().items())
        )
    assert counting.descriptors() == expected


def test_a_call_without_token_is_counted_by_address(gateway: Any, counting: Limiter) -> None:
    with gateway.http() as http:
        http.post("/service/v1/things:fail", json={"code": 5})
    assert counting.descriptors() == [{"class": "WRITE", "masked_remote_address": "127.0.0.1/32"}]


def test_a_refused_token_is_not_counted_for_its_owner(gateway: Any, counting: Limiter) -> None:
    assert get(gateway, exp=1).status_code == 401
    assert counting.asked == []


def test_above_the_services_limit_is_429_in_the_one_shape(gateway: Any, counting: Limiter, status_of: Any) -> None:
    counting.code = rls_pb2.RateLimitResponse.OVER_LIMIT
    gateway.backend.calls.clear()
    answer = get(gateway)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, 8, "1")
    assert answer.json()["details"][0]["metadata"]["code"] == "RATE_001"
    with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        stub.GetThing(gateway.sample.messages.GetThingRequest(), metadata=list(gateway.bearer().items()), timeout=5)
    status = status_of(raised.value)
    assert (status["code"], status["catalogue"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_001")
    assert gateway.backend.calls == []


def test_while_the_service_hangs_calls_pass(gateway: Any, counting: Limiter) -> None:
    counting.stuck.clear()
    assert get(gateway).status_code == 200


def test_while_the_service_hangs_attempts_to_authenticate_do_not_pass(gateway: Any, counting: Limiter) -> None:
    counting.stuck.clear()
    with gateway.http() as http:
        answer = http.post("/sample/login")
    assert (answer.status_code, answer.json()["code"]) == (503, 14)


def test_a_class_has_one_bucket_for_all_paths_to_it(gateway: Any, counting: Limiter, status_of: Any) -> None:
    with gateway.http() as http:
        answers = [http.post(RAISE, json={}, headers=gateway.bearer()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        refused = answers[-1]
        assert (refused.json()["code"], refused.json()["details"][0]["reason"]) == (8, "RESOURCE_EXHAUSTED")
        assert refused.headers["x-ratelimit-limit"].startswith("2")
        assert (refused.headers["x-ratelimit-remaining"], refused.headers["retry-after"]) == ("0", "1")
    with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        stub.RaiseThing(gateway.sample.messages.WatchThingsRequest(), metadata=list(gateway.bearer().items()), timeout=5)
    assert status_of(raised.value)["code"] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert get(gateway).status_code == 200, "another class has its own"
