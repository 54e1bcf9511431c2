"""What RFC 5280, X509-SVID and the CA/B baseline demand of a mesh authority's certificates, one test a line of the checklist."""

from __future__ import annotations

import os
from base64 import encodebytes
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID
from cryptography.x509.verification import PolicyBuilder, Store

from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_pki import certificates, offline
from trustmesh_pki.certificates import SERIAL_BYTES, AltNames, Authority, serial_number
from trustmesh_pki.errors import IntermediateRefused, RequestRefused, RootRefused
from trustmesh_pki.testing import NOON, TRUST_DOMAIN, TestRequest
from trustmesh_pki.trust import pem_of

KMS = SpiffeId(TRUST_DOMAIN, "kms")


@pytest.fixture(scope="module")
def root() -> Authority:
    return offline.create_root(TRUST_DOMAIN, now=NOON)


def intermediate_of(root: Authority, *, now: datetime = NOON, lifetime: timedelta = timedelta(days=90)) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    csr = certificates.request_intermediate(TRUST_DOMAIN, key, "test")
    return Authority(certificates.sign_intermediate(root, csr, now=now, lifetime=lifetime, serial=new_serial()), key)


@pytest.fixture(scope="module")
def intermediate(root: Authority) -> Authority:
    return intermediate_of(root)


def new_serial() -> int:
    return serial_number(os.urandom(SERIAL_BYTES))


def leaf(
    issuer: Authority,
    request: TestRequest | None = None,
    allowed: AltNames | None = None,
    *,
    now: datetime = NOON,
    lifetime: timedelta = timedelta(hours=1),
) -> x509.Certificate:
    read = certificates.read_request((request or TestRequest()).pem)
    names = allowed or AltNames()
    return certificates.issue_leaf(issuer, KMS, read, names, now=now, lifetime=lifetime, serial=new_serial())


def alternative_names(certificate: x509.Certificate) -> x509.Extension[x509.SubjectAlternativeName]:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_1_serials_are_positive_of_fixed_length_and_random() -> None:
    serials = {new_serial() for _ in range(1000)}
    assert len(serials) == 1000
    assert {(serial.bit_length() + 7) // 8 for serial in serials} == {SERIAL_BYTES}
    assert serial_number(bytes(SERIAL_BYTES)) > 0
    assert (serial_number(b"\xff" * SERIAL_BYTES).bit_length()) <= SERIAL_BYTES * 8 - 1
    with pytest.raises(ValueError, match="16 random bytes"):
        serial_number(b"short")


def test_2_inner_and_outer_algorithm_agree_without_parameters(root: Authority, intermediate: Authority) -> None:
    for certificate, algorithm, encoded in (
        (root.certificate, SignatureAlgorithmOID.ECDSA_WITH_SHA384, "300a06082a8648ce3d040303"),
        (leaf(intermediate), SignatureAlgorithmOID.ECDSA_WITH_SHA256, "300a06082a8648ce3d040302"),
    ):
        der = certificate.public_bytes(serialization.Encoding.DER)
        assert certificate.signature_algorithm_oid == algorithm
        assert der.count(bytes.fromhex(encoded)) == 2
        assert bytes.fromhex(encoded) in certificate.tbs_certificate_bytes


def test_3_times_are_utctime_to_2049_then_generalized(root: Authority) -> None:
    near = offline.create_root(TRUST_DOMAIN, now=NOON).certificate.tbs_certificate_bytes
    far = offline.create_root(TRUST_DOMAIN, now=datetime(2045, 1, 1, tzinfo=UTC)).certificate.tbs_certificate_bytes
    assert b"\x17\x0d260102115500Z\x17\x0d35" in near
    assert b"\x17\x0d441231235500Z\x18\x0f2054" in far


def test_4_no_certificate_outlives_its_issuer(root: Authority) -> None:
    brief = intermediate_of(root, lifetime=timedelta(minutes=30))
    assert leaf(brief).not_valid_after_utc == brief.certificate.not_valid_after_utc
    eternal = intermediate_of(root, lifetime=timedelta(days=36500))
    assert eternal.certificate.not_valid_after_utc == root.certificate.not_valid_after_utc


def test_4_no_certificate_begins_before_its_issuer(root: Authority) -> None:
    young = intermediate_of(root)
    assert young.certificate.not_valid_before_utc >= root.certificate.not_valid_before_utc
    early = leaf(young, now=young.certificate.not_valid_before_utc)
    assert early.not_valid_before_utc == young.certificate.not_valid_before_utc


@pytest.mark.parametrize(
    ("lifetime", "skew"), [(timedelta(hours=1), timedelta(minutes=5)), (timedelta(minutes=1), timedelta(seconds=5))]
)
def test_4_life_and_skew(root: Authority, lifetime: timedelta, skew: timedelta) -> None:
    certificate = leaf(intermediate_of(root), now=NOON + timedelta(hours=1), lifetime=lifetime)
    assert certificate.not_valid_after_utc == NOON + timedelta(hours=1) + lifetime
    assert certificate.not_valid_before_utc == NOON + timedelta(hours=1) - skew
    assert certificates.renewal_time(certificate) == NOON + timedelta(hours=1) + (lifetime - skew) / 2


def test_5_issuer_names_are_byte_identical(root: Authority, intermediate: Authority) -> None:
    assert intermediate.certificate.issuer.public_bytes() == root.certificate.subject.public_bytes()
    assert leaf(intermediate).issuer.public_bytes() == intermediate.certificate.subject.public_bytes()


def test_6_authorities_say_so_critically(root: Authority, intermediate: Authority) -> None:
    for authority, path_length in ((root, None), (intermediate, 0)):
        constraints = authority.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = authority.certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert constraints.critical and constraints.value.ca and constraints.value.path_length == path_length
        assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign and not usage.value.digital_signature
    constraints = leaf(intermediate).extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and not constraints.value.ca and constraints.value.path_length is None


def test_7_an_intermediate_signs_no_authority(intermediate: Authority) -> None:
    csr = certificates.request_intermediate(TRUST_DOMAIN, ec.generate_private_key(ec.SECP256R1()), "below")
    with pytest.raises(IntermediateRefused, match="sign with the root"):
        certificates.sign_intermediate(intermediate, csr, now=NOON, lifetime=timedelta(days=1), serial=new_serial())


def test_8_key_usage_fits_the_key(intermediate: Authority) -> None:
    usage = leaf(intermediate).extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature
    assert not any((usage.value.key_cert_sign, usage.value.crl_sign, usage.value.key_encipherment, usage.value.key_agreement))


def test_9_key_identifiers_chain(root: Authority, intermediate: Authority) -> None:
    chain = [leaf(intermediate), intermediate.certificate, root.certificate, root.certificate]
    for certificate, issuer in pairwise(chain):
        authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        subject = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert authority.key_identifier == subject.digest


def test_10_the_subject_is_empty_and_the_names_critical(intermediate: Authority) -> None:
    certificate = leaf(intermediate, TestRequest(dns=("kms.trustmesh.local",)), AltNames(frozenset({"kms.trustmesh.local"})))
    assert len(list(certificate.subject)) == 0
    assert alternative_names(certificate).critical


def test_11_ip_addresses_are_octets_and_names_pass_only_as_allowed(intermediate: Authority) -> None:
    request = TestRequest(dns=("kms.trustmesh.local", "bank.example", "*.trustmesh.local"), ip=("127.0.0.1", "::1", "10.0.0.1"))
    allowed = AltNames(frozenset({"kms.trustmesh.local", "other.example"}), frozenset({"127.0.0.1", "::1"}))
    names = alternative_names(leaf(intermediate, request, allowed)).value
    assert names.get_values_for_type(x509.DNSName) == ["kms.trustmesh.local"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_12_extended_key_usage_is_server_and_client_only(intermediate: Authority) -> None:
    usages = leaf(intermediate).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def test_14_nothing_else_of_the_request_passes(intermediate: Authority) -> None:
    request = TestRequest(
        uris=("spiffe://trustmesh.local/svc/registry", "https://elsewhere.example"),
        extensions=(
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.OCSPNoCheck(), False),
        ),
    )
    extensions = leaf(intermediate, request).extensions
    assert [extension.oid for extension in extensions] == [
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ]
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [str(KMS)]


def test_15_the_request_is_signed_by_its_key() -> None:
    one, other = (x509.load_pem_x509_csr(TestRequest().pem.encode()) for _ in range(2))
    der = one.public_bytes(serialization.Encoding.DER)
    key = one.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    stranger = other.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    forged = x509.load_der_x509_csr(der.replace(key, stranger))
    with pytest.raises(RequestRefused, match="not signed by the key"):
        certificates.read_request(pem_of(forged))


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["rsa-2048", "p-384", "secp256k1", "ed25519"],
)
def test_16_other_keys_are_refused(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    with pytest.raises(RequestRefused, match="secp256r1"):
        certificates.read_request(pem_of(request))


def test_16_a_point_off_the_curve_is_refused() -> None:
    der = bytearray(x509.load_pem_x509_csr(TestRequest().pem.encode()).public_bytes(serialization.Encoding.DER))
    point = der.index(bytes.fromhex("03420004")) + 4
    der[point + 63] ^= 1
    broken = x509.load_der_x509_csr(bytes(der))
    with pytest.raises(RequestRefused, match="cannot be read"):
        certificates.read_request(pem_of(broken))


def test_16_the_authority_s_own_key_is_refused(intermediate: Authority) -> None:
    with pytest.raises(RequestRefused, match="authority's key"):
        leaf(intermediate, TestRequest(key=intermediate.key))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n",
        TestRequest().pem + TestRequest().pem,
    ],
    ids=["empty", "no PEM", "cut DER", "two requests"],
)
def test_17_only_strict_encodings_are_read(text: str) -> None:
    with pytest.raises(RequestRefused):
        certificates.read_request(text)


def test_17_trailing_bytes_are_refused() -> None:
    der = x509.load_pem_x509_csr(TestRequest().pem.encode()).public_bytes(serialization.Encoding.DER) + b"\0"

    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{encodebytes(der).decode()}-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(RequestRefused, match="cannot be read"):
        certificates.read_request(text)


def test_18_a_standard_verifier_accepts_what_is_issued(root: Authority, intermediate: Authority) -> None:
    request = TestRequest(dns=("kms.trustmesh.local",))
    certificate = leaf(intermediate, request, AltNames(frozenset({"kms.trustmesh.local"})))
    policy = PolicyBuilder().store(Store([root.certificate])).time(NOON)
    policy.build_client_verifier().verify(certificate, [intermediate.certificate])
    policy.build_server_verifier(x509.DNSName("kms.trustmesh.local")).verify(certificate, [intermediate.certificate])


def test_19_no_sha1() -> None:
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA224())
    )
    with pytest.raises(RequestRefused, match="SHA-2"):
        certificates.read_request(pem_of(csr))


def test_20_exactly_one_spiffe_id(intermediate: Authority) -> None:
    request = TestRequest(uris=("spiffe://trustmesh.local/svc/kms", "spiffe://trustmesh.local/svc/pki"))
    names = alternative_names(leaf(intermediate, request)).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [str(KMS)]


def test_authorities_name_their_trust_domain(root: Authority, intermediate: Authority) -> None:
    assert certificates.trust_domain_of(root.certificate) == TRUST_DOMAIN
    assert certificates.trust_domain_of(intermediate.certificate) == TRUST_DOMAIN
    with pytest.raises(ValueError, match="no trust domain"):
        certificates.trust_domain_of(leaf(intermediate))


def test_a_root_is_checked(root: Authority, intermediate: Authority) -> None:
    certificates.check_root(root.certificate, TRUST_DOMAIN, NOON)
    for certificate, domain, now, why in (
        (intermediate.certificate, TRUST_DOMAIN, NOON, "no self-signed authority"),
        (leaf(intermediate), TRUST_DOMAIN, NOON, "no self-signed authority"),
        (root.certificate, "other.example", NOON, "of the trust domain trustmesh.local"),
        (root.certificate, TRUST_DOMAIN, NOON + timedelta(days=4000), "is valid from"),
    ):
        with pytest.raises(RootRefused, match=why):
            certificates.check_root(certificate, domain, now)


def test_a_root_needs_a_strong_key() -> None:
    with pytest.raises(RootRefused, match="secp256r1 or secp384r1"):
        certificates.make_root(
            TRUST_DOMAIN, ec.generate_private_key(ec.SECP256K1()), now=NOON, lifetime=timedelta(days=1), serial=new_serial()
        )


def signed(
    key: ec.EllipticCurvePrivateKey,
    issuer: Authority,
    *extensions: tuple[x509.ExtensionType, bool],
    days: int = 10,
    algorithm: hashes.SHA256 | hashes.SHA224 | None = None,
) -> x509.Certificate:
    """A certificate of any shape under the root."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(new_serial())
        .not_valid_before(NOON)
        .not_valid_after(NOON + timedelta(days=days))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, algorithm or hashes.SHA256())


CA = (x509.BasicConstraints(ca=True, path_length=0), True)
SIGNS = (certificates._CA_USAGE, True)


def test_an_intermediate_s_certificate_is_checked(root: Authority, intermediate: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public, ski = key.public_key(), (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    deep = (x509.BasicConstraints(ca=True, path_length=1), True)
    assert (
        certificates.check_intermediate(signed(key, root, CA, SIGNS, ski), public, [root.certificate], NOON) == root.certificate
    )
    weak = ec.generate_private_key(ec.SECP256K1())
    weak_ski = (x509.SubjectKeyIdentifier.from_public_key(weak.public_key()), False)
    for certificate, holder, roots, now, why in (
        (signed(key, root, CA, SIGNS, ski), intermediate.key.public_key(), [root.certificate], NOON, "another request's key"),
        (signed(key, root, (CA[0], False), SIGNS, ski), public, [root.certificate], NOON, "must be critical"),
        (signed(key, root, CA, ski), public, [root.certificate], NOON, "no intermediate"),
        (signed(key, root, CA, SIGNS, ski, algorithm=hashes.SHA224()), public, [root.certificate], NOON, "SHA-2"),
        (signed(weak, root, CA, SIGNS, weak_ski), weak.public_key(), [root.certificate], NOON, "not P-256 or P-384"),
        (signed(key, root, CA, SIGNS, ski), public, [offline.create_root(TRUST_DOMAIN, now=NOON).certificate], NOON, "no root"),
        (signed(key, root, CA, SIGNS, ski), public, [], NOON, "no root"),
        (signed(key, root, deep, SIGNS, ski), public, [root.certificate], NOON, "pathLen 0"),
        (signed(key, root, CA, SIGNS, ski), public, [root.certificate], NOON + timedelta(days=11), "not valid now"),
        (signed(key, root, CA, SIGNS, ski, days=9000), public, [root.certificate], NOON, "outlives"),
    ):
        with pytest.raises(IntermediateRefused, match=why):
            certificates.check_intermediate(certificate, holder, roots, now)
