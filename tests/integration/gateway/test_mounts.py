"""Protocols of a service's own, over HTTPS to its instances."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from trustmesh_registry.gateway.mesh import Endpoint

APP = "https://app.test"
KEYS = "/.well-known/sample"


class Pages(BaseHTTPRequestHandler):
    """Answers with what it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        seen = {"path": self.path, "verb": self.command, "body": self.rfile.read(length).decode(), "headers": dict(self.headers)}
        content = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("content-security-policy", "default-src 'self'")
        self.send_header("cache-control", "max-age=60")
        self.send_header("x-powered-by", "a test")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  # the names are http.server's

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def gateway(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    current = world.authority.issue(tmp_path_factory.mktemp("identity"), "sample")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(current / "tls.crt", current / "tls.key")
    context.load_verify_locations(current / "roots.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = Endpoint("127.0.0.1", server.server_address[1])
        with world.gateway(service=replace(world.service, http_endpoints=(endpoint,)), cors_origins=(APP,)) as gateway:
            yield gateway
        server.shutdown()


def call(gateway: Any, verb: str, path: str, **arguments: Any) -> Any:
    with gateway.http() as http:
        return http.request(verb, path, **arguments)


def test_a_mount_is_reached_without_a_token(gateway: Any) -> None:
    seen = call(gateway, "GET", f"{KEYS}?a=b").json()
    assert (seen["verb"], seen["path"]) == ("GET", f"{KEYS}?a=b")


def test_a_prefix_takes_everything_below_it_and_any_body(gateway: Any) -> None:
    answer = call(gateway, "POST", "/sample/a/b;c?d", data={"grant_type": "x"}, headers={"authorization": "Basic YTpi"})
    seen = answer.json()
    assert (seen["path"], seen["body"]) == ("/sample/a/b;c?d", "grant_type=x")
    assert seen["headers"]["authorization"] == "Basic YTpi"


def test_forged_fields_do_not_arrive_there_either(gateway: Any) -> None:
    fields = {"x-forwarded-for": "10.0.0.1", "x-trustmesh-orgs": "platform", "x-forwarded-client-cert": "URI=spiffe://x"}
    seen = call(gateway, "GET", KEYS, headers=fields).json()["headers"]
    assert not {"x-trustmesh-orgs", "x-forwarded-client-cert"} & {name.lower() for name in seen}
    assert seen["x-forwarded-for"] != "10.0.0.1"


@pytest.mark.parametrize(("verb", "path"), [("POST", KEYS), ("DELETE", "/sample/a"), ("PUT", "/sample/"), ("TRACE", "/sample/a")])
def test_another_verb_is_405(gateway: Any, verb: str, path: str) -> None:
    answer = call(gateway, verb, path)
    assert (answer.status_code, answer.json()["code"]) == (405, 12)
    assert answer.headers["allow"] == ("GET" if path == KEYS else "GET, POST")


@pytest.mark.parametrize("path", [f"{KEYS}/x", "/sample", "/.well-known/other"])
def test_what_is_beside_a_mount_is_404(gateway: Any, path: str) -> None:
    assert call(gateway, "GET", path).status_code == 404


def test_pages_keep_their_own_policy_and_lose_what_leaks(gateway: Any) -> None:
    headers = call(gateway, "GET", KEYS).headers
    assert headers["content-security-policy"] == "default-src 'self'"
    assert headers["cache-control"] == "max-age=60"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert not {"server", "x-powered-by"} & set(headers)


def test_only_a_cross_origin_mount_is_readable_from_another_origin(gateway: Any) -> None:
    preflight = {"origin": APP, "access-control-request-method": "GET"}
    assert call(gateway, "GET", KEYS, headers={"origin": APP}).headers["access-control-allow-origin"] == APP
    assert call(gateway, "OPTIONS", KEYS, headers=preflight).headers["access-control-allow-origin"] == APP
    assert "access-control-allow-origin" not in call(gateway, "GET", "/sample/a", headers={"origin": APP}).headers
    assert "access-control-allow-origin" not in call(gateway, "OPTIONS", "/sample/a", headers=preflight).headers
    assert "access-control-allow-origin" not in call(gateway, "GET", KEYS, headers={"origin": "https://evil.test"}).headers


def test_a_form_of_another_site_may_post_to_a_mount(gateway: Any) -> None:
    assert (
        call(gateway, "POST", "/sample/callback", data={"code": "x"}, headers={"origin": "https://idp.test"}).status_code == 200
    )
