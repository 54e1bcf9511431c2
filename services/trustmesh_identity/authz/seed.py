"""Clients that exist from the first start, such as those of the demo organisation.

`trustmesh init` makes them before anything runs, tells the operator their secrets, and leaves their hashes for the service:

    clients = [seed_client("demo", "all", display_name="May do everything", scopes=("*",))]
    write_seed(home, clients)                      # <home>/services/authz/seed.json, mode 0600, no secret in it
    [(each.client_id, each.client_secret) ...]     # for demo.json

At its next start the service takes the file in (a client that exists gets the new id, secret and scopes) and removes it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from trustmesh_identity.authz.clients import SECRET_BYTES, UID_BYTES, Client, digest_of, make_client, make_client_id, make_secret
from trustmesh_identity.authz.errors import ClientExists
from trustmesh_identity.authz.ports import ClientRepository, RandomBytes

FILE = "seed.json"


@dataclass(frozen=True, slots=True)
class SeedClient:
    """A client to be, with its secret in the clear."""

    org: str
    id: str
    display_name: str
    scopes: tuple[str, ...]
    orgs: tuple[str, ...]
    client_id: str
    client_secret: str


def seed_client(
    org: str,
    id: str,
    *,
    display_name: str,
    scopes: tuple[str, ...],
    orgs: tuple[str, ...] = (),
    random_bytes: RandomBytes = secrets.token_bytes,
) -> SeedClient:
    """A client with a new client_id and secret; one without `orgs` acts in its own."""
    return SeedClient(
        org,
        id,
        display_name,
        scopes,
        orgs or (org,),
        client_id=make_client_id(org, random_bytes(UID_BYTES)),
        client_secret=make_secret(random_bytes(SECRET_BYTES)),
    )


def write_seed(home: Path, clients: Iterable[SeedClient]) -> None:
    """Leave `clients` for the service's next start, replacing what was left before."""
    directory = home / "services" / "authz"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    entries = [
        {
            "org": each.org,
            "id": each.id,
            "display_name": each.display_name,
            "scopes": each.scopes,
            "orgs": each.orgs,
            "client_id": each.client_id,
            "secret_sha256": digest_of(each.client_secret).hex(),
        }
        for each in clients
    ]
    beside = directory / f"{FILE}.new"
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(entries, indent=2))
    beside.replace(directory / FILE)


async def take_seed(directory: Path, clients: ClientRepository, now: datetime) -> int:
    """Bring the clients of the seed file in `directory`, if there is one, into the repository and remove it; returns how many."""
    file = directory / FILE
    if not file.exists():
        return 0
    seeded = [_client(entry, now) for entry in json.loads(file.read_text())]
    for client in seeded:
        try:
            await clients.add(client)
        except ClientExists:
            stored = await clients.get(client.org, client.id)
            await clients.delete(stored)
            await clients.add(replace(client, create_time=stored.create_time, revision=stored.revision + 1))
    file.unlink()
    return len(seeded)


def _client(entry: dict[str, object], now: datetime) -> Client:
    def text(key: str) -> str:
        return str(entry[key])

    def texts(key: str) -> tuple[str, ...]:
        values = entry[key]
        return tuple(map(str, values)) if isinstance(values, list) else ()

    return make_client(
        text("org"),
        text("id"),
        display_name=text("display_name"),
        scopes=texts("scopes"),
        orgs=texts("orgs"),
        secret_digest=bytes.fromhex(text("secret_sha256")),
        client_id=text("client_id"),
        now=now,
    )
