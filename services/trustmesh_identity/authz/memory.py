"""The repositories in memory."""

from __future__ import annotations

from collections.abc import Callable

from trustmesh_chassis.storage import EtagMismatch
from trustmesh_identity.authz.clients import Client
from trustmesh_identity.authz.errors import ClientExists, ClientNotFound
from trustmesh_identity.authz.signing_keys import Keys


class MemoryClients:
    """ClientRepository."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Client] = {}

    async def add(self, client: Client) -> None:
        if (client.org, client.id) in self._clients:
            raise ClientExists(f"{client.name} exists.")
        self._clients[client.org, client.id] = client

    async def get(self, org: str, id: str) -> Client:
        client = self._clients.get((org, id))
        if client is None:
            raise ClientNotFound(f"orgs/{org}/clients/{id} does not exist.")
        return client

    async def find(self, org: str, client_id: str) -> Client | None:
        return next((each for each in self._clients.values() if (each.org, each.client_id) == (org, client_id)), None)

    async def list(self, org: str, after: str, limit: int) -> list[Client]:
        clients = (each for each in self._clients.values() if each.org == org and each.id > after)
        return sorted(clients, key=lambda each: each.id)[:limit]

    async def replace(self, client: Client) -> None:
        self._require(client, client.revision - 1)
        self._clients[client.org, client.id] = client

    async def delete(self, client: Client) -> None:
        self._require(client, client.revision)
        del self._clients[client.org, client.id]

    def _require(self, client: Client, revision: int) -> None:
        stored = self._clients.get((client.org, client.id))
        if stored is None or (stored.client_id, stored.revision) != (client.client_id, revision):
            raise EtagMismatch(f"{client.name} changed meanwhile; read it again.")


class MemorySigningKeys:
    """SigningKeyRepository."""

    def __init__(self) -> None:
        self._keys: Keys = ()

    async def load(self) -> Keys:
        return self._keys

    async def change(self, step: Callable[[Keys], Keys]) -> Keys:
        self._keys = step(self._keys)
        return self._keys
