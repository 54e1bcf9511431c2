"""Keys and certificate requests of the agent."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustmesh_chassis.identity.generation import write_durably
from trustmesh_chassis.identity.spiffe import SpiffeId


@dataclass(frozen=True, slots=True)
class Names:
    """The DNS names and IP addresses that a service would like in its certificate; the issuer leaves out what it may not have."""

    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()


def local_names(spiffe_id: SpiffeId, address: str) -> Names:
    """What every service asks for: its name in the mesh, loopback, and the address that it is reached at."""
    return Names((spiffe_id.host, "localhost"), tuple(dict.fromkeys(("127.0.0.1", "::1", address))))


def new_key() -> bytes:
    """A new P-256 key as PEM (PKCS #8)."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pending_key(root: Path) -> bytes:
    """The key of a join under way, kept below `root` until it is done: pki answers the same token and key again after a crash."""
    file = root / "pending.key"
    if not file.exists():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(file, new_key(), 0o600)
    return file.read_bytes()


def forget_pending_key(root: Path) -> None:
    (root / "pending.key").unlink(missing_ok=True)


def request_for(key_pem: bytes, spiffe_id: SpiffeId, names: Names) -> str:
    """A PKCS #10 request as PEM, signed by the key."""
    key = serialization.load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("identities have P-256 keys")
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName(_general_names(spiffe_id, names.dns, names.ip)), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


def _general_names(spiffe_id: SpiffeId, dns: Sequence[str], ip: Sequence[str]) -> list[x509.GeneralName]:
    return [
        x509.UniformResourceIdentifier(str(spiffe_id)),
        *(x509.DNSName(name) for name in dns),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in ip),
    ]
