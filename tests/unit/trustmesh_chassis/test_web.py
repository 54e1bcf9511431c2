"""The HTTPS server and the admin endpoint, over real TLS with real certificates."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from trustmesh_chassis.admin import Health, admin_app
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_chassis.web import WebServer, only_for

Serve = Callable[[Any], Awaitable[WebServer]]


def peer_of(certificate: dict[str, Any]) -> str | None:
    uris = [value for kind, value in certificate["subjectAltName"] if kind == "URI"]
    return str(uris[0]).rpartition("/")[2]


@pytest.fixture
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def client(authority: TestAuthority, tmp_path: Path) -> Callable[..., httpx.AsyncClient]:
    """A client with the certificate of a service, or with none."""

    def make(port: int, service: str | None = None) -> httpx.AsyncClient:
        context = ssl.create_default_context(cadata=authority.roots_pem.decode())
        if service is not None:
            identity = authority.issue(tmp_path / service, service)
            context.load_cert_chain(identity / "tls.crt", identity / "tls.key")
        return httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=context)

    return make


@pytest.fixture
async def serve(authority: TestAuthority, tmp_path: Path) -> AsyncIterator[Serve]:
    started: list[WebServer] = []

    async def start(app: Any) -> WebServer:
        identity = authority.issue(tmp_path / "server", "shop")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.roots_pem.decode())
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_cert_chain(identity / "tls.crt", identity / "tls.key")
        server = WebServer(app, "127.0.0.1", 0, context, peer_of)
        await server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()


async def test_an_application_for_the_gateway_is_for_the_gateway_alone(serve: Serve, client: Any) -> None:
    server = await serve(only_for(PlainTextResponse("hello"), "gateway"))
    async with client(server.port, "gateway") as gateway, client(server.port, "kms") as kms, client(server.port) as nobody:
        assert (await gateway.get("/")).text == "hello"
        assert (await kms.get("/")).status_code == 403
        assert "only the gateway" in (await nobody.get("/")).text


async def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = WebServer(PlainTextResponse("x"), "127.0.0.1", port, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), peer_of)
        with pytest.raises(OSError, match=f"127.0.0.1:{port} cannot be had"):
            await server.start()


async def test_a_server_that_never_started_stops() -> None:
    await WebServer(PlainTextResponse("x"), "127.0.0.1", 0, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), peer_of).stop()


@pytest.fixture
def health() -> Health:
    async def database() -> None:
        if broken:
            raise broken[0]

    broken: list[Exception] = []
    made = Health("shop", {"database": database})
    made.broken = broken  # type: ignore[attr-defined]  # lets a test break the check
    return made


async def test_probes_and_metrics_need_no_certificate(serve: Serve, client: Any, health: Any) -> None:
    metrics = Metrics("shop")
    metrics.method("S.M").observe("OK", 0.1)
    server = await serve(admin_app(health, metrics, lambda: None))
    async with client(server.port) as nobody:
        assert (await nobody.get("/admin/v1/livez")).status_code == 200
        assert (await nobody.get("/admin/v1/readyz")).status_code == 503
        health.serving = True
        assert (await nobody.get("/admin/v1/readyz")).json() == {"ready": True, "checks": {"serving": "ok", "database": "ok"}}
        health.broken.append(OSError("disk gone"))
        answer = await nobody.get("/admin/v1/healthz")
        assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "disk gone")
        health.broken[0] = KeyError()
        assert (await nobody.get("/admin/v1/healthz")).json()["checks"]["database"] == "KeyError"
        assert 'outcome="OK"' in (await nobody.get("/admin/v1/metrics")).text


async def test_only_the_services_own_certificate_stops_it(serve: Serve, client: Any, health: Health) -> None:
    stopped: list[bool] = []
    server = await serve(admin_app(health, Metrics("shop"), lambda: stopped.append(True)))
    async with client(server.port, "kms") as other, client(server.port, "shop") as own, client(server.port) as nobody:
        assert (await nobody.post("/admin/v1/shutdown")).status_code == 403
        assert (await other.post("/admin/v1/shutdown")).status_code == 403
        assert stopped == []
        assert (await own.post("/admin/v1/shutdown")).status_code == 202
    assert stopped == [True]
