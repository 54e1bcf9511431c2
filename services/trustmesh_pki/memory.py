"""The ledger in memory: the same port, for tests and for trying things out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_

from trustmesh_chassis.storage.listing import Query, chosen
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.errors import IntermediateExists, JoinTokenExists
from trustmesh_pki.ports import Changes, Reads
from trustmesh_pki.trust import Bundle, Intermediate, IssuedLeaf, JoinToken, Root


@dataclass
class MemoryUnit:
    """The state itself; values in it are immutable, so a copy of the dictionaries is a snapshot."""

    sequences: dict[str, int] = field(default_factory=dict)
    roots: dict[tuple[str, str], Root] = field(default_factory=dict)
    authorities: dict[str, Intermediate] = field(default_factory=dict)
    tokens: dict[str, JoinToken] = field(default_factory=dict)
    leaves: dict[str, IssuedLeaf] = field(default_factory=dict)

    def copy(self) -> MemoryUnit:
        return MemoryUnit(dict(self.sequences), dict(self.roots), dict(self.authorities), dict(self.tokens), dict(self.leaves))

    async def bundle(self, trust_domain: str) -> Bundle:
        roots = sorted(
            (root for root in self.roots.values() if root.trust_domain == trust_domain),
            key=lambda root: (root.create_time, root.id),
        )
        return Bundle(trust_domain, self.sequences.get(trust_domain, 0), tuple(roots))

    async def add_root(self, root: Root) -> None:
        self.roots[root.trust_domain, root.id] = root
        self._count_change(root.trust_domain)

    async def remove_root(self, root: Root) -> None:
        del self.roots[root.trust_domain, root.id]
        self._count_change(root.trust_domain)

    async def intermediates(self) -> Sequence[Intermediate]:
        by_id = sorted(self.authorities.values(), key=lambda each: each.id)
        return sorted(by_id, key=lambda each: each.create_time, reverse=True)

    async def add_intermediate(self, intermediate: Intermediate) -> None:
        if intermediate.id in self.authorities:
            raise IntermediateExists(f"The intermediate {intermediate.id} exists; choose another id.")
        self.authorities[intermediate.id] = intermediate

    async def replace_intermediate(self, intermediate: Intermediate) -> None:
        self.authorities[intermediate.id] = intermediate

    async def allowed_names(self, service: str) -> AltNames:
        redeemed = (token for token in self.tokens.values() if token.service == service and token.redeem_time is not None)
        return reduce(or_, (token.names for token in redeemed), AltNames())

    async def add_join_token(self, token: JoinToken) -> None:
        if token.id in self.tokens:
            raise JoinTokenExists(f"The join token {token.id} exists; choose another id.")
        self.tokens[token.id] = token

    async def join_token(self, *, digest: bytes | None = None, id: str | None = None) -> JoinToken | None:
        return next((token for token in self.tokens.values() if digest == token.digest or id == token.id), None)

    async def replace_join_token(self, token: JoinToken) -> None:
        self.tokens[token.id] = token

    async def remove_join_token(self, id: str) -> None:
        del self.tokens[id]

    async def join_tokens(self, query: Query) -> Sequence[JoinToken]:
        return chosen(self.tokens.values(), query)

    async def record(self, leaf: IssuedLeaf) -> None:
        self.leaves[leaf.id] = leaf

    async def identity(self, id: str) -> IssuedLeaf | None:
        return self.leaves.get(id)

    async def identities(self, query: Query) -> Sequence[IssuedLeaf]:
        return chosen(self.leaves.values(), query)

    async def forget_identities(self, before: datetime) -> int:
        ended = [id for id, leaf in self.leaves.items() if leaf.expire_time < before]
        for id in ended:
            del self.leaves[id]
        return len(ended)

    def _count_change(self, trust_domain: str) -> None:
        self.sequences[trust_domain] = self.sequences.get(trust_domain, 0) + 1


class MemoryLedger:
    """The ledger of one process."""

    def __init__(self) -> None:
        self._state = MemoryUnit()
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Reads]:
        yield self._state.copy()

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Changes]:
        async with self._changing:
            changed = self._state.copy()
            yield changed
            self._state = changed
