"""One method, reached in every way that the gateway offers; what it does not offer is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

ECHO = "/service/v1/orgs/demo/things/one:echo"


@pytest.fixture(scope="module")
def gateway(world: Any) -> Iterator[Any]:
    with world.gateway(cors_origins=("https://app.test",)) as gateway:
        yield gateway


@pytest.mark.parametrize("http2", [False, True])
def test_rest_call_reaches_the_method(gateway: Any, http2: bool) -> None:
    with gateway.http(http2=http2) as http:
        answer = http.get("/service/v1/orgs/demo/things/one?full=true", headers=gateway.bearer())
    assert (answer.status_code, answer.json()) == (200, {"name": "orgs/demo/things/one", "displayName": "full"})
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")


def test_grpc_call_reaches_the_method(gateway: Any) -> None:
    with gateway.channel() as channel:
        stub = gateway.sample.stubs.SampleServiceStub(channel)
        request = gateway.sample.messages.GetThingRequest(name="orgs/demo/things/one")
        thing = stub.GetThing(request, metadata=list(gateway.bearer().items()), timeout=5)
    assert thing.name == "orgs/demo/things/one"


def test_a_call_without_token_is_refused(gateway: Any) -> None:
    with gateway.http() as http:
        answer = http.get("/service/v1/orgs/demo/things/one")
    assert answer.status_code == 401
    assert answer.json()["details"][0]["metadata"]["code"] == "AUTH_001", answer.json()
