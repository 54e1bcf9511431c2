"""Whom the gateway trusts behind it, and what clients see when nobody is there."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from trustmesh_chassis.testing.authority import TestAuthority

GET = "/service/v1/orgs/demo/things/one"


@contextlib.contextmanager
def backend_of(world: Any, identity: Path) -> Iterator[Any]:
    """Another instance of the sample service, with that identity; yields its endpoint."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    world.sample.stubs.add_SampleServiceServicer_to_server(world.backend, server)
    pair = ((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    server.start()
    yield replace(world.service.endpoints[0], port=port)
    server.stop(None).wait(5)


def answer_of(gateway: Any) -> Any:
    gateway.backend.calls.clear()
    with gateway.http() as http:
        return http.get(GET, headers=gateway.bearer())


@pytest.mark.parametrize(
    ("trusted", "spiffe_id"),
    [
        pytest.param(False, "spiffe://trustmesh.local/svc/sample", id="unrelated CA"),
        pytest.param(True, "spiffe://trustmesh.local/svc/kms", id="another service"),
        pytest.param(True, "spiffe://other.test/svc/sample", id="another trust domain"),
        pytest.param(True, "spiffe://trustmesh.local/svc/sample/x", id="a longer identity"),
    ],
)
def test_a_backend_that_is_not_the_service_is_refused(world: Any, tmp_path: Path, trusted: bool, spiffe_id: str) -> None:
    authority = world.authority if trusted else TestAuthority()
    identity = authority.issue(tmp_path, "sample", uris=(spiffe_id,))
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(backend_of(world, identity))
        gateway = stack.enter_context(world.gateway(service=replace(world.service, endpoints=(endpoint,))))
        answer = answer_of(gateway)
    assert (answer.status_code, answer.json()["details"][0]["metadata"]["code"]) == (503, "SVC_001")
    assert "CERTIFICATE" not in answer.text and "TLS" not in answer.text
    assert gateway.backend.calls == []


def test_an_instance_that_cannot_be_reached_is_tried_elsewhere(world: Any, free_port: Any) -> None:
    dead = replace(world.service.endpoints[0], port=free_port())
    with world.gateway(service=replace(world.service, endpoints=(dead, *world.service.endpoints))) as gateway:
        assert {answer_of(gateway).status_code for _ in range(20)} == {200}


def test_a_service_without_instances_is_unavailable(world: Any, status_of: Any) -> None:
    with world.gateway(service=replace(world.service, endpoints=())) as gateway:
        answer = answer_of(gateway)
        with gateway.channel() as channel, pytest.raises(grpc.RpcError) as raised:
            stub = gateway.sample.stubs.SampleServiceStub(channel)
            stub.GetThing(gateway.sample.messages.GetThingRequest(), metadata=list(gateway.bearer().items()), timeout=5)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, 14, "1")
    assert status_of(raised.value)["catalogue"] == "SVC_001"


def test_without_the_issuers_keys_no_token_is_accepted(world: Any) -> None:
    with world.gateway(jwks="", problems=1) as gateway:
        assert answer_of(gateway).status_code == 401


def test_the_gateway_renews_its_certificate_without_a_restart(world: Any, wait_until: Any) -> None:
    with world.gateway() as gateway:
        before = gateway.server_certificate()
        gateway.authority.issue(gateway.directory / "identity", "gateway")
        assert wait_until(lambda: gateway.server_certificate() != before, 10)
        assert answer_of(gateway).status_code == 200


def test_plain_http_serves_nothing(world: Any) -> None:
    with world.gateway() as gateway:
        answer = httpx.get(f"http://127.0.0.1:{gateway.edge.http_port}{GET}", headers=gateway.bearer())
    assert (answer.status_code, answer.json()["details"][0]["reason"]) == (404, "UNIMPLEMENTED")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_tls_1_3_is_spoken(world: Any) -> None:
    with world.gateway() as gateway:
        context = gateway.tls()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            gateway.server_certificate(context)
