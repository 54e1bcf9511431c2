import secrets
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from trustmesh.authz.v1 import client_pb2, client_service_pb2, signing_key_pb2, signing_key_service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.errors import Unauthenticated
from trustmesh_chassis.storage import EtagMismatch, InvalidPageToken, PageTokens
from trustmesh_chassis.tokens import Principal
from trustmesh_identity.authz.clients import SecretRefused, verify_secret
from trustmesh_identity.authz.errors import ClientExists, ClientNotFound, GrantNotHeld
from trustmesh_identity.authz.keyring import Keyring
from trustmesh_identity.authz.memory import MemoryClients, MemorySigningKeys
from trustmesh_identity.authz.sealing import FileSealer
from trustmesh_identity.authz.servicer import ClientServicer, SigningKeyServicer
from trustmesh_identity.authz.signing_keys import Rotation

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
PAGE_TOKENS = PageTokens(bytes(32))
NAME = "orgs/demo/clients/a"
ADMIN = Principal("admin", "admin", frozenset({"demo", "other"}), frozenset({"*"}), 1, "t", 0)
LESSER = Principal("lesser", "lesser", frozenset({"demo"}), frozenset({"authz.*", "kms.keys.get"}), 1, "t", 0)


def call(principal: Principal | None = ADMIN) -> Call:
    """The part of a call that these servicers read."""
    return cast(Call, SimpleNamespace(principal=principal))


class Clients:
    def __init__(self) -> None:
        self.repository = MemoryClients()
        self.servicer = ClientServicer(self.repository, PAGE_TOKENS, lambda: NOW, secrets.token_bytes)

    async def create(
        self, id: str = "a", principal: Principal | None = ADMIN, **client: Any
    ) -> client_service_pb2.CreateClientResponse:
        message = client_pb2.Client(**({"scopes": ["kms.*"]} | client))
        request = client_service_pb2.CreateClientRequest(parent="orgs/demo", client_id=id, client=message)
        return await self.servicer.CreateClient(request, call(principal))

    async def get(self, name: str = NAME) -> client_pb2.Client:
        return await self.servicer.GetClient(client_service_pb2.GetClientRequest(name=name), call())

    async def update(self, *paths: str, principal: Principal = ADMIN, **client: Any) -> client_pb2.Client:
        message = client_pb2.Client(**({"name": NAME} | client))
        request = client_service_pb2.UpdateClientRequest(client=message, update_mask=FieldMask(paths=paths))
        return await self.servicer.UpdateClient(request, call(principal))

    async def rotate(self, principal: Principal = ADMIN, **fields: Any) -> client_service_pb2.RotateClientSecretResponse:
        request = client_service_pb2.RotateClientSecretRequest(**({"name": NAME} | fields))
        return await self.servicer.RotateClientSecret(request, call(principal))

    async def page(self, size: int, token: str = "", parent: str = "orgs/demo") -> client_service_pb2.ListClientsResponse:
        request = client_service_pb2.ListClientsRequest(parent=parent, page_size=size, page_token=token)
        return await self.servicer.ListClients(request, call())


@pytest.fixture
def clients() -> Clients:
    return Clients()


async def test_create_shows_the_secret_once(clients: Clients) -> None:
    made = await clients.create(display_name="A", scopes=["kms.*", "petstore.pets.get"])
    assert made.client.name == NAME and made.client.client_id.startswith("demo.")
    assert list(made.client.orgs) == ["orgs/demo"] and made.client.create_time.ToDatetime(UTC) == NOW
    assert not made.client.HasField("previous_secret_expire_time")
    found = await clients.repository.find("demo", made.client.client_id)
    assert verify_secret(found, made.client_secret, NOW).id == "a"
    got = await clients.get()
    assert got == made.client and made.client_secret not in str(got)


async def test_create_refuses_a_taken_id(clients: Clients) -> None:
    await clients.create()
    with pytest.raises(ClientExists):
        await clients.create()


@pytest.mark.parametrize(
    "client",
    [{"scopes": ["kms.keys.get", "kms.keys.encrypt"]}, {"scopes": ["*"]}, {"scopes": ["kms.*"]}, {"orgs": ["orgs/other"]}],
)
async def test_nobody_grants_more_than_they_hold(clients: Clients, client: dict[str, Any]) -> None:
    with pytest.raises(GrantNotHeld):
        await clients.create(principal=LESSER, **({"scopes": ["kms.keys.get"]} | client))
    with pytest.raises(ClientNotFound):
        await clients.get()
    await clients.create(principal=LESSER, scopes=["kms.keys.get"])
    with pytest.raises(GrantNotHeld):
        await clients.update(principal=LESSER, **client)


async def test_nobody_takes_over_a_stronger_client(clients: Clients) -> None:
    made = await clients.create(scopes=["*"])
    with pytest.raises(GrantNotHeld):
        await clients.rotate(LESSER)
    found = await clients.repository.find("demo", made.client.client_id)
    verify_secret(found, made.client_secret, NOW)


async def test_lesser_may_rename_and_weaken_a_stronger_client(clients: Clients) -> None:
    await clients.create(scopes=["*", "kms.*"])
    assert (await clients.update(principal=LESSER, display_name="B")).display_name == "B"
    assert list((await clients.update(principal=LESSER, scopes=["kms.*"])).scopes) == ["kms.*"]


async def test_without_a_principal_nothing_is_granted(clients: Clients) -> None:
    with pytest.raises(Unauthenticated):
        await clients.create(principal=None)


async def test_get_of_an_unknown_client(clients: Clients) -> None:
    with pytest.raises(ClientNotFound):
        await clients.get()


async def test_list_pages(clients: Clients) -> None:
    for id in ("c", "a", "b"):
        await clients.create(id)
    first = await clients.page(2)
    assert [each.name[-1] for each in first.clients] == ["a", "b"]
    last = await clients.page(2, first.next_page_token)
    assert [each.name[-1] for each in last.clients] == ["c"] and last.next_page_token == ""
    with pytest.raises(InvalidPageToken):
        await clients.page(2, first.next_page_token, parent="orgs/other")


async def test_update_by_mask_and_by_what_is_set(clients: Clients) -> None:
    before = (await clients.create(display_name="A")).client
    masked = await clients.update("display_name", display_name="B", scopes=["pki.*"])
    assert masked.display_name == "B" and list(masked.scopes) == ["kms.*"] and masked.etag != before.etag
    assert list((await clients.update(scopes=["pki.*"], orgs=["orgs/demo", "orgs/other"])).orgs) == ["orgs/demo", "orgs/other"]
    everything = await clients.update("*", scopes=["kms.*"])
    assert everything.display_name == "" and list(everything.orgs) == ["orgs/demo"]


async def test_changes_of_a_stale_client_are_refused(clients: Clients) -> None:
    stale = (await clients.create()).client.etag
    await clients.update(display_name="B", etag=stale)
    with pytest.raises(EtagMismatch):
        await clients.update(display_name="C", etag=stale)
    with pytest.raises(EtagMismatch):
        await clients.rotate(etag=stale)
    with pytest.raises(EtagMismatch):
        await clients.servicer.DeleteClient(client_service_pb2.DeleteClientRequest(name=NAME, etag=stale), call())
    assert (await clients.get()).display_name == "B"


async def test_delete(clients: Clients) -> None:
    etag = (await clients.create()).client.etag
    await clients.servicer.DeleteClient(client_service_pb2.DeleteClientRequest(name=NAME, etag=etag), call())
    with pytest.raises(ClientNotFound):
        await clients.get()


async def test_rotate_secret_with_and_without_overlap(clients: Clients) -> None:
    made = await clients.create()
    kept = await clients.rotate(previous_secret_ttl=Duration(seconds=60))
    found = await clients.repository.find("demo", made.client.client_id)
    for secret in (made.client_secret, kept.client_secret):
        verify_secret(found, secret, NOW)
    assert kept.client.previous_secret_expire_time.ToDatetime(UTC) == NOW + timedelta(seconds=60)
    ended = await clients.rotate(etag=kept.client.etag)
    found = await clients.repository.find("demo", made.client.client_id)
    for secret in (made.client_secret, kept.client_secret):
        with pytest.raises(SecretRefused):
            verify_secret(found, secret, NOW)
    verify_secret(found, ended.client_secret, NOW)


async def test_signing_keys_are_listed_newest_first_and_rotated() -> None:
    now = NOW
    rotation = Rotation(timedelta(days=30), timedelta(minutes=5), timedelta(minutes=11))
    keyring = Keyring(MemorySigningKeys(), FileSealer(bytes(32), secrets.token_bytes), rotation, lambda: now)
    servicer = SigningKeyServicer(keyring, PAGE_TOKENS)
    await keyring.refresh()
    await keyring.mark_published([key.kid for key in keyring.keys])
    now += timedelta(minutes=5)
    upcoming = keyring.keys[1].kid
    rotated = await servicer.RotateSigningKey(signing_key_service_pb2.RotateSigningKeyRequest(), call())
    assert rotated.name == f"signingKeys/{upcoming}" and rotated.state == signing_key_pb2.SigningKey.STATE_CURRENT
    first = await servicer.ListSigningKeys(signing_key_service_pb2.ListSigningKeysRequest(page_size=2), call())
    assert [key.state for key in first.signing_keys] == [
        signing_key_pb2.SigningKey.STATE_NEXT,
        signing_key_pb2.SigningKey.STATE_CURRENT,
    ]
    request = signing_key_service_pb2.ListSigningKeysRequest(page_size=2, page_token=first.next_page_token)
    last = await servicer.ListSigningKeys(request, call())
    (retired,) = last.signing_keys
    assert retired.state == signing_key_pb2.SigningKey.STATE_RETIRED and retired.HasField("expire_time")
    assert last.next_page_token == ""
