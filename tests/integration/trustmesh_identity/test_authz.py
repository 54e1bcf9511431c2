"""The authorization server as its app.py builds it, on SQLite, behind the whole pipeline with real mTLS and real tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from trustmesh.authz.v1 import client_pb2, client_service_pb2, signing_key_pb2, signing_key_service_pb2
from trustmesh.authz.v1.client_service_pb2_grpc import ClientServiceStub
from trustmesh.authz.v1.signing_key_service_pb2_grpc import SigningKeyServiceStub
from trustmesh_chassis.service import Application, Runtime, utc_now
from trustmesh_chassis.testing.served import Served, served
from trustmesh_chassis.tokens import Principal, TokenVerifier
from trustmesh_identity.authz.app import build
from trustmesh_identity.authz.seed import SeedClient, seed_client, write_seed
from trustmesh_identity.authz.settings import AuthzSettings

NAME = "orgs/demo/clients/shop"


class Mesh:
    """Configuration as the registry keeps it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    async def publish(self, key: str, value: Any) -> None:
        self.values[key] = value


@dataclass(frozen=True)
class Authz:
    """A running server: its gRPC services and its HTTP application."""

    served: Served
    http: httpx.AsyncClient
    mesh: Mesh

    def clients(self, **token: Any) -> Any:
        return ClientServiceStub(self.served.channel(self.served.issuer.token(**token)))

    def signing_keys(self, **token: Any) -> Any:
        return SigningKeyServiceStub(self.served.channel(self.served.issuer.token(**token)))

    async def token(self, client_id: str, secret: str, **form: str) -> httpx.Response:
        return await self.http.post("/oauth2/token", data={"grant_type": "client_credentials"} | form, auth=(client_id, secret))

    def verify(self, unverified_token: str) -> Principal:
        """As every service of the mesh does, with the keys that were published."""
        verifier = TokenVerifier("https://localhost:8443", "trustmesh", utc_now)
        verifier.use_jwks(json.dumps(self.mesh.values["authz/jwks"]))
        return verifier.verify(unverified_token)


def database_of(home: Path) -> bytes:
    """All that is on disk of the database."""
    return b"".join(file.read_bytes() for file in (home / "services" / "authz").glob("data.db*"))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Authz]:
    settings, mesh = AuthzSettings(home=home, rotation_poll=0.05), Mesh()
    absent = cast(Any, None)  # the service asks for no other service and no identity
    runtime = Runtime("authz", settings, utc_now, absent, cast(Any, mesh), absent)
    runtime.directory.mkdir(parents=True, exist_ok=True)
    application: Application = await build(settings, runtime)
    assert application.http is not None and application.close is not None
    background = [asyncio.create_task(make()) for make in application.background]
    transport = httpx.ASGITransport(application.http)
    async with (
        served(application.servicers, home / "certificates", "authz") as service,
        httpx.AsyncClient(transport=transport, base_url="https://localhost:8443") as http,
    ):
        await until(lambda: "authz/jwks" in mesh.values)
        for check in application.checks.values():
            await check()
        yield Authz(service, http, mesh)
    for task in background:
        task.cancel()
    await asyncio.wait(background)
    await application.close()


@pytest.fixture
def seeded(tmp_path: Path) -> SeedClient:
    client = seed_client("demo", "all", display_name="May do everything", scopes=("*",))
    write_seed(tmp_path, [client])
    return client


@pytest.fixture
async def authz(tmp_path: Path, seeded: SeedClient) -> AsyncIterator[Authz]:
    async with running(tmp_path) as made:
        yield made


def creation(parent: str = "orgs/demo", client_id: str = "shop", **client: Any) -> client_service_pb2.CreateClientRequest:
    message = client_pb2.Client(**({"scopes": ["petstore.*"]} | client))
    return client_service_pb2.CreateClientRequest(parent=parent, client_id=client_id, client=message)


async def refused(call: Any, status: grpc.StatusCode) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    assert error.value.code() is status, error.value.details()
    return error.value.details() or ""


async def test_seeded_client_gets_a_token_that_the_mesh_verifies(authz: Authz, seeded: SeedClient) -> None:
    answer = await authz.token(seeded.client_id, seeded.client_secret)
    principal = authz.verify(answer.json()["access_token"])
    assert principal.may("kms.keys.encrypt") and principal.acts_in("demo") and not principal.acts_in("platform")


async def test_made_client_gets_tokens_until_it_is_deleted(authz: Authz) -> None:
    clients = authz.clients()
    made = await clients.CreateClient(creation(display_name="Shop"))
    answer = await authz.token(made.client.client_id, made.client_secret, scope="petstore.pets.get")
    assert authz.verify(answer.json()["access_token"]).scopes == {"petstore.pets.get"}
    rotated = await clients.RotateClientSecret(client_service_pb2.RotateClientSecretRequest(name=NAME, etag=made.client.etag))
    assert (await authz.token(made.client.client_id, made.client_secret)).status_code == 401
    assert (await authz.token(made.client.client_id, rotated.client_secret)).status_code == 200
    await clients.DeleteClient(client_service_pb2.DeleteClientRequest(name=NAME))
    assert (await authz.token(made.client.client_id, rotated.client_secret)).status_code == 401
    await refused(clients.GetClient(client_service_pb2.GetClientRequest(name=NAME)), grpc.StatusCode.NOT_FOUND)


async def test_audit_is_kept_beside_the_change_without_the_secret(tmp_path: Path, authz: Authz) -> None:
    made = await authz.clients().CreateClient(creation())
    data = database_of(tmp_path)
    assert b'"method":"trustmesh.authz.v1.ClientService.CreateClient"' in data
    assert made.client_secret.encode() not in data


async def test_tenancy_permission_and_grants(authz: Authz) -> None:
    await authz.clients().CreateClient(creation())
    get = client_service_pb2.GetClientRequest(name=NAME)
    await refused(authz.clients(orgs=("other",)).GetClient(get), grpc.StatusCode.NOT_FOUND)
    await refused(authz.clients(scope="authz.clients.list").GetClient(get), grpc.StatusCode.PERMISSION_DENIED)
    lesser = authz.clients(scope="authz.*")
    await refused(lesser.CreateClient(creation(client_id="strong", scopes=["*"])), grpc.StatusCode.PERMISSION_DENIED)
    rotation = client_service_pb2.RotateClientSecretRequest(name=NAME)
    await refused(lesser.RotateClientSecret(rotation), grpc.StatusCode.PERMISSION_DENIED)
    elsewhere = creation(client_id="elsewhere", orgs=["orgs/other"])
    await refused(authz.clients().CreateClient(elsewhere), grpc.StatusCode.PERMISSION_DENIED)
    anonymous: Any = ClientServiceStub(authz.served.channel())
    await refused(anonymous.GetClient(get), grpc.StatusCode.UNAUTHENTICATED)


@pytest.mark.parametrize(
    "request_",
    [
        creation(parent="demo"),
        creation(client_id="Shop"),
        creation(client_id=""),
        creation(scopes=[]),
        creation(scopes=["kms*"]),
        creation(scopes=["kms.**"]),
        creation(scopes=["a", "a"]),
        creation(scopes=[f"a{number}" for number in range(33)]),
        creation(scopes=["a b"]),
        creation(orgs=["demo"]),
        creation(display_name="x" * 129),
    ],
)
async def test_invalid_fields(authz: Authz, request_: client_service_pb2.CreateClientRequest) -> None:
    await refused(authz.clients().CreateClient(request_), grpc.StatusCode.INVALID_ARGUMENT)


async def test_camel_case_permissions_can_be_granted(authz: Authz) -> None:
    made = await authz.clients().CreateClient(creation(scopes=["authz.signingKeys.list", "*", "a.*"]))
    assert list(made.client.scopes) == ["authz.signingKeys.list", "*", "a.*"]


async def test_update_and_list_over_the_wire(authz: Authz) -> None:
    clients = authz.clients()
    made = (await clients.CreateClient(creation())).client
    mask = FieldMask(paths=["display_name"])
    message = client_pb2.Client(name=NAME, display_name="B", etag=made.etag)
    changed = await clients.UpdateClient(client_service_pb2.UpdateClientRequest(client=message, update_mask=mask))
    assert changed.display_name == "B"
    await refused(
        clients.UpdateClient(client_service_pb2.UpdateClientRequest(client=message, update_mask=mask)), grpc.StatusCode.ABORTED
    )
    wrong = client_service_pb2.UpdateClientRequest(client=message, update_mask=FieldMask(paths=["client_id"]))
    await refused(clients.UpdateClient(wrong), grpc.StatusCode.INVALID_ARGUMENT)
    await refused(clients.CreateClient(creation()), grpc.StatusCode.ALREADY_EXISTS)
    page = await clients.ListClients(client_service_pb2.ListClientsRequest(parent="orgs/demo", page_size=1))
    assert [each.name for each in page.clients] == ["orgs/demo/clients/all"] and page.next_page_token


async def test_signing_keys_belong_to_the_platform(authz: Authz) -> None:
    listing = signing_key_service_pb2.ListSigningKeysRequest()
    await refused(authz.signing_keys().ListSigningKeys(listing), grpc.StatusCode.PERMISSION_DENIED)
    operator = authz.signing_keys(orgs=("platform",))
    keys = (await operator.ListSigningKeys(listing)).signing_keys
    assert [key.state for key in keys] == [signing_key_pb2.SigningKey.STATE_NEXT, signing_key_pb2.SigningKey.STATE_CURRENT]
    kids = {key["kid"] for key in authz.mesh.values["authz/jwks"]["keys"]}
    assert {key.name.removeprefix("signingKeys/") for key in keys} == kids
    rotation = signing_key_service_pb2.RotateSigningKeyRequest()
    await refused(operator.RotateSigningKey(rotation), grpc.StatusCode.FAILED_PRECONDITION)


async def test_restart_keeps_clients_and_keys(tmp_path: Path, seeded: SeedClient) -> None:
    async with running(tmp_path) as before:
        token = (await before.token(seeded.client_id, seeded.client_secret)).json()["access_token"]
    async with running(tmp_path) as after:
        after.verify(token)
        assert (await after.token(seeded.client_id, seeded.client_secret)).status_code == 200
        assert after.mesh.values == before.mesh.values


async def test_private_keys_and_secrets_are_not_on_disk(tmp_path: Path, authz: Authz, seeded: SeedClient) -> None:
    data = database_of(tmp_path)
    assert b"\x30\x81\x87\x02\x01\x00\x30\x13" not in data, "a PKCS #8 key of P-256 in the clear"
    assert seeded.client_secret.encode() not in data
