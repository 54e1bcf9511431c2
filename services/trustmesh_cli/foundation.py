"""Lays what the services stand on, through the functions that their own packages have for it.

Importing these packages takes time, so it happens inside the functions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trustmesh_cli.home import DemoClient, Home, Mesh, write_private

if TYPE_CHECKING:
    from trustmesh_cli.installation import Account


def new_secret(random: bytes) -> str:
    """A client secret of 256 random bits."""
    from trustmesh_identity.authz.clients import make_secret

    return make_secret(random)


def seed(home: Home, accounts: Sequence[tuple[Account, DemoClient]], storage: str) -> None:
    """Leave the demo accounts for authz's next start, unless the database called `storage` has taken in just these."""
    from trustmesh_identity.authz.seed import SeedClient, write_seed

    clients = [
        SeedClient(
            org=account.orgs[0],
            id=account.name,
            display_name=account.purpose,
            scopes=tuple(account.scope.split()),
            orgs=account.orgs,
            client_id=client.client_id,
            client_secret=client.client_secret,
        )
        for account, client in accounts
    ]
    left = home.service("authz") / "seeded.json"
    told: dict[str, str] = json.loads(left.read_text()) if left.exists() else {}
    if storage == "sqlite" and not (home.service("authz") / "data.db").exists():
        told.pop(storage, None)
    print_of_all = hashlib.sha256(repr(clients).encode()).hexdigest()
    if told.get(storage) != print_of_all:
        write_seed(home.path, clients)
        write_private(left, json.dumps({**told, storage: print_of_all}))


def lay(home: Home, mesh: Mesh, services: Sequence[str]) -> None:
    """Make each service's directory."""
    for service in services:
        home.service(service).mkdir(mode=0o700, parents=True, exist_ok=True)
