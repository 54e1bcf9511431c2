"""Lays what the services stand on, through the functions that their own packages have for it.

Importing these packages takes time, so it happens inside the functions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from trustmesh_cli.home import DemoClient, Home, Mesh, write_private
from trustmesh_cli.problem import Exit, Problem

if TYPE_CHECKING:
    from trustmesh_cli.installation import Account


def new_secret(random: bytes) -> str:
    """A client secret of 256 random bits."""
    from trustmesh_identity.authz.clients import make_secret

    return make_secret(random)


def lay(home: Home, mesh: Mesh, services: Sequence[str], storage: str, clock: Callable[[], datetime]) -> None:
    """Make the offline root, the first intermediate, and a join token for each service that has no valid identity."""
    from trustmesh_pki.offline import initialize_trust

    last_intermediate = home.offline / "intermediate.pem"
    if last_intermediate.exists() and not _knows_intermediate(home, storage):
        last_intermediate.unlink()  # it is in another database than the one that pki is about to use: make a new one
    try:
        initialize_trust(home.path, mesh.trust_domain, services, clock)
    except (ValueError, TypeError) as error:
        raise Problem(
            f"the offline root in {home.offline} cannot be used ({error})", "bring it back from a backup", Exit.DAMAGED
        ) from None
    _tell(home, "pki", storage, "")


def lapsed(home: Home, mesh: Mesh, services: Sequence[str], now: datetime) -> list[str]:
    """The services that have neither a certificate which is good now nor a join token to get one with."""
    from trustmesh_chassis.identity import IdentityRefused, SpiffeId
    from trustmesh_chassis.identity.generation import CURRENT, load

    def is_lapsed(service: str) -> bool:
        try:
            load(home.service(service) / "identity" / CURRENT, SpiffeId(mesh.trust_domain, service), now)
        except IdentityRefused:
            return not (home.service(service) / "join-token").exists()
        return False

    return [service for service in services if is_lapsed(service)]


def _knows_intermediate(home: Home, storage: str) -> bool:
    directory = home.service("pki")
    if storage == "sqlite":
        return (directory / "data.db").exists() or any((directory / "seeds").glob("*.json"))
    return storage in _told(home, "pki")


def _told(home: Home, service: str) -> dict[str, str]:
    """What a service's databases were given, by the storage that they are in."""
    file = home.service(service) / "seeded.json"
    told: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return told


def _tell(home: Home, service: str, storage: str, what: str) -> None:
    home.service(service).mkdir(mode=0o700, parents=True, exist_ok=True)
    told = _told(home, service)
    if told.get(storage) != what:
        write_private(home.service(service) / "seeded.json", json.dumps({**told, storage: what}))


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
    fingerprint = hashlib.sha256(repr(clients).encode()).hexdigest()
    is_new = storage == "sqlite" and not (home.service("authz") / "data.db").exists()
    if is_new or _told(home, "authz").get(storage) != fingerprint:
        write_seed(home.path, clients)
        _tell(home, "authz", storage, fingerprint)
