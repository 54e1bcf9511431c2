"""What a hostile client tries on the whole mesh: at its edge, and from a place inside."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import re
import secrets
import socket
import sqlite3
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from trustmesh.kms.v1.crypto_service_pb2 import EncryptRequest
from trustmesh.kms.v1.crypto_service_pb2_grpc import CryptoServiceStub
from trustmesh.petstore.v1.pet_service_pb2 import ListPetsRequest
from trustmesh.petstore.v1.pet_service_pb2_grpc import PetServiceStub
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_identity.authz.sealing import FileSealer

if TYPE_CHECKING:
    from tests.e2e.conftest import Mesh

PETS = "/service/v1/orgs/demo/pets"
LIST = "/trustmesh.petstore.v1.PetService/ListPets"
OFFSETS = {"pki": 380, "registry": 480, "authz": 180, "kms": 80, "ratelimit": 681, "petstore": 980}
MIB = 1 << 20


def raw(mesh: Mesh, target: str, *fields: str, verb: str = "GET", token: str | None = None, body: bytes = b"") -> Any:
    """Send a request as it is written here over HTTP/1.1; status, header fields and body."""
    lines = [f"{verb} {target} HTTP/1.1", "host: localhost", "connection: close", *fields]
    lines += [f"authorization: Bearer {token}"] if token else []
    lines += [f"content-length: {len(body)}"] if body else []
    context = ssl.create_default_context(cadata=mesh.roots.decode())
    port = mesh.base_port + 443
    with (
        socket.create_connection(("127.0.0.1", port), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.fixture(scope="module")
def viewer(mesh: Mesh) -> str:
    """A token that may look at pets and keys and change nothing."""
    return mesh.token("viewer")


@pytest.fixture(scope="module")
def key(mesh: Mesh, token: str) -> str:
    """A key for encryption."""
    with mesh.http(token) as client:
        name = f"attacks-{secrets.token_hex(4)}"
        answer = client.post(f"/service/v1/orgs/demo/keys?keyId={name}", json={"purpose": "KEY_PURPOSE_ENCRYPT_DECRYPT"})
    assert answer.status_code == 200, answer.text
    return f"orgs/demo/keys/{name}"


# --- forged identity

FORGED = {
    "x-forwarded-client-cert": "By=spiffe://trustmesh.local/svc/petstore;URI=spiffe://trustmesh.local/svc/kms",
    "x-trustmesh-principal": "root",
    "x-trustmesh-orgs": base64.b64encode(b'["other","platform"]').decode(),
    "x-trustmesh-scope": "*",
    "x-user-id": "root",
    "x-user-orgs": "other",
    "x-envoy-internal": "true",
    "x-envoy-original-path": LIST,
    "x-envoy-upstream-alt-stat-name": "x",
    "x-forwarded-for": "127.0.0.1",
    "x-original-url": "/service/v1/nodes",
    "x-http-method-override": "DELETE",
    "x-jwt-payload": base64.b64encode(b'{"orgs":["other"],"scope":"*"}').decode(),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
def test_a_forged_header_changes_no_decision(mesh: Mesh, viewer: str, name: str, spelling: Callable[[str], str]) -> None:
    field = f"{spelling(name)}: {FORGED[name]}"
    for fields in ((field,), (field, field)):
        assert raw(mesh, PETS, *fields)[0] == 401
        assert raw(mesh, PETS, *fields, token=viewer)[0] == 200
        assert raw(mesh, "/service/v1/orgs/other/pets", *fields, token=viewer)[0] == 404
        assert raw(mesh, f"{PETS}/none", *fields, verb="DELETE", token=viewer)[0] == 403
        assert raw(mesh, "/service/v1/nodes", *fields, token=viewer)[0] == 403


@pytest.mark.parametrize("name", ["x_trustmesh_orgs", "X_Forwarded_Client_Cert", "x_user_id", "authorization_"])
def test_a_header_with_underscores_is_refused(mesh: Mesh, viewer: str, name: str) -> None:
    assert raw(mesh, PETS, f"{name}: root", token=viewer)[0] == 400


def test_forged_metadata_changes_no_decision_inside(mesh: Mesh, viewer: str) -> None:
    forged = tuple(FORGED.items())
    with mesh.inside("ratelimit", mesh.base_port + OFFSETS["petstore"]) as channel:
        with pytest.raises(grpc.RpcError) as denied:
            bearer = ("authorization", f"Bearer {viewer}")
            PetServiceStub(channel).ListPets(ListPetsRequest(parent="orgs/demo"), metadata=(*forged, bearer), timeout=10)
        assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED


# --- path confusion


@pytest.mark.parametrize(
    "target",
    [
        "/service/v1/orgs/demo/pets;x=1",
        "/service/v1/orgs/demo;/pets",
        "/service/v1/orgs/demo/..;/other/pets",
        "/service/v1/orgs/demo%2fpets",
        "/service/v1/orgs%2Fdemo/pets",
        "/service/v1/orgs/demo%5cpets",
        "/service/v1//orgs/demo/pets",
        "//service/v1/orgs/demo/pets",
        "/service/v1/./orgs/demo/pets",
        "/service/v1/orgs/other/../demo/pets",
        "/service/v1/orgs/%2e%2e/orgs/demo/pets",
        "/SERVICE/v1/orgs/demo/pets",
        "/service/V1/orgs/demo/pets",
        "/service/v1/orgs/DEMO/pets",
        "/service/v1/orgs/demo/pets/",
        "/v1/orgs/demo/pets",
        "/browser/v1/orgs/demo/pets",
        f"/service{LIST}",
        LIST.lower(),
        LIST.upper(),
        f"/{LIST}",
        LIST.replace("/ListPets", "//ListPets"),
        LIST.replace("/ListPets", "/./ListPets"),
        LIST.replace("/ListPets", "%2fListPets"),
        "/trustmesh.registry.v1.RegistryService/RegisterInstance",
        "/trustmesh.pki.v1.JoinService/Join",
        "/grpc.health.v1.Health/Check",
        "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
        "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
        "/admin/v1/shutdown",
    ],
)
def test_another_spelling_of_a_path_gets_the_same_decision_or_none(mesh: Mesh, token: str, target: str) -> None:
    nobody, headers, body = raw(mesh, target)
    assert nobody in (400, 401, 404), body
    assert headers["content-type"] == "application/json"
    status, _, body = raw(mesh, target, token=token)
    assert status in (200, 400, 404), body
    assert status != 200 or nobody == 401, "reached with a token, and not asked for one"
    for verb in ("POST", "DELETE", "PATCH"):
        status, _, body = raw(mesh, target, "content-type: application/json", verb=verb, body=b"{}")
        assert status in (400, 401, 404, 405, 415), body


# --- bodies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"displayName": "a", "nope": 1}', "nope"),
        ('{"display_name": "a", "displayName": "b"}', "displayName"),
        ('{"displayName": "a", "displayName": "b"}', "displayName"),
        ('{"displayName": "a", "DisplayName": "b"}', "DisplayName"),
        ('{"__proto__": {}}', "__proto__"),
        ('{"@type": "type.googleapis.com/trustmesh.petstore.v1.Pet"}', "@type"),
    ],
)
def test_a_field_that_the_contract_does_not_know_is_named(mesh: Mesh, token: str, body: str, field: str) -> None:
    status, _, answer = raw(mesh, PETS, "content-type: application/json", verb="POST", token=token, body=body.encode())
    assert status == 400
    assert field in violated(answer)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": [{"plaintext": "YQ==", "nope": 1}]}, "items[0].nope"),
        ({"items": [{"plaintext": "YQ=="}, {"nope": {"a": [1]}}]}, "items[1].nope"),
        ({"items": [], "nope": None}, "nope"),
    ],
)
def test_an_unknown_field_in_a_list_is_named(mesh: Mesh, token: str, key: str, body: Any, field: str) -> None:
    content = json.dumps(body).encode()
    path = f"/service/v1/{key}:batchEncrypt"
    status, _, answer = raw(mesh, path, "content-type: application/json", verb="POST", token=token, body=content)
    assert status == 400
    assert field in violated(answer)


def violated(answer: bytes) -> list[str]:
    details = json.loads(answer)["details"]
    return [each["field"] for detail in details for each in detail.get("fieldViolations", [])]


@pytest.mark.parametrize(
    "nested", ["[" * 5000 + "]" * 5000, '{"a":' * 5000 + "1" + "}" * 5000, '{"tags":' * 200 + "[]" + "}" * 200]
)
def test_deep_nesting_is_refused(mesh: Mesh, token: str, nested: str) -> None:
    status, _, answer = raw(mesh, PETS, "content-type: application/json", verb="POST", token=token, body=nested.encode())
    assert status == 400, answer


def test_too_large_a_body_is_413(mesh: Mesh, token: str, key: str) -> None:
    body = json.dumps({"plaintext": "A" * (2 * MIB)}).encode()
    with mesh.http(token) as client:
        answer = client.post(f"/service/v1/{key}:encrypt", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 413, answer.text
    assert answer.json()["details"][0]["reason"] == "RESOURCE_EXHAUSTED"


def test_a_compressed_body_is_not_unpacked(mesh: Mesh, token: str, key: str) -> None:
    bomb = gzip.compress(json.dumps({"plaintext": "A" * (8 * MIB)}).encode())
    fields = ("content-type: application/json", "content-encoding: gzip")
    status, _, _ = raw(mesh, f"/service/v1/{key}:encrypt", *fields, verb="POST", token=token, body=bomb)
    assert status in (400, 415)


def test_too_large_a_message_is_resource_exhausted(mesh: Mesh, token: str, key: str) -> None:
    with mesh.channel(token) as channel, pytest.raises(grpc.RpcError) as refused:
        CryptoServiceStub(channel).Encrypt(EncryptRequest(name=key, plaintext=b"a" * (5 * MIB)), timeout=20)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with mesh.inside("gateway", mesh.base_port + OFFSETS["kms"]) as channel, pytest.raises(grpc.RpcError) as refused:
        metadata = (("authorization", f"Bearer {token}"),)
        CryptoServiceStub(channel).Encrypt(EncryptRequest(name=key, plaintext=b"a" * (5 * MIB)), metadata=metadata, timeout=20)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_too_large_a_header_is_431(mesh: Mesh, token: str) -> None:
    status, headers, _ = raw(mesh, PETS, "x-large: " + "a" * 30_000, token=token)
    assert (status, headers["content-type"]) == (431, "application/json")
    assert raw(mesh, PETS, *(f"x-{number}: a" for number in range(100)), token=token)[0] == 431


@pytest.mark.parametrize("parent", ["orgs/' OR 1=1 --", 'orgs/demo" UNION SELECT', "orgs/demo\0", "orgs/../demo"])
def test_sql_in_a_name_is_a_literal(mesh: Mesh, token: str, parent: str) -> None:
    with mesh.channel(token) as channel, pytest.raises(grpc.RpcError) as refused:
        PetServiceStub(channel).ListPets(ListPetsRequest(parent=parent), timeout=10)
    assert refused.value.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


# --- tokens


def segment(part: bytes | dict[str, Any]) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger:
    """Makes tokens: with the mesh's own signing key, which the test unseals from the home, or with any other."""

    def __init__(self, home: Path, issuer: str) -> None:
        authz = home / "services" / "authz"
        with closing(sqlite3.connect(f"file:{authz / 'data.db'}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT kid, state, sealed_private FROM signing_keys").fetchall()
        kid, _, sealed = next(row for row in rows if row[1].upper().endswith(("CURRENT", "ACTIVE")))
        sealer = FileSealer((authz / "sealing.key").read_bytes(), secrets.token_bytes)
        private = load_der_private_key(sealer.unseal(sealed, kid), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        self.kid, self.private, self.issuer = kid, private, issuer

    def header(self, **changes: Any) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "at+jwt", "kid": self.kid} | changes

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "aud": "trustmesh", "sub": "demo.demo", "client_id": "demo.demo"}
        claims |= {"iat": now, "exp": now + 300, "jti": str(uuid.uuid4()), "scope": "*", "orgs": ["demo"]}
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def sign(self, header: dict[str, Any], claims: dict[str, Any], key: ec.EllipticCurvePrivateKey | None = None) -> str:
        signed = f"{segment(header)}.{segment(claims)}"
        r, s = decode_dss_signature((key or self.private).sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def tokens(self) -> Iterator[tuple[str, str]]:
        """Name and token of each attack."""
        for alg in ("none", "nOnE", "None", ""):
            yield f"alg {alg!r}", f"{segment(self.header(alg=alg))}.{segment(self.claims())}."
        good = self.sign(self.header(), self.claims())
        head, body, signature = good.split(".")
        yield "empty signature", f"{head}.{body}."
        yield "no signature", f"{head}.{body}"
        yield "zero signature", f"{head}.{body}.{segment(bytes(64))}"
        yield "other claims", f"{head}.{segment(self.claims(orgs=['other', 'platform']))}.{signature}"
        yield "padding", f"{good}=="
        public = self.private.public_key()
        for name, secret in {
            "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        }.items():
            signed = f"{segment(self.header(alg='HS256'))}.{segment(self.claims())}"
            yield (
                f"HS256 with the public key, {name}",
                f"{signed}.{segment(hmac.digest(secret, signed.encode(), hashlib.sha256))}",
            )
        now = int(time.time())
        for name, claims in {
            "expired": self.claims(iat=now - 1000, exp=now - 61),
            "not valid yet": self.claims(nbf=now + 300),
            "issued in the future": self.claims(iat=now + 300),
            "without end": self.claims(exp=None),
            "audience": self.claims(aud="another"),
            "no audience": self.claims(aud=None),
            "issuer": self.claims(iss="https://localhost:1"),
            "no issuer": self.claims(iss=None),
            "no subject": self.claims(sub=None),
            "scope as a list": self.claims(scope=["*"]),
            "orgs as text": self.claims(orgs="demo"),
        }.items():
            yield name, self.sign(self.header(), claims)
        other = ec.generate_private_key(ec.SECP256R1())
        point = other.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": segment(point.x.to_bytes(32, "big")), "y": segment(point.y.to_bytes(32, "big"))}
        for name, header in {
            "ID token": self.header(typ="JWT"),
            "no type": {"alg": "ES256", "kid": self.kid},
            "refresh token": self.header(typ="rt+jwt"),
            "logout token": self.header(typ="logout+jwt"),
            "unknown critical header": self.header(crit=["b64"], b64=False),
            "compressed": self.header(zip="DEF"),
            "unknown key": self.header(kid="unknown"),
            "key by path": self.header(kid="../../../../dev/null"),
            "key by SQL": self.header(kid="' OR '1'='1"),
            "64 KB key name": self.header(kid="k" * 6000),
        }.items():
            yield name, self.sign(header, self.claims())
        for name, header in {
            "another key": self.header(),
            "embedded jwk": self.header(jwk=jwk),
            "jku": self.header(jku="http://127.0.0.1:9/jwks"),
            "x5u": self.header(x5u="http://127.0.0.1:9/x5u"),
        }.items():
            yield name, self.sign(header, self.claims(), other)


@pytest.fixture(scope="module")
def forger(mesh: Mesh) -> Forger:
    return Forger(mesh.home, mesh.gateway)


def test_the_forger_can_make_a_good_token(mesh: Mesh, forger: Forger) -> None:
    assert raw(mesh, PETS, token=forger.sign(forger.header(), forger.claims()))[0] == 200


def test_no_forged_token_passes_the_gateway(mesh: Mesh, forger: Forger) -> None:
    answers = {name: raw(mesh, PETS, token=token)[0] for name, token in forger.tokens()}
    assert len(answers) > 30
    assert {name: status for name, status in answers.items() if status != 401} == {}


def test_no_forged_token_passes_a_service(mesh: Mesh, forger: Forger) -> None:
    with mesh.inside("gateway", mesh.base_port + OFFSETS["petstore"]) as channel:
        stub, request = PetServiceStub(channel), ListPetsRequest(parent="orgs/demo")

        def code(token: str) -> grpc.StatusCode:
            try:
                stub.ListPets(request, metadata=(("authorization", f"Bearer {token}"),), timeout=10)
            except grpc.RpcError as error:
                answered: grpc.StatusCode = error.code()
                return answered
            return grpc.StatusCode.OK

        assert code(forger.sign(forger.header(), forger.claims())) is grpc.StatusCode.OK
        codes = {name: code(token) for name, token in forger.tokens()}
    assert {name: each for name, each in codes.items() if each is not grpc.StatusCode.UNAUTHENTICATED} == {}


def test_a_token_elsewhere_than_in_its_header_is_no_token(mesh: Mesh, token: str) -> None:
    for query in (f"access_token={token}", f"authorization=Bearer%20{token}", f"token={token}"):
        assert raw(mesh, f"{PETS}?{query}")[0] in (400, 401)
    assert raw(mesh, PETS, f"cookie: access_token={token}; authorization=Bearer {token}")[0] == 401
    assert raw(mesh, PETS, f"proxy-authorization: Bearer {token}")[0] == 401
    assert raw(mesh, PETS, f"authorization: Basic {token}")[0] == 401


def test_two_tokens_are_no_token(mesh: Mesh, token: str, viewer: str) -> None:
    assert raw(mesh, PETS, f"authorization: Bearer {viewer}", token=token)[0] in (400, 401)


# --- origins


@pytest.mark.parametrize("origin", ["null", "https://evil.test", "http://localhost.evil.test", "file://", "http://localhost:1"])
def test_another_origin_gets_no_cors_answer_and_has_no_effect(mesh: Mesh, token: str, origin: str) -> None:
    asked = ("access-control-request-method: POST", "access-control-request-headers: authorization")
    _, headers, _ = raw(mesh, PETS, f"origin: {origin}", *asked, verb="OPTIONS")
    assert not [name for name in headers if name.startswith("access-control-")]
    pet = f"cors-{secrets.token_hex(4)}"
    body = json.dumps({"displayName": "a", "species": "SPECIES_DOG", "priceCents": "1"}).encode()
    fields = (f"origin: {origin}", "content-type: application/json")
    status, headers, _ = raw(mesh, f"{PETS}?petId={pet}", *fields, verb="POST", token=token, body=body)
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control-")]
    assert raw(mesh, f"{PETS}/{pet}", token=token)[0] == 404


def test_a_look_alike_of_the_listed_origin_gets_no_cors_answer(mesh: Mesh) -> None:
    listed = f"http://localhost:{mesh.page_port}"
    asked = ("access-control-request-method: POST", "access-control-request-headers: authorization")
    answered = {
        origin: raw(mesh, PETS, f"origin: {origin}", *asked, verb="OPTIONS")[1].get("access-control-allow-origin")
        for origin in (listed, f"{listed}0", f"{listed}.evil.test", listed.replace("http", "https"), listed.upper(), f"x{listed}")
    }
    assert answered == dict.fromkeys(answered, None) | {listed: listed}


# --- certificates


def handshake(mesh: Mesh, port: int, directory: Path | None) -> bytes:
    """Connect with the certificate in `directory` and ask over HTTP/2; what the server sends after its preface, or raises."""
    context = ssl.create_default_context(cadata=mesh.roots.decode())
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    if directory is not None:
        context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        received = connection.recv(64)
    if not received:
        raise ConnectionResetError("closed without an answer")
    return received


def genuine(mesh: Mesh, service: str) -> Path:
    return mesh.home / "services" / service / "identity" / "current"


@pytest.mark.parametrize("service", OFFSETS)
def test_only_a_certificate_of_the_mesh_connects(mesh: Mesh, service: str, tmp_path: Path) -> None:
    port = mesh.base_port + OFFSETS[service]
    stranger = TestAuthority()
    wrong = {
        "none": None,
        "another authority": stranger.issue(tmp_path / "other", "gateway"),
        "expired": stranger.issue(tmp_path / "expired", "gateway", life=timedelta(seconds=-1)),
        "two identities": stranger.issue(
            tmp_path / "two",
            "gateway",
            uris=("spiffe://trustmesh.local/svc/gateway", "spiffe://trustmesh.local/svc/kms"),
        ),
    }
    for name, directory in wrong.items():
        with pytest.raises((ssl.SSLError, ConnectionError)):
            pytest.fail(f"{name}: {handshake(mesh, port, directory)!r}")
    assert handshake(mesh, port, genuine(mesh, "gateway"))


@pytest.mark.parametrize("offset", [2180], ids=["authz"])
def test_only_the_gateway_reaches_http_behind_it(mesh: Mesh, offset: int, tmp_path: Path) -> None:
    def status(directory: Path | None) -> int:
        context = ssl.create_default_context(cadata=mesh.roots.decode())
        context.check_hostname = False
        if directory is not None:
            context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
        connection = http.client.HTTPSConnection("127.0.0.1", mesh.base_port + offset, timeout=10, context=context)
        with closing(connection):
            connection.request("GET", "/oauth2/jwks")
            return connection.getresponse().status

    for directory in (None, TestAuthority().issue(tmp_path, "gateway")):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            status(directory)
    assert status(genuine(mesh, "kms")) == 403
    assert status(genuine(mesh, "gateway")) == 200


def test_a_service_is_not_taken_for_another(mesh: Mesh) -> None:
    """The address of one service, the name of another: the caller refuses the server's certificate."""
    identity = genuine(mesh, "gateway")
    pair = (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
    target = ("grpc.ssl_target_name_override", "pki.trustmesh.local")
    port = mesh.base_port + OFFSETS["petstore"]
    with grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(mesh.roots, *pair), options=[target]) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            HealthStub(channel).Check(HealthCheckRequest(), timeout=10)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


# --- the admin endpoint


@pytest.mark.parametrize("service", OFFSETS)
def test_only_a_service_itself_may_shut_it_down(mesh: Mesh, service: str, tmp_path: Path) -> None:
    port = mesh.base_port + OFFSETS[service] + 1000

    def answer(verb: str, path: str, directory: Path | None) -> int:
        context = ssl.create_default_context(cadata=mesh.roots.decode())
        context.check_hostname = False
        if directory is not None:
            context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
        with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)) as connection:
            connection.request(verb, f"/admin/v1/{path}")
            return connection.getresponse().status

    another = "kms" if service != "kms" else "petstore"
    assert answer("POST", "shutdown", None) == 403
    assert answer("POST", "shutdown", genuine(mesh, another)) == 403
    assert answer("GET", "shutdown", genuine(mesh, service)) == 405
    with pytest.raises((ssl.SSLError, ConnectionError)):
        answer("POST", "shutdown", TestAuthority().issue(tmp_path, service))
    assert answer("GET", "readyz", None) == 200


def test_nothing_listens_beyond_loopback(mesh: Mesh) -> None:
    ports = {mesh.base_port + offset for offset in (*OFFSETS.values(), *(each + 1000 for each in OFFSETS.values()), 381, 443, 81)}
    listening = [
        (local.rpartition(":")[0], int(local.rpartition(":")[2], 16))
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for local, state in ((line.split()[1], line.split()[3]) for line in Path(table).read_text().splitlines()[1:])
        if state == "0A"
    ]
    found = {(address, port) for address, port in listening if port in ports}
    assert {port for _, port in found} == ports
    assert {address for address, _ in found} <= {"0100007F", "0000000000000000FFFF00000100007F"}


# --- deadlines


def test_a_deadline_of_a_moment_ends_the_call_and_one_of_years_does_not_matter(mesh: Mesh, token: str) -> None:
    with mesh.channel(token) as channel:
        stub, request = PetServiceStub(channel), ListPetsRequest(parent="orgs/demo", page_size=1)
        with pytest.raises(grpc.RpcError) as ended:
            stub.ListPets(request, timeout=0.001)
        assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert stub.ListPets(request, timeout=99_999_999) is not None
        assert stub.ListPets(request) is not None


@pytest.mark.parametrize("given", ["0n", "1n", "-1S", "1", "99999999H", "999999999H", "H", "1S, 2S"])
def test_any_spelling_of_a_deadline_gets_an_answer(mesh: Mesh, token: str, given: str) -> None:
    fields = (f"grpc-timeout: {given}", "content-type: application/grpc-web+proto", "x-grpc-web: 1")
    message = ListPetsRequest(parent="orgs/demo", page_size=1).SerializeToString()
    begun = time.monotonic()
    status, _, body = raw(mesh, LIST, *fields, verb="POST", token=token, body=b"\0" + len(message).to_bytes(4, "big") + message)
    assert status in ((200, 504) if re.fullmatch("[0-9]{1,8}[HMSmun]", given) else (400,)), body
    assert time.monotonic() - begun < 15
    with mesh.channel(token) as channel:  # a service that cannot parse one would fail the next calls of everybody
        stub = PetServiceStub(channel)
        for seconds in (3 + secrets.randbelow(1000) / 1000, 4 + secrets.randbelow(1000) / 1000):
            assert stub.ListPets(ListPetsRequest(parent="orgs/demo", page_size=1), timeout=seconds) is not None


# --- canaries


def test_secrets_are_in_no_log_and_no_error(mesh: Mesh, token: str, key: str) -> None:
    canary = f"canary{secrets.token_hex(12)}"
    encoded = base64.b64encode(canary.encode()).decode()
    answers: list[bytes] = []
    with mesh.http(token) as client:
        encrypt, decrypt = f"/service/v1/{key}:encrypt", f"/service/v1/{key}:decrypt"
        good = client.post(encrypt, json={"plaintext": encoded, "additionalAuthenticatedData": encoded})
        assert good.status_code == 200
        requests: list[tuple[str, str, Any]] = [
            ("POST", encrypt, {"plaintext": encoded, "plaintextCrc32c": "1"}),
            ("POST", encrypt, {"plaintext": encoded, canary: 1, "x": canary}),
            ("POST", encrypt, {"plaintext": f"{canary}!"}),
            ("POST", encrypt.replace("/keys/", "/keys/no-"), {"plaintext": encoded}),
            ("POST", decrypt, {"ciphertext": good.json()["ciphertext"], "additionalAuthenticatedData": "YQ=="}),
            ("POST", decrypt, {"ciphertext": encoded, "additionalAuthenticatedData": encoded}),
        ]
        for verb, path, body in requests:
            answer = client.request(verb, path, json=body)
            assert answer.status_code >= 400
            if canary not in body:  # a name that the client made up is told back: it is what is wrong
                answers.append(answer.content)
        answers.append(client.get(PETS, headers={"authorization": f"Bearer {canary}"}).content)
        answers.append(client.get(f"{PETS}?access_token={canary}", headers={"authorization": ""}).content)
        grant = {"grant_type": "client_credentials"}
        client_id = mesh.client(mesh.first)["client_id"]
        refused = client.post("/oauth2/token", data=grant, auth=(client_id, canary))
        assert refused.status_code == 401
        answers.append(refused.content)
        answers.append(client.post("/oauth2/token", data={**grant, "client_secret": canary, "client_id": client_id}).content)
        issued = client.post("/oauth2/token", data=grant, auth=(client_id, mesh.client(mesh.first)["client_secret"])).json()
        created = client.post(
            "/service/v1/orgs/demo/clients?clientId=canary",
            json={"displayName": "canary", "scopes": ["petstore.nothing.do"], "orgs": ["orgs/demo"]},
        ).json()
    hidden = [canary, encoded, encoded.rstrip("="), canary.encode().hex()]
    hidden += [token, issued["access_token"], issued["access_token"].rpartition(".")[2]]
    hidden += [client["client_secret"] for client in mesh.demo["clients"]] + [created["clientSecret"]]
    logs = [
        file for file in mesh.home.rglob("*") if file.is_file() and (file.parent.name in ("logs", "audit") or ".log" in file.name)
    ]
    assert {"kms.log", "gateway.log", "authz.log"} <= {file.name for file in logs}
    assert any(file.parent.name == "audit" and file.stat().st_size for file in logs)
    told = {str(file.relative_to(mesh.home)): file.read_bytes() for file in logs} | {
        f"answer {number}": answer for number, answer in enumerate(answers)
    }
    found = [(place, secret[:12]) for place, content in told.items() for secret in hidden if secret.encode() in content]
    assert found == []
