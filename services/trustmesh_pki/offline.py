"""The offline root, and the beginning of a mesh: what `trustmesh init` and `trustmesh up` call where the home lies.

    initialize_trust(home, trust_domain, services, clock) -> dict[service, path of its new join token]

makes the root, the first intermediate and a join token for every service that has no valid identity. It changes nothing that is
well, so it is called before every start: after a night that outlasted the leaves it hands out new tokens, and it replaces an
intermediate that is near its end. pki, running or not, takes in what it leaves (see `seeds`).

    create_root(trust_domain, now=...)         -> Authority
    sign_intermediate(root, csr_pem, now=...)  -> the certificate as PEM
    save_root(home, root, passphrase), load_root(home, passphrase)

are the steps for an operator who keeps the root elsewhere: delete offline/root.key from the home after copying it, rotate with
CreateIntermediate, `sign_intermediate`, InstallIntermediate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustmesh_chassis.identity.generation import CURRENT, IdentityRefused, load, write_durably
from trustmesh_chassis.identity.request import local_names
from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_pki import certificates
from trustmesh_pki.certificates import INTERMEDIATE_LIFETIME, ROOT_LIFETIME, SERIAL_BYTES, AltNames, Authority, serial_number
from trustmesh_pki.errors import IntermediateRefused
from trustmesh_pki.intermediates import new_intermediate
from trustmesh_pki.sealing import open_sealer
from trustmesh_pki.seeds import Seed
from trustmesh_pki.trust import TOKEN_BYTES, Intermediate, JoinToken, pem_of, token_digest, token_text

PKI = "pki"
SEED_TOKEN_TTL = timedelta(days=1)
MARGIN = timedelta(minutes=2)
"""An identity that ends sooner counts as none: its service might not live to renew it."""

Random = Callable[[int], bytes]
Clock = Callable[[], datetime]


def create_root(
    trust_domain: str, *, now: datetime, lifetime: timedelta = ROOT_LIFETIME, random: Random = os.urandom
) -> Authority:
    """A new root with a P-384 key."""
    key = ec.generate_private_key(ec.SECP384R1())
    return certificates.make_root(trust_domain, key, now=now, lifetime=lifetime, serial=serial_number(random(SERIAL_BYTES)))


def sign_intermediate(
    root: Authority, csr_pem: str, *, now: datetime, lifetime: timedelta = INTERMEDIATE_LIFETIME, random: Random = os.urandom
) -> str:
    """The certificate, as PEM, for the request of CreateIntermediate. Raises IntermediateRefused."""
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
    except ValueError as error:
        raise IntermediateRefused(f"The request cannot be read ({error}).") from None
    serial = serial_number(random(SERIAL_BYTES))
    return pem_of(certificates.sign_intermediate(root, csr, now=now, lifetime=lifetime, serial=serial))


def save_root(home: Path, root: Authority, passphrase: bytes | None = None) -> None:
    """Write offline/root.key (mode 0600, encrypted under a passphrase if there is one) and offline/root.pem."""
    offline = home / "offline"
    offline.mkdir(mode=0o700, parents=True, exist_ok=True)
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    key = root.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    write_durably(offline / "root.pem", pem_of(root.certificate).encode(), 0o644)
    write_durably(offline / "root.key", key, 0o600)


def load_root(home: Path, passphrase: bytes | None = None) -> Authority:
    """The root of save_root. Raises FileNotFoundError; TypeError or ValueError for a wrong or missing passphrase."""
    key = serialization.load_pem_private_key((home / "offline" / "root.key").read_bytes(), passphrase)
    certificate = x509.load_pem_x509_certificate((home / "offline" / "root.pem").read_bytes())
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("offline/root.key is not the key of offline/root.pem")
    return Authority(certificate, key)


def initialize_trust(
    home: Path,
    trust_domain: str,
    services: Iterable[str],
    clock: Clock,
    *,
    addresses: Iterable[str] = (),
    passphrase: bytes | None = None,
    random: Random = os.urandom,
) -> dict[str, Path]:
    """Make or mend the trust of a home; returns the join-token file of each service that needs to join.

    `addresses` are IP addresses, besides loopback, that certificates may hold. Raises ValueError for a wrong passphrase.
    """
    now = clock()
    roots = home / "trust" / "roots.pem"
    root = _root(home, trust_domain, roots, now, passphrase, random)
    joining = [
        service for service in services if service != PKI and not _has_identity(home, SpiffeId(trust_domain, service), now)
    ]
    issued = {service: _join_token(SpiffeId(trust_domain, service), addresses, now, random) for service in joining}
    seed = Seed(
        roots=(root.certificate,) if root is not None else (),
        intermediates=_due_intermediate(home, trust_domain, root, now, random),
        join_tokens=tuple(token for token, _ in issued.values()),
    )
    if seed.intermediates or seed.join_tokens:
        seed.write(home / "services" / PKI / "seeds" / f"{now:%Y%m%dT%H%M%S%f}-{random(4).hex()}.json")
    files = {}
    for service, (_, secret) in issued.items():
        files[service] = home / "services" / service / "join-token"
        files[service].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(files[service], secret.encode(), 0o600)
    return files


def _root(
    home: Path, trust_domain: str, roots: Path, now: datetime, passphrase: bytes | None, random: Random
) -> Authority | None:
    """The root, made if the home never had one; None where its key is kept elsewhere or needs a passphrase."""
    if (home / "offline" / "root.key").exists():
        try:
            root = load_root(home, passphrase)
        except TypeError:
            return None
    elif roots.exists():
        return None
    else:
        root = create_root(trust_domain, now=now, random=random)
        save_root(home, root, passphrase)
    if not roots.exists():
        roots.parent.mkdir(parents=True, exist_ok=True)
        write_durably(roots, pem_of(root.certificate).encode(), 0o644)
    return root


def _has_identity(home: Path, spiffe_id: SpiffeId, now: datetime) -> bool:
    try:
        load(home / "services" / spiffe_id.service / "identity" / CURRENT, spiffe_id, now + MARGIN)
    except IdentityRefused:
        return False
    return True


def _join_token(spiffe_id: SpiffeId, addresses: Iterable[str], now: datetime, random: Random) -> tuple[JoinToken, str]:
    secret = token_text(random(TOKEN_BYTES))
    local = local_names(spiffe_id, "127.0.0.1")
    names = AltNames(frozenset(local.dns), frozenset((*local.ip, *addresses)))
    return JoinToken(random(10).hex(), token_digest(secret), spiffe_id.service, names, now, now + SEED_TOKEN_TTL), secret


def _due_intermediate(
    home: Path, trust_domain: str, root: Authority | None, now: datetime, random: Random
) -> tuple[Intermediate, ...]:
    """A new intermediate when the last one made here is past two thirds of its life, or there is none."""
    copy = home / "offline" / "intermediate.pem"
    if root is None:
        return ()
    if copy.exists():
        last = x509.load_pem_x509_certificate(copy.read_bytes())
        life = last.not_valid_after_utc - last.not_valid_before_utc
        if now < last.not_valid_after_utc - life / 3:
            return ()
    sealer = open_sealer(home / "services" / PKI / "seal.key", random)
    made = new_intermediate(trust_domain, f"i{now:%Y%m%d%H%M%S}", sealer, now)
    certificate = sign_intermediate(root, pem_of(made.csr), now=now, random=random)
    write_durably(copy, certificate.encode(), 0o644)
    return (replace(made, certificate=x509.load_pem_x509_certificate(certificate.encode())),)
