"""The certificates that the mesh is made of (RFC 5280, X509-SVID): what they hold, and which requests are refused.

Pure: time, serial numbers and keys are arguments.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_pki.errors import IntermediateRefused, RequestRefused, RootRefused

ROOT_LIFETIME = timedelta(days=3650)
INTERMEDIATE_LIFETIME = timedelta(days=90)
LEAF_LIFETIME = timedelta(hours=1)
SKEW = timedelta(minutes=5)
SERIAL_BYTES = 16

_STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
_LEAF_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class AltNames:
    """DNS names and IP addresses beside the SPIFFE ID."""

    dns: frozenset[str] = frozenset()
    ip: frozenset[str] = frozenset()

    def __and__(self, allowed: AltNames) -> AltNames:
        return AltNames(self.dns & allowed.dns, self.ip & allowed.ip)

    def __or__(self, other: AltNames) -> AltNames:
        return AltNames(self.dns | other.dns, self.ip | other.ip)


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """What pki takes from a certificate request: the key, proven to be held, and the names that it would like."""

    public_key: ec.EllipticCurvePublicKey
    wanted: AltNames

    @property
    def key_digest(self) -> bytes:
        return digest_of(self.public_key)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def serial_number(random: bytes) -> int:
    """A serial number of `SERIAL_BYTES` random bytes: positive and of fixed length (RFC 5280 section 4.1.2.2)."""
    if len(random) != SERIAL_BYTES:
        raise ValueError(f"a serial number needs {SERIAL_BYTES} random bytes")
    return int.from_bytes(bytes([random[0] & 0x3F | 0x40]) + random[1:])


def digest_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 of the key's SubjectPublicKeyInfo."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize()


def make_root(
    trust_domain: str, key: ec.EllipticCurvePrivateKey, *, now: datetime, lifetime: timedelta, serial: int
) -> Authority:
    """A self-signed root of a trust domain; `key` is P-256 or P-384."""
    _require_curve(key.public_key(), (ec.SECP256R1, ec.SECP384R1), RootRefused)
    name = _authority_name(trust_domain, f"Root {serial:x}"[:13])
    builder = _authority(trust_domain, key.public_key(), path_length=None).subject_name(name).issuer_name(name)
    signed = (
        builder.serial_number(serial)
        .not_valid_before(now - SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, _hash_for(key))
    )
    return Authority(signed, key)


def request_intermediate(trust_domain: str, key: ec.EllipticCurvePrivateKey, label: str) -> x509.CertificateSigningRequest:
    """The request for an intermediate's certificate; `label` tells it from its siblings."""
    name = _authority_name(trust_domain, f"Intermediate {label}")
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())


def sign_intermediate(
    issuer: Authority, csr: x509.CertificateSigningRequest, *, now: datetime, lifetime: timedelta, serial: int
) -> x509.Certificate:
    """The certificate of an intermediate (pathLen 0) that outlives its issuer by no second. Raises IntermediateRefused."""
    constraints = issuer.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    if not constraints.ca or constraints.path_length == 0:
        raise IntermediateRefused("The issuer may not sign authorities; sign with the root.")
    key = _proven_key(csr, (ec.SECP256R1, ec.SECP384R1), IntermediateRefused)
    return (
        _authority(trust_domain_of(issuer.certificate), key, path_length=0)
        .subject_name(csr.subject)
        .issuer_name(issuer.certificate.subject)
        .serial_number(serial)
        .not_valid_before(max(now - SKEW, issuer.certificate.not_valid_before_utc))
        .not_valid_after(min(now + lifetime, issuer.certificate.not_valid_after_utc))
        .add_extension(_authority_key(issuer.certificate), critical=False)
        .sign(issuer.key, _hash_for(issuer.key))
    )


def read_request(pem: str) -> LeafRequest:
    """Judge a service's certificate request. Raises RequestRefused.

    Its key must be P-256 and sign it with SHA-2; of all else in it only DNS and IP names are read, as wishes.
    """
    if pem.count("-----BEGIN") != 1:
        raise RequestRefused("The request must be one PEM block, a PKCS #10 request.")
    try:
        csr = x509.load_pem_x509_csr(pem.encode())
        key = _proven_key(csr, (ec.SECP256R1,), RequestRefused)
        return LeafRequest(key, _wanted(csr))
    except (ValueError, x509.DuplicateExtension) as error:
        raise RequestRefused(f"The request cannot be read ({error}).") from None


def issue_leaf(
    issuer: Authority,
    spiffe_id: SpiffeId,
    request: LeafRequest,
    allowed: AltNames,
    *,
    now: datetime,
    lifetime: timedelta,
    serial: int,
) -> x509.Certificate:
    """The certificate of a service: one SPIFFE ID, those of the wanted names that are allowed, within its issuer's life.

    Raises RequestRefused when the key is the issuer's own.
    """
    if request.public_key == issuer.key.public_key():
        raise RequestRefused("The request holds an authority's key; make a new one.")
    names = request.wanted & allowed
    general: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(str(spiffe_id)),
        *(x509.DNSName(name) for name in sorted(names.dns)),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(names.ip)),
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(request.public_key)
        .serial_number(serial)
        .not_valid_before(max(now - min(SKEW, lifetime / 12), issuer.certificate.not_valid_before_utc))
        .not_valid_after(min(now + lifetime, issuer.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_LEAF_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general), critical=True)
        .add_extension(_authority_key(issuer.certificate), critical=False)
        .sign(issuer.key, _hash_for(issuer.key))
    )


def renewal_time(leaf: x509.Certificate) -> datetime:
    """Half way through a certificate's life."""
    return leaf.not_valid_before_utc + (leaf.not_valid_after_utc - leaf.not_valid_before_utc) / 2


def trust_domain_of(authority: x509.Certificate) -> str:
    """The trust domain of an authority, by its SPIFFE ID without a path. Raises ValueError when it has none."""
    names = _uris(authority)
    if len(names) != 1 or not names[0].startswith("spiffe://") or "/" in names[0].removeprefix("spiffe://"):
        raise ValueError("the authority names no trust domain")
    return names[0].removeprefix("spiffe://")


def check_root(certificate: x509.Certificate, trust_domain: str, now: datetime) -> None:
    """Raises RootRefused unless the certificate is a valid, self-signed authority of the trust domain."""
    try:
        _check_authority(certificate)
        certificate.verify_directly_issued_by(certificate)
        of = trust_domain_of(certificate)
    except Exception as error:  # InvalidSignature, UnsupportedAlgorithm, ValueError, ExtensionNotFound: all mean the same here
        raise RootRefused(f"The certificate is no self-signed authority ({error or type(error).__name__}).") from None
    if of != trust_domain:
        raise RootRefused(f"The root is of the trust domain {of}, not {trust_domain}.")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise RootRefused(f"The root is valid from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}.")


def check_intermediate(
    certificate: x509.Certificate, key: ec.EllipticCurvePublicKey, roots: list[x509.Certificate], now: datetime
) -> x509.Certificate:
    """The root that issued the certificate of `key`. Raises IntermediateRefused when it is not fit to issue leaves now."""
    if certificate.public_key() != key:
        raise IntermediateRefused("The certificate is for another request's key.")
    try:
        _check_authority(certificate)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise IntermediateRefused(f"The certificate is no intermediate ({error}).") from None
    root = next((root for root in roots if issued_by(certificate, root)), None)
    if root is None:
        raise IntermediateRefused("The certificate's issuer is no root of the trust bundle; add the root first.")
    if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length != 0:
        raise IntermediateRefused("The certificate must hold pathLen 0: it signs leaves only.")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise IntermediateRefused("The certificate is not valid now.")
    if certificate.not_valid_after_utc > root.not_valid_after_utc:
        raise IntermediateRefused("The certificate outlives its root.")
    return root


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name and signature are on the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # ValueError (name), TypeError (key kind), InvalidSignature: each says no
        return False
    return True


def _check_authority(certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    if not (constraints.critical and constraints.value.ca and usage.critical and usage.value.key_cert_sign):
        raise ValueError("basic constraints and key usage must be critical and allow signing certificates")
    if not isinstance(certificate.signature_hash_algorithm, _STRONG):
        raise ValueError("its signature is not ECDSA with SHA-2")
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        raise ValueError("its key is not P-256 or P-384")


def _authority(trust_domain: str, key: ec.EllipticCurvePublicKey, path_length: int | None) -> x509.CertificateBuilder:
    domain = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"spiffe://{trust_domain}")])
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_CA_USAGE, critical=True)
        .add_extension(domain, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority_name(trust_domain: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Trustmesh {common_name}"[:64]),
        ]
    )


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _proven_key(
    csr: x509.CertificateSigningRequest,
    curves: tuple[type[ec.EllipticCurve], ...],
    refusal: type[RequestRefused | IntermediateRefused],
) -> ec.EllipticCurvePublicKey:
    key = _require_curve(csr.public_key(), curves, refusal)
    if not isinstance(csr.signature_hash_algorithm, _STRONG):
        raise refusal("The request is not signed with SHA-2.")
    if not csr.is_signature_valid:
        raise refusal("The request is not signed by the key that it holds.")
    return key


def _require_curve(
    key: object, curves: tuple[type[ec.EllipticCurve], ...], refusal: type[RequestRefused | IntermediateRefused | RootRefused]
) -> ec.EllipticCurvePublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, curves):
        raise refusal(f"The key must be of the curve {' or '.join(str(curve.name) for curve in curves)}.")
    return key


def _wanted(csr: x509.CertificateSigningRequest) -> AltNames:
    try:
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return AltNames()
    return AltNames(
        dns=frozenset(names.get_values_for_type(x509.DNSName)),
        ip=frozenset(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _uris(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _hash_for(key: ec.EllipticCurvePrivateKey) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA384() if isinstance(key.curve, ec.SECP384R1) else hashes.SHA256()
