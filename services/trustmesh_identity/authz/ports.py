"""What the operations need of the outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from trustmesh_identity.authz.clients import Client
from trustmesh_identity.authz.signing_keys import Keys

Clock = Callable[[], datetime]
RandomBytes = Callable[[int], bytes]


class ClientRepository(Protocol):
    """Clients by organisation."""

    async def add(self, client: Client) -> None:
        """Raises ClientExists."""

    async def get(self, org: str, id: str) -> Client:
        """Raises ClientNotFound."""

    async def find(self, org: str, client_id: str) -> Client | None:
        """The client that calls itself `client_id`, None when there is none."""

    async def list(self, org: str, after: str, limit: int) -> list[Client]:
        """At most `limit` clients whose id is greater than `after`, by id."""

    async def replace(self, client: Client) -> None:
        """Write a client whose revision follows the stored one's. Raises EtagMismatch when it does not, or the client is gone."""

    async def delete(self, client: Client) -> None:
        """Delete the client as it is given. Raises EtagMismatch when it changed meanwhile or is gone."""


class SigningKeyRepository(Protocol):
    """The signing keys, shared by all instances."""

    async def load(self) -> Keys:
        """All keys by sequence."""

    async def change(self, step: Callable[[Keys], Keys]) -> Keys:
        """Replace the keys by what `step` makes of them, in one transaction, and return them.

        `step` may run again when another instance was faster.
        """


class Sealer(Protocol):
    """Encrypts the private parts of signing keys at rest."""

    def seal(self, private: bytes, kid: str) -> bytes: ...

    def unseal(self, sealed: bytes, kid: str) -> bytes:
        """Raises DataLoss for what this sealer did not seal for `kid`."""
