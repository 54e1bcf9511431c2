"""What every implementation of the repositories does, on memory, SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_chassis.storage import Database, EtagMismatch
from trustmesh_chassis.storage.testing import schema_differences
from trustmesh_identity.authz.clients import Client, digest_of, make_client
from trustmesh_identity.authz.errors import ClientExists, ClientNotFound
from trustmesh_identity.authz.memory import MemoryClients, MemorySigningKeys
from trustmesh_identity.authz.ports import ClientRepository, SigningKeyRepository
from trustmesh_identity.authz.signing_keys import Keys, Rotation, SigningKey, State, advance, current_of, published
from trustmesh_identity.authz.store import METADATA, SqlClients, SqlSigningKeys

NOW = datetime(2026, 11, 21, 2, 0, 0, 123456, tzinfo=UTC)
ROTATION = Rotation(period=timedelta(days=30), lead=timedelta(minutes=5), linger=timedelta(minutes=11))


@dataclass(frozen=True)
class Store:
    clients: ClientRepository
    signing_keys: SigningKeyRepository


@pytest.fixture
async def store(storage_url: str) -> AsyncIterator[Store]:
    if storage_url == "memory:":
        yield Store(MemoryClients(), MemorySigningKeys())
        return
    database = await Database.open(storage_url, METADATA, "trustmesh_identity.authz:migrations", clock=lambda: NOW)
    yield Store(SqlClients(database), SqlSigningKeys(database))
    await database.close()


def client(org: str = "demo", id: str = "a", client_id: str = "demo.a") -> Client:
    return make_client(
        org,
        id,
        display_name="Ä client",
        scopes=("kms.*", "petstore.pets.get"),
        orgs=("demo", "other"),
        secret_digest=digest_of("secret"),
        client_id=client_id,
        now=NOW,
    )


async def test_added_client_is_got_and_found(store: Store) -> None:
    await store.clients.add(client())
    assert await store.clients.get("demo", "a") == client()
    assert await store.clients.find("demo", "demo.a") == client()


async def test_what_is_not_there(store: Store) -> None:
    with pytest.raises(ClientNotFound):
        await store.clients.get("demo", "a")
    assert await store.clients.find("demo", "demo.a") is None
    assert await store.clients.list("demo", "", 10) == []


async def test_another_organisation_sees_nothing(store: Store) -> None:
    await store.clients.add(client())
    with pytest.raises(ClientNotFound):
        await store.clients.get("other", "a")
    assert await store.clients.find("other", "demo.a") is None
    assert await store.clients.list("other", "", 10) == []
    with pytest.raises(EtagMismatch):
        await store.clients.delete(replace(client(), org="other"))
    with pytest.raises(EtagMismatch):
        await store.clients.replace(replace(client(), org="other", revision=2))
    await store.clients.add(client("other"))
    assert await store.clients.get("demo", "a") == client()


async def test_add_refuses_a_taken_id(store: Store) -> None:
    await store.clients.add(client())
    with pytest.raises(ClientExists):
        await store.clients.add(client(client_id="demo.b"))


async def test_replace_writes_everything(store: Store) -> None:
    await store.clients.add(client())
    rotated = client().with_secret(digest_of("new"), NOW + timedelta(seconds=1), timedelta(hours=1))
    await store.clients.replace(rotated)
    assert await store.clients.get("demo", "a") == rotated
    changed = rotated.changed(NOW, display_name="b", scopes=("*",), orgs=("demo",))
    await store.clients.replace(changed)
    assert await store.clients.get("demo", "a") == changed


async def test_replace_and_delete_refuse_what_changed_meanwhile(store: Store) -> None:
    await store.clients.add(client())
    changed = client().changed(NOW, display_name="b")
    await store.clients.replace(changed)
    with pytest.raises(EtagMismatch):
        await store.clients.replace(changed)
    with pytest.raises(EtagMismatch):
        await store.clients.delete(client())
    await store.clients.delete(changed)
    with pytest.raises(EtagMismatch):
        await store.clients.delete(changed)
    with pytest.raises(EtagMismatch):
        await store.clients.replace(changed.changed(NOW))


async def test_made_again_is_another_client(store: Store) -> None:
    """A change that was prepared for the client before it does not touch the one of the same name."""
    await store.clients.add(client())
    await store.clients.delete(client())
    await store.clients.add(client(client_id="demo.b"))
    with pytest.raises(EtagMismatch):
        await store.clients.replace(client().changed(NOW, scopes=("*",)))
    assert await store.clients.find("demo", "demo.a") is None


async def test_list_pages_by_id(store: Store) -> None:
    for id in ("c", "a", "b", "a-1"):
        await store.clients.add(client(id=id, client_id=f"demo.{id}"))
    assert [each.id for each in await store.clients.list("demo", "", 3)] == ["a", "a-1", "b"]
    assert [each.id for each in await store.clients.list("demo", "b", 3)] == ["c"]


async def test_of_parallel_changes_one_wins(store: Store) -> None:
    await store.clients.add(client())
    changes = [store.clients.replace(client().changed(NOW, display_name=str(number))) for number in range(8)]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert [each for each in results if each is None] == [None]
    assert all(isinstance(each, EtagMismatch) for each in results if each is not None)


def new_key(sequence: int) -> SigningKey:
    return SigningKey(sequence, f"k{sequence}", State.NEXT, bytes(32), b"y" * 32, b"sealed", NOW)


@dataclass(frozen=True)
class Step:
    """advance at a moment, as the keyring applies it."""

    now: datetime

    def __call__(self, keys: Keys) -> Keys:
        return advance(keys, self.now, ROTATION, new_key)


async def test_signing_keys_are_kept_as_they_are(store: Store) -> None:
    assert await store.signing_keys.load() == ()
    made = await store.signing_keys.change(Step(NOW))
    assert await store.signing_keys.load() == made
    noted = await store.signing_keys.change(lambda keys: published(keys, ["k1", "k2"], NOW))
    due = NOW + ROTATION.period
    rotated = await store.signing_keys.change(Step(due))
    assert [key.kid for key in noted] == ["k1", "k2"] and [key.kid for key in rotated] == ["k1", "k2", "k3"]
    assert await store.signing_keys.load() == rotated
    dropped = await store.signing_keys.change(Step(due + ROTATION.linger))
    assert await store.signing_keys.load() == dropped == rotated[1:]


async def test_a_step_that_fails_changes_nothing(store: Store) -> None:
    made = await store.signing_keys.change(Step(NOW))

    def fail(keys: Keys) -> Keys:
        raise LookupError

    with pytest.raises(LookupError):
        await store.signing_keys.change(fail)
    assert await store.signing_keys.load() == made


async def test_instances_that_rotate_at_once_agree(store: Store) -> None:
    await asyncio.gather(*(store.signing_keys.change(Step(NOW)) for _ in range(6)))
    first = await store.signing_keys.change(lambda keys: published(keys, ["k1", "k2"], NOW))
    assert [key.kid for key in first] == ["k1", "k2"]
    await asyncio.gather(*(store.signing_keys.change(Step(NOW + ROTATION.period)) for _ in range(6)))
    rotated = await store.signing_keys.load()
    assert [(key.kid, key.state) for key in rotated] == [("k1", State.RETIRED), ("k2", State.CURRENT), ("k3", State.NEXT)]
    assert current_of(rotated) == rotated[1]


async def test_migrations_make_the_declared_tables(storage_url: str) -> None:
    if storage_url == "memory:":
        return
    database = await Database.open(storage_url, METADATA, "trustmesh_identity.authz:migrations", clock=lambda: NOW)
    await database.close()
    assert await schema_differences(storage_url, METADATA) == []
