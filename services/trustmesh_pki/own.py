"""pki's own identity, issued by itself to itself: the one that nobody can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from trustmesh_chassis.errors import CallError
from trustmesh_chassis.identity import Generation, Issued, IssuerUnavailable
from trustmesh_pki.operations import Authorities
from trustmesh_pki.seeds import take_in_all

PKI = "pki"

OpenAuthorities = Callable[[], AbstractAsyncContextManager[Authorities]]


class OwnIssuer:
    """The agent's issuer inside pki. It opens the ledger for each certificate, twice an hour, and holds on to nothing."""

    def __init__(self, open_authorities: OpenAuthorities, seeds: Path) -> None:
        self._open = open_authorities
        self._seeds = seeds

    async def join(self, csr_pem: str) -> Issued:
        try:
            async with self._open() as authorities:
                await take_in_all(self._seeds, authorities)
                issuance = await authorities.issue_own(PKI, csr_pem)
        except CallError as error:
            raise IssuerUnavailable(str(error)) from error
        return Issued(issuance.chain_pem.encode(), issuance.bundle.pem.encode())

    def joined(self) -> None:
        """Nothing to forget."""

    async def renew(self, csr_pem: str, current: Generation) -> Issued:
        return await self.join(csr_pem)

    async def roots(self, current: Generation) -> bytes:
        try:
            async with self._open() as authorities:
                return (await authorities.trust_bundle(authorities.trust_domain)).pem.encode()
        except CallError as error:
            raise IssuerUnavailable(str(error)) from error
