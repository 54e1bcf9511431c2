import json
import logging
import secrets
from base64 import b64encode, urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from trustmesh_chassis.errors import DataLoss, Unavailable
from trustmesh_chassis.tokens import TokenVerifier
from trustmesh_identity.authz.clients import Client, digest_of, make_client, make_secret
from trustmesh_identity.authz.keyring import Keyring
from trustmesh_identity.authz.memory import MemoryClients, MemorySigningKeys
from trustmesh_identity.authz.operations import Issuer
from trustmesh_identity.authz.sealing import FileSealer
from trustmesh_identity.authz.signing_keys import Rotation
from trustmesh_identity.authz.web import build_web

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
ISSUER = Issuer("https://localhost:8443", "trustmesh", timedelta(minutes=10))
ROTATION = Rotation(period=timedelta(days=30), lead=timedelta(minutes=5), linger=timedelta(minutes=11))
CLIENT_ID = "demo.aaaaaaaaaaaaaaaa"
SECRET = make_secret(bytes(range(32)))
CLIENT = make_client(
    "demo",
    "all",
    display_name="",
    scopes=("kms.*", "petstore.pets.get"),
    orgs=(),
    secret_digest=digest_of(SECRET),
    client_id=CLIENT_ID,
    now=NOW,
)
GRANT = {"grant_type": "client_credentials"}
POST = GRANT | {"client_id": CLIENT_ID, "client_secret": SECRET}


class Server:
    """The application on memory."""

    def __init__(self) -> None:
        self.clients = MemoryClients()
        self.keyring = Keyring(MemorySigningKeys(), FileSealer(bytes(32), secrets.token_bytes), ROTATION, lambda: NOW)
        self.app = build_web(
            clients=self.clients, keyring=self.keyring, issuer=ISSUER, clock=lambda: NOW, random_bytes=secrets.token_bytes
        )
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=ISSUER.name)

    async def token(self, data: Any = None, **options: Any) -> httpx.Response:
        return await self.http.post("/oauth2/token", data=data, **options)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.clients.add(CLIENT)
    await server.keyring.refresh()
    async with server.http:
        yield server


async def test_token_by_basic_and_by_post(server: Server) -> None:
    verifier = TokenVerifier(ISSUER.name, ISSUER.audience, lambda: NOW)
    verifier.use_jwks((await server.http.get("/oauth2/jwks")).text)
    seen = set()
    for answer in (await server.token(GRANT, auth=(CLIENT_ID, SECRET)), await server.token(POST)):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"
        body = answer.json()
        principal = verifier.verify(body.pop("access_token"))
        assert body == {"token_type": "Bearer", "expires_in": 600, "scope": "kms.* petstore.pets.get"}
        assert principal.subject == principal.client_id == CLIENT_ID
        assert principal.orgs == {"demo"} and principal.scopes == {"kms.*", "petstore.pets.get"}
        seen.add(principal.token_id)
    assert len(seen) == 2


async def test_token_is_as_rfc_9068_wants_it(server: Server) -> None:
    token = (await server.token(POST)).json()["access_token"]
    header, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": server.keyring.signer.kid}
    jti = claims.pop("jti")
    assert len(jti) == 22
    assert claims == {
        "iss": "https://localhost:8443",
        "aud": "trustmesh",
        "sub": CLIENT_ID,
        "client_id": CLIENT_ID,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 600,
        "scope": "kms.* petstore.pets.get",
        "orgs": ["demo"],
        "acr": "urn:trustmesh:acr:single-factor",
    }


async def test_scope_is_narrowed_and_said(server: Server) -> None:
    answer = await server.token(POST | {"scope": "kms.keys.encrypt petstore.pets.get"})
    assert answer.json()["scope"] == "kms.keys.encrypt petstore.pets.get"


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "wrong secret": ({"data": POST | {"client_secret": make_secret(bytes(32))}}, 401, "invalid_client"),
    "wrong secret by Basic": ({"data": GRANT, "auth": (CLIENT_ID, "x")}, 401, "invalid_client"),
    "unknown client": ({"data": POST | {"client_id": "demo.bbbbbbbbbbbbbbbb"}}, 401, "invalid_client"),
    "unknown organisation": ({"data": POST | {"client_id": "other.aaaaaaaaaaaaaaaa"}}, 401, "invalid_client"),
    "client_id of no kind": ({"data": POST | {"client_id": "' OR 1=1 --"}}, 401, "invalid_client"),
    "no authentication": ({"data": GRANT}, 401, "invalid_client"),
    "two methods": ({"data": POST, "auth": (CLIENT_ID, SECRET)}, 400, "invalid_request"),
    "Authorization twice": (
        {"data": GRANT, "headers": [("authorization", "Basic " + b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode())] * 2},
        400,
        "invalid_request",
    ),
    "scope not granted": ({"data": POST | {"scope": "kms.keys.get pki.certificates.get"}}, 400, "invalid_scope"),
    "scope grows": ({"data": POST | {"scope": "*"}}, 400, "invalid_scope"),
    "password grant": ({"data": POST | {"grant_type": "password"}}, 400, "unsupported_grant_type"),
    "JSON body": ({"json": POST}, 415, "invalid_request"),
    "secret in the URL": ({"data": GRANT, "params": {"client_id": CLIENT_ID, "client_secret": SECRET}}, 400, "invalid_request"),
    "long body": ({"data": POST | {"pad": "p" * 20_000}}, 413, "invalid_request"),
    "duplicate": (
        {"content": "grant_type=client_credentials&client_id=a&client_id=b&client_secret=c"}
        | {"headers": {"content-type": "application/x-www-form-urlencoded"}},
        400,
        "invalid_request",
    ),
}


@pytest.mark.parametrize(("options", "status", "error"), REFUSALS.values(), ids=REFUSALS)
async def test_token_refuses(server: Server, options: dict[str, Any], status: int, error: str) -> None:
    answer = await server.token(**options)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store" and answer.headers["content-type"] == "application/json"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert SECRET not in answer.text


async def test_challenge_names_basic(server: Server) -> None:
    assert (await server.token(GRANT)).headers["www-authenticate"].startswith("Basic realm=")


async def test_unknown_client_and_wrong_secret_look_alike(server: Server) -> None:
    wrong = await server.token(POST | {"client_secret": "x"})
    unknown = await server.token(POST | {"client_id": "demo.bbbbbbbbbbbbbbbb"})
    assert wrong.text == unknown.text and wrong.headers == unknown.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_token_is_by_post_only(server: Server, method: str) -> None:
    answer = await server.http.request(method, "/oauth2/token")
    assert answer.status_code == 405 and answer.headers["allow"] == "POST"
    assert answer.json()["error"] == "invalid_request"


async def test_jwks_is_public_and_shows_public_members_only(server: Server) -> None:
    answer = await server.http.get("/oauth2/jwks")
    assert answer.headers["content-type"] == "application/jwk-set+json" and answer.headers["cache-control"].startswith("public")
    assert [key["kid"] for key in answer.json()["keys"]] == [key.kid for key in server.keyring.keys]
    assert all(set(key) == {"kty", "crv", "use", "alg", "kid", "x", "y"} for key in answer.json()["keys"])


async def test_jwks_before_the_keys_are_loaded_is_unavailable() -> None:
    server = Server()
    answer = await server.http.get("/oauth2/jwks")
    assert answer.status_code == 503 and answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
async def test_metadata(server: Server, name: str) -> None:
    answer = await server.http.get(f"/.well-known/{name}")
    document = answer.json()
    assert document["issuer"] == "https://localhost:8443"
    assert document["token_endpoint"] == "https://localhost:8443/oauth2/token"
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    assert (await server.http.get(document["jwks_uri"])).status_code == 200


async def test_unknown_path(server: Server) -> None:
    answer = await server.http.get("/oauth2/authorize")
    assert answer.status_code == 404 and answer.json()["error"] == "invalid_request"


class BrokenClients(MemoryClients):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def find(self, org: str, client_id: str) -> Client | None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (Unavailable("the database at 10.0.0.1 is away"), 503, "temporarily_unavailable"),
        (DataLoss("table 10.0.0.1"), 500, "server_error"),
        (RuntimeError("10.0.0.1"), 500, "server_error"),
    ],
)
async def test_failures_say_nothing_of_the_inside(error: Exception, status: int, name: str) -> None:
    server = Server()
    await server.keyring.refresh()
    app = build_web(
        clients=BrokenClients(error), keyring=server.keyring, issuer=ISSUER, clock=lambda: NOW, random_bytes=secrets.token_bytes
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER.name) as http:
        answer = await http.post("/oauth2/token", data=POST)
    assert (answer.status_code, answer.json()["error"]) == (status, name)
    assert "10.0.0.1" not in answer.text


async def test_logs_hold_no_secret_and_no_token(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = (await server.token(POST)).json()["access_token"]
    other = make_secret(bytes(32))
    await server.token(POST | {"client_secret": other})
    await server.token(POST | {"scope": "*"})
    await server.token(GRANT | {"client_id": SECRET, "client_secret": other})
    own = [record for record in caplog.records if record.name.startswith("trustmesh")]
    logged = "".join(f"{record.getMessage()} {record.__dict__}" for record in own)
    assert "orgs/demo/clients/all" in logged and "invalid_client" in logged
    for secret in (SECRET, other, token, token.split(".")[2]):
        assert secret not in logged
