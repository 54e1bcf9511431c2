"""What pki keeps, and the rules between: roots, intermediates, join tokens, issued identities. Pure values and functions."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_chassis.storage import etag_of
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.errors import IssuerMissing, JoinTokenExpired, JoinTokenSpent, NameRefused, RootInUse

TOKEN_BYTES = 32
JOIN_TOKEN_TTL = timedelta(hours=1)


class Cause(Enum):
    """Why an identity was issued."""

    JOIN = "join"
    RENEWAL = "renewal"
    SELF = "self"


@dataclass(frozen=True, slots=True)
class Root:
    """A root of a trust domain's bundle; nothing is issued under it before `issue_after`."""

    trust_domain: str
    id: str
    certificate: x509.Certificate
    create_time: datetime
    issue_after: datetime


@dataclass(frozen=True, slots=True)
class Bundle:
    """The roots of one trust domain, oldest first, and how often they have changed."""

    trust_domain: str
    sequence: int
    roots: tuple[Root, ...]

    @property
    def pem(self) -> str:
        return "".join(pem_of(root.certificate) for root in self.roots)


@dataclass(frozen=True, slots=True)
class Intermediate:
    """An issuing authority: requested until its certificate is installed. `sealed_key` is ciphertext."""

    id: str
    csr: x509.CertificateSigningRequest
    sealed_key: bytes
    create_time: datetime
    update_time: datetime
    certificate: x509.Certificate | None = None
    root: str = ""
    issue_after: datetime | None = None

    @property
    def etag(self) -> str:
        return etag_of(self.id, self.certificate.fingerprint(hashes.SHA256()) if self.certificate is not None else None)

    def installed(self, certificate: x509.Certificate, root: Root, now: datetime) -> Intermediate:
        """With its certificate: it issues once every holder of the bundle has had the time to learn of its root."""
        return replace(self, certificate=certificate, root=root.id, issue_after=max(now, root.issue_after), update_time=now)


@dataclass(frozen=True, slots=True)
class JoinToken:
    """Admits one instance of a service, once; `digest` is the secret's SHA-256. `key_digest` is whose key redeemed it."""

    id: str
    digest: bytes
    service: str
    names: AltNames
    create_time: datetime
    expire_time: datetime
    redeem_time: datetime | None = None
    key_digest: bytes | None = None
    identity: str = ""

    def admit(self, key_digest: bytes, now: datetime) -> bool:
        """Whether this redemption is the first; False when it repeats the one that the same key made.

        Raises JoinTokenExpired, JoinTokenSpent.
        """
        if now >= self.expire_time:
            raise JoinTokenExpired(f"The join token's time ended at {self.expire_time:%FT%TZ}; ask for a new one.")
        if self.key_digest is None:
            return True
        if self.key_digest != key_digest:
            raise JoinTokenSpent("The join token has been redeemed; ask for a new one, and find out by whom if it was not you.")
        return False

    def redeemed(self, key_digest: bytes, identity: str, now: datetime) -> JoinToken:
        return replace(self, key_digest=key_digest, identity=identity, redeem_time=now)


@dataclass(frozen=True, slots=True)
class IssuedLeaf:
    """One certificate of the history; `id` is its serial number in hexadecimal."""

    id: str
    service: str
    cause: Cause
    intermediate: str
    certificate: x509.Certificate
    create_time: datetime
    expire_time: datetime


def pem_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def root_of(trust_domain: str, certificate: x509.Certificate, now: datetime, issue_after: datetime) -> Root:
    """A root named by its SHA-256."""
    return Root(trust_domain, certificate.fingerprint(hashes.SHA256()).hex(), certificate, now, issue_after)


def issuer_at(intermediates: Iterable[Intermediate], now: datetime) -> Intermediate:
    """The newest intermediate that may issue now. Raises IssuerMissing."""
    able = [
        each
        for each in intermediates
        if each.certificate is not None
        and each.issue_after is not None
        and each.issue_after <= now < each.certificate.not_valid_after_utc
        and each.certificate.not_valid_before_utc <= now
    ]
    if not able:
        raise IssuerMissing("There is no intermediate to issue with; create one, have the root sign it, and install it.")
    return max(able, key=lambda each: (each.issue_after, each.create_time, each.id))


def require_retirable(root: Root, bundle: Bundle, intermediates: Iterable[Intermediate], now: datetime) -> None:
    """Raises RootInUse while something that chains to the root may still be valid, or for a bundle's last root."""
    if len(bundle.roots) == 1:
        raise RootInUse("It is the only root of the bundle; add its successor first.")
    for each in intermediates:
        if each.root == root.id and each.certificate is not None and now < each.certificate.not_valid_after_utc:
            raise RootInUse(f"The intermediate {each.id} under it is valid until {each.certificate.not_valid_after_utc:%FT%TZ}.")


def check_names(names: AltNames, spiffe_id: SpiffeId) -> None:
    """Raises NameRefused for a name of the trust domain that stands for another service."""
    for name in sorted(names.dns):
        inside = name == spiffe_id.trust_domain or name.endswith(f".{spiffe_id.trust_domain}")
        if inside and name != spiffe_id.host and not name.endswith(f".{spiffe_id.host}"):
            raise NameRefused(f"{name} stands for another service of the mesh; {spiffe_id.service} may be {spiffe_id.host}.")


def token_text(random: bytes) -> str:
    """The secret that is shown once, of `TOKEN_BYTES` random bytes."""
    if len(random) != TOKEN_BYTES:
        raise ValueError(f"a join token needs {TOKEN_BYTES} random bytes")
    return urlsafe_b64encode(random).rstrip(b"=").decode()


def token_digest(text: str) -> bytes:
    """What is stored of the secret: 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).digest()


def chain_pem(leaf: IssuedLeaf, intermediates: Sequence[Intermediate]) -> str:
    """The leaf and its intermediate, as TLS sends them."""
    issuer = next(each.certificate for each in intermediates if each.id == leaf.intermediate)
    assert issuer is not None
    return pem_of(leaf.certificate) + pem_of(issuer)
