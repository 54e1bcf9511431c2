"""What pki's operations need from outside: a ledger that keeps, and a sealer for the keys in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from trustmesh_chassis.storage.listing import Query
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.trust import Bundle, Intermediate, IssuedLeaf, JoinToken, Root


class Reads(Protocol):
    """One consistent look at the ledger."""

    async def bundle(self, trust_domain: str) -> Bundle:
        """The bundle of a trust domain, without roots and at sequence 0 when it has none."""
        ...

    async def intermediates(self) -> Sequence[Intermediate]:
        """All intermediates, newest first."""
        ...

    async def allowed_names(self, service: str) -> AltNames:
        """The names that the service's redeemed join tokens promised."""
        ...

    async def identity(self, id: str) -> IssuedLeaf | None: ...

    async def identities(self, query: Query) -> Sequence[IssuedLeaf]: ...

    async def join_tokens(self, query: Query) -> Sequence[JoinToken]: ...


class Changes(Reads, Protocol):
    """Changes that happen together or not at all; a row that is read here is locked until they do."""

    async def add_root(self, root: Root) -> None: ...

    async def remove_root(self, root: Root) -> None: ...

    async def add_intermediate(self, intermediate: Intermediate) -> None:
        """Raises IntermediateExists."""
        ...

    async def replace_intermediate(self, intermediate: Intermediate) -> None: ...

    async def add_join_token(self, token: JoinToken) -> None:
        """Raises JoinTokenExists."""
        ...

    async def join_token(self, *, digest: bytes | None = None, id: str | None = None) -> JoinToken | None:
        """The token with that digest or id, locked: of two redemptions the second waits and reads what the first wrote."""
        ...

    async def replace_join_token(self, token: JoinToken) -> None: ...

    async def remove_join_token(self, id: str) -> None: ...

    async def record(self, leaf: IssuedLeaf) -> None:
        """Add a certificate to the history."""
        ...

    async def forget_identities(self, before: datetime) -> int:
        """Delete the history of certificates that ended before a time; returns how many."""
        ...


class Ledger(Protocol):
    """The state of pki."""

    def look(self) -> AbstractAsyncContextManager[Reads]: ...

    def change(self) -> AbstractAsyncContextManager[Changes]: ...


class Sealer(Protocol):
    """Keeps private keys unreadable at rest."""

    def seal(self, secret: bytes, context: str) -> bytes:
        """Ciphertext that `open` takes back under the same context alone."""
        ...

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises DataLoss for what this sealer did not seal under `context`."""
        ...
