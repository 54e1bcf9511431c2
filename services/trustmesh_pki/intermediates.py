"""The life of an intermediate: its key, sealed; its request; its certificate."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustmesh_pki import certificates
from trustmesh_pki.errors import IntermediateRefused, RootRefused
from trustmesh_pki.ports import Sealer
from trustmesh_pki.trust import Bundle, Intermediate


def new_intermediate(trust_domain: str, id: str, sealer: Sealer, now: datetime) -> Intermediate:
    """A new P-256 key, sealed, and the request for its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    plain = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    csr = certificates.request_intermediate(trust_domain, key, id)
    return Intermediate(id, csr, sealer.seal(plain, _context(id)), create_time=now, update_time=now)


def open_key(intermediate: Intermediate, sealer: Sealer) -> ec.EllipticCurvePrivateKey:
    """The private key. Raises DataLoss when it was sealed by another sealer."""
    plain = sealer.open(intermediate.sealed_key, _context(intermediate.id))
    key = serialization.load_der_private_key(plain, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def install(intermediate: Intermediate, certificate: x509.Certificate, bundle: Bundle, now: datetime) -> Intermediate:
    """The intermediate with the certificate that a root of the bundle signed. Raises IntermediateRefused."""
    key = intermediate.csr.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signer = certificates.check_intermediate(certificate, key, [root.certificate for root in bundle.roots], now)
    root = next(root for root in bundle.roots if root.certificate == signer)
    return intermediate.installed(certificate, root, now)


def one_certificate(pem: str, refusal: type[IntermediateRefused | RootRefused]) -> x509.Certificate:
    """The certificate of a PEM text that holds one; raises `refusal` for any other text."""
    try:
        (certificate,) = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise refusal(f"The text is not one PEM certificate ({error}).") from None
    return certificate


def _context(id: str) -> str:
    return f"intermediate/{id}"
