"""A certificate authority for one test: SPIFFE certificates that real TLS accepts, gone with the temporary directory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TRUST_DOMAIN = "trustmesh.local"


class TestAuthority:
    """One root that signs leaves directly."""

    __test__ = False

    def __init__(self, trust_domain: str = TRUST_DOMAIN) -> None:
        self.trust_domain = trust_domain
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test root of {trust_domain}")])
        self._root = (
            self._builder(self._name, self._key.public_key(), timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .sign(self._key, SHA256())
        )

    @property
    def roots_pem(self) -> bytes:
        return self._root.public_bytes(Encoding.PEM)

    def issue(
        self, directory: Path, service: str, *, uris: tuple[str, ...] | None = None, life: timedelta = timedelta(hours=1)
    ) -> Path:
        """Write tls.key, tls.crt and roots.pem of `service` below `directory`, as a new generation; the path to read them by.

        `uris` replaces the SPIFFE id, for certificates that must be refused.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(uri) for uri in uris or (f"spiffe://{self.trust_domain}/svc/{service}",)
        ]
        names += [
            x509.DNSName("localhost"),
            x509.DNSName(f"{service}.{self.trust_domain}"),
            x509.IPAddress(ip_address("127.0.0.1")),
        ]
        leaf = (
            self._builder(x509.Name([]), key.public_key(), life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
            .sign(self._key, SHA256())
        )
        generation = directory / f"{leaf.serial_number:x}"
        generation.mkdir(parents=True)
        (generation / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (generation / "tls.crt").write_bytes(leaf.public_bytes(Encoding.PEM))
        (generation / "roots.pem").write_bytes(self.roots_pem)
        link = directory / f".{generation.name}"
        link.symlink_to(generation.name)
        link.replace(directory / "current")
        return directory / "current"

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + life)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
