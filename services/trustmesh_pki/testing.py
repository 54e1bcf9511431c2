"""A mesh's trust for tests: a root, an installed intermediate, and requests to feed it."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustmesh_pki import offline
from trustmesh_pki.certificates import AltNames, Authority
from trustmesh_pki.memory import MemoryLedger
from trustmesh_pki.operations import Authorities
from trustmesh_pki.ports import Ledger
from trustmesh_pki.sealing import FileSealer
from trustmesh_pki.trust import pem_of

TRUST_DOMAIN = "trustmesh.local"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@dataclass
class TestClock:
    """A clock that stands still until it is moved."""

    __test__ = False

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class TestTrust:
    """The authorities of one trust domain with their offline root."""

    __test__ = False

    clock: TestClock
    root: Authority
    authorities: Authorities

    @classmethod
    async def start(
        cls, ledger: Ledger | None = None, clock: TestClock | None = None, leaf_lifetime: timedelta = timedelta(hours=1)
    ) -> TestTrust:
        """A root and one intermediate, installed through the operations."""
        clock = clock or TestClock()
        authorities = Authorities(
            trust_domain=TRUST_DOMAIN,
            ledger=ledger or MemoryLedger(),
            sealer=FileSealer(bytes(32), os.urandom),
            clock=clock,
            random=os.urandom,
            leaf_lifetime=leaf_lifetime,
        )
        trust = cls(clock, offline.create_root(TRUST_DOMAIN, now=clock()), authorities)
        await authorities.create_root(TRUST_DOMAIN, pem_of(trust.root.certificate))
        await trust.rotate("first")
        return trust

    async def rotate(self, id: str, root: Authority | None = None) -> None:
        """Create an intermediate, sign it offline, install it."""
        made = await self.authorities.create_intermediate(id)
        signed = offline.sign_intermediate(root or self.root, pem_of(made.csr), now=self.clock())
        await self.authorities.install_intermediate(id, signed)

    async def token(self, service: str = "kms", *dns: str, ttl: timedelta = timedelta(hours=1)) -> str:
        """The secret of a new join token."""
        _, secret = await self.authorities.create_join_token(service, AltNames(frozenset(dns), frozenset()), ttl, "")
        return secret


@dataclass
class TestRequest:
    """A certificate request to be: change what a test is about."""

    __test__ = False

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()

    @property
    def pem(self) -> str:
        names: list[x509.GeneralName] = [
            *(x509.UniformResourceIdentifier(uri) for uri in self.uris),
            *(x509.DNSName(name) for name in self.dns),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in self.ip),
        ]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        return pem_of(builder.sign(self.key, hashes.SHA256()))

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
