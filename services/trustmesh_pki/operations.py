"""What pki does: admit, renew, rotate. Every certificate is on record, durably, before anyone but pki has seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_chassis.storage import require_etag
from trustmesh_chassis.storage.listing import Query, chosen
from trustmesh_pki import certificates
from trustmesh_pki.certificates import AltNames, Authority, LeafRequest
from trustmesh_pki.errors import (
    IdentityNotIssued,
    IntermediateInstalled,
    IntermediateMissing,
    IntermediateRefused,
    JoinTokenMissing,
    JoinTokenSpent,
    JoinTokenUnknown,
    RootMissing,
    RootRefused,
    TrustBundleMissing,
)
from trustmesh_pki.intermediates import install, new_intermediate, one_certificate, open_key
from trustmesh_pki.ports import Changes, Ledger, Reads, Sealer
from trustmesh_pki.trust import (
    TOKEN_BYTES,
    Bundle,
    Cause,
    Intermediate,
    IssuedLeaf,
    JoinToken,
    Root,
    chain_pem,
    check_names,
    issuer_at,
    require_retirable,
    root_of,
    token_digest,
    token_text,
)


@dataclass(frozen=True, slots=True)
class Issuance:
    """A certificate with what its holder needs."""

    leaf: IssuedLeaf
    chain_pem: str
    bundle: Bundle


@dataclass(frozen=True)
class Authorities:
    """The use cases of pki over one trust domain. `random` gives that many random bytes; lifetimes bound what is issued."""

    trust_domain: str
    ledger: Ledger
    sealer: Sealer
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    leaf_lifetime: timedelta = certificates.LEAF_LIFETIME
    root_propagation: timedelta = certificates.LEAF_LIFETIME

    async def join(self, token: str, csr_pem: str) -> Issuance:
        """Redeem a join token for the first certificate.

        Raises RequestRefused, JoinTokenUnknown, JoinTokenExpired, JoinTokenSpent, IssuerMissing.
        """
        request = certificates.read_request(csr_pem)
        async with self.ledger.change() as ledger:
            found = await ledger.join_token(digest=token_digest(token))
            if found is None:
                raise JoinTokenUnknown("There is no such join token; ask for a new one.")
            now = self.clock()
            if not found.admit(request.key_digest, now):
                leaf = await ledger.identity(found.identity)
                if leaf is not None and now < leaf.expire_time:
                    return await self._issuance(ledger, leaf)
            allowed = await ledger.allowed_names(found.service) | found.names
            leaf = await self._issue(ledger, found.service, request, allowed, Cause.JOIN, now)
            await ledger.replace_join_token(found.redeemed(request.key_digest, leaf.id, now))
            return await self._issuance(ledger, leaf)

    async def renew(self, service: str, csr_pem: str) -> Issuance:
        """The next certificate of a service that proved who it is. Raises RequestRefused, IssuerMissing."""
        request = certificates.read_request(csr_pem)
        async with self.ledger.change() as ledger:
            allowed = await ledger.allowed_names(service)
            leaf = await self._issue(ledger, service, request, allowed, Cause.RENEWAL, self.clock())
            return await self._issuance(ledger, leaf)

    async def issue_own(self, service: str, csr_pem: str) -> Issuance:
        """pki's own certificate, with all the names it wants. Raises IssuerMissing."""
        request = certificates.read_request(csr_pem)
        async with self.ledger.change() as ledger:
            leaf = await self._issue(ledger, service, request, request.wanted, Cause.SELF, self.clock())
            return await self._issuance(ledger, leaf)

    async def identity(self, id: str) -> IssuedLeaf:
        """One certificate of the history. Raises IdentityNotIssued."""
        async with self.ledger.look() as ledger:
            leaf = await ledger.identity(id)
        if leaf is None:
            raise IdentityNotIssued(f"There is no identity {id}.")
        return leaf

    async def identities(self, query: Query) -> Sequence[IssuedLeaf]:
        async with self.ledger.look() as ledger:
            return await ledger.identities(query)

    async def forget_identities(self, age: timedelta) -> int:
        """Delete the history of certificates that ended longer ago than `age`; returns how many."""
        async with self.ledger.change() as ledger:
            return await ledger.forget_identities(self.clock() - age)

    async def trust_bundle(self, trust_domain: str) -> Bundle:
        """The roots of one trust domain. Raises TrustBundleMissing."""
        async with self.ledger.look() as ledger:
            bundle = await ledger.bundle(trust_domain)
        if not bundle.roots:
            raise TrustBundleMissing(f"There is no trust bundle of {trust_domain}.")
        return bundle

    async def roots(self, trust_domain: str, query: Query) -> Sequence[Root]:
        """The roots of a bundle. Raises TrustBundleMissing."""
        return chosen((await self.trust_bundle(trust_domain)).roots, query)

    async def create_root(self, trust_domain: str, certificate_pem: str) -> Root:
        """Trust another root; a repeated call changes nothing. Raises RootRefused."""
        certificate = one_certificate(certificate_pem, RootRefused)
        now = self.clock()
        certificates.check_root(certificate, trust_domain, now)
        async with self.ledger.change() as ledger:
            bundle = await ledger.bundle(trust_domain)
            root = root_of(trust_domain, certificate, now, now + self.root_propagation if bundle.roots else now)
            known = next((each for each in bundle.roots if each.id == root.id), None)
            if known is None:
                await ledger.add_root(root)
            return known or root

    async def delete_root(self, trust_domain: str, id: str) -> None:
        """Trust a root no longer. Raises RootMissing, RootInUse."""
        async with self.ledger.change() as ledger:
            bundle = await ledger.bundle(trust_domain)
            root = next((each for each in bundle.roots if each.id == id), None)
            if root is None:
                raise RootMissing(f"The bundle of {trust_domain} has no root {id}.")
            require_retirable(root, bundle, await ledger.intermediates(), self.clock())
            await ledger.remove_root(root)

    async def create_intermediate(self, id: str) -> Intermediate:
        """A new key, sealed, and the request for its certificate. Raises IntermediateExists."""
        now = self.clock()
        intermediate = new_intermediate(self.trust_domain, id or f"i{now:%Y%m%d%H%M%S}", self.sealer, now)
        async with self.ledger.change() as ledger:
            await ledger.add_intermediate(intermediate)
        return intermediate

    async def install_intermediate(self, id: str, certificate_pem: str, etag: str = "") -> Intermediate:
        """Give an intermediate its certificate; the same one again changes nothing.

        Raises IntermediateMissing, IntermediateRefused, IntermediateInstalled, EtagMismatch.
        """
        certificate = one_certificate(certificate_pem, IntermediateRefused)
        async with self.ledger.change() as ledger:
            intermediate = await _intermediate(ledger, id)
            if intermediate.certificate == certificate:
                return intermediate
            require_etag(etag, intermediate.etag)
            if intermediate.certificate is not None:
                raise IntermediateInstalled(f"The intermediate {id} has its certificate; create another one.")
            installed = install(intermediate, certificate, await ledger.bundle(self.trust_domain), self.clock())
            await ledger.replace_intermediate(installed)
            return installed

    async def intermediate(self, id: str) -> Intermediate:
        """Raises IntermediateMissing."""
        async with self.ledger.look() as ledger:
            return await _intermediate(ledger, id)

    async def intermediates(self, query: Query) -> Sequence[Intermediate]:
        async with self.ledger.look() as ledger:
            return chosen(await ledger.intermediates(), query)

    async def check(self) -> None:
        """Raises IssuerMissing when nothing could be issued now."""
        async with self.ledger.look() as ledger:
            issuer_at(await ledger.intermediates(), self.clock())

    async def join_tokens(self, query: Query) -> Sequence[JoinToken]:
        async with self.ledger.look() as ledger:
            return await ledger.join_tokens(query)

    async def create_join_token(self, service: str, names: AltNames, ttl: timedelta, id: str) -> tuple[JoinToken, str]:
        """A join token and its secret, which is not kept. Raises NameRefused, JoinTokenExists."""
        check_names(names, SpiffeId(self.trust_domain, service))
        secret = token_text(self.random(TOKEN_BYTES))
        now = self.clock()
        token = JoinToken(id or self.random(10).hex(), token_digest(secret), service, names, now, now + ttl)
        async with self.ledger.change() as ledger:
            await ledger.add_join_token(token)
        return token, secret

    async def delete_join_token(self, id: str) -> None:
        """Withdraw a token that nobody has redeemed. Raises JoinTokenMissing, JoinTokenSpent."""
        async with self.ledger.change() as ledger:
            token = await ledger.join_token(id=id)
            if token is None:
                raise JoinTokenMissing(f"There is no join token {id}.")
            if token.redeem_time is not None:
                raise JoinTokenSpent(f"The join token {id} has been redeemed; it stays on record.")
            await ledger.remove_join_token(id)

    async def _issue(
        self, ledger: Changes, service: str, request: LeafRequest, allowed: AltNames, cause: Cause, now: datetime
    ) -> IssuedLeaf:
        issuer = issuer_at(await ledger.intermediates(), now)
        assert issuer.certificate is not None
        authority = Authority(issuer.certificate, open_key(issuer, self.sealer))
        spiffe_id = SpiffeId(self.trust_domain, service)
        serial = certificates.serial_number(self.random(certificates.SERIAL_BYTES))
        certificate = certificates.issue_leaf(
            authority, spiffe_id, request, allowed, now=now, lifetime=self.leaf_lifetime, serial=serial
        )
        leaf = IssuedLeaf(f"{serial:x}", service, cause, issuer.id, certificate, now, certificate.not_valid_after_utc)
        await ledger.record(leaf)
        return leaf

    async def _issuance(self, ledger: Changes, leaf: IssuedLeaf) -> Issuance:
        return Issuance(leaf, chain_pem(leaf, await ledger.intermediates()), await ledger.bundle(self.trust_domain))


async def _intermediate(ledger: Reads, id: str) -> Intermediate:
    for each in await ledger.intermediates():
        if each.id == id:
            return each
    raise IntermediateMissing(f"There is no intermediate {id}.")
