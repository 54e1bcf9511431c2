"""Key material: published vectors, the documented ciphertext format read by an independent reader, and every flipped bit."""

from __future__ import annotations

import json
import secrets
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key

from trustmesh_kms.errors import DecryptionFailed, DigestUnsupported, SignatureInvalid
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.material import (
    Data,
    Digest,
    Ed25519Key,
    EncryptionKey,
    P256Key,
    generate,
    unverified_version,
    usable,
)
from trustmesh_kms.xaes import Xaes256Gcm

UID = UUID("01936a00-0000-7000-8000-000000000001")
OTHER_UID = UUID("01936a00-0000-7000-8000-000000000002")
NAME = "orgs/demo/keys/k/versions/7"
MATERIAL = bytes(range(32))
ENCRYPTION = [Algorithm.AES_256_GCM, Algorithm.XAES_256_GCM]

# RFC 8032 section 7.1, tests 1 to 3 and SHA(abc): seed, public key, message, signature.
RFC_8032 = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}

# RFC 6979 appendix A.2.5 (P-256 with SHA-256): private key, public key, and (message, r, s).
RFC_6979_X = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC_6979_UX = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
RFC_6979_UY = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
RFC_6979 = [
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def encryption_key(algorithm: Algorithm, *, uid: UUID = UID, number: int = 7, material: bytes = MATERIAL) -> EncryptionKey:
    return EncryptionKey(NAME, uid, number, algorithm, material)


def p256_key() -> P256Key:
    private = ec.derive_private_key(RFC_6979_X, ec.SECP256R1())
    return P256Key(NAME, bytearray(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())))


def read_as_documented(ciphertext: bytes, additional_data: bytes) -> bytes:
    """A reader written from the contract's table alone."""
    assert ciphertext[0] == 1
    nonce_size = {1: 12, 2: 24}[ciphertext[1]]
    aead = AESGCM(MATERIAL) if ciphertext[1] == 1 else Xaes256Gcm(MATERIAL)
    assert int.from_bytes(ciphertext[2:6], "big") == 7
    assert UUID(bytes=ciphertext[6:22]) == UID
    nonce, rest = ciphertext[22 : 22 + nonce_size], ciphertext[22 + nonce_size :]
    return aead.decrypt(nonce, rest, ciphertext[:22] + additional_data)


@pytest.mark.parametrize("algorithm", ENCRYPTION)
@pytest.mark.parametrize("plaintext", [b"", b"x", bytes(65536)], ids=len)
def test_ciphertext_is_as_the_contract_documents_it(algorithm: Algorithm, plaintext: bytes) -> None:
    key = encryption_key(algorithm)
    ciphertext = key.encrypt(secrets.token_bytes(key.nonce_size), plaintext, b"aad")
    assert len(ciphertext) - len(plaintext) == {Algorithm.AES_256_GCM: 50, Algorithm.XAES_256_GCM: 62}[algorithm]
    assert read_as_documented(ciphertext, b"aad") == plaintext
    assert key.decrypt(ciphertext, b"aad") == plaintext
    assert unverified_version(ciphertext) == 7


@pytest.mark.parametrize("algorithm", ENCRYPTION)
def test_every_flipped_bit_is_the_one_opaque_error(algorithm: Algorithm) -> None:
    key = encryption_key(algorithm)
    ciphertext = key.encrypt(secrets.token_bytes(key.nonce_size), b"a secret", b"aad")
    answers = set()
    for position in range(len(ciphertext) * 8):
        flipped = bytearray(ciphertext)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(DecryptionFailed) as failure:
            key.decrypt(bytes(flipped), b"aad")
        answers.add((str(failure.value), failure.value.fields, tuple(failure.value.metadata), failure.value.__cause__))
    assert len(answers) == 1


@pytest.mark.parametrize("algorithm", ENCRYPTION)
def test_every_cut_and_addition_is_the_one_opaque_error(algorithm: Algorithm) -> None:
    key = encryption_key(algorithm)
    ciphertext = key.encrypt(secrets.token_bytes(key.nonce_size), b"a secret", b"aad")
    for size in range(len(ciphertext)):
        with pytest.raises(DecryptionFailed):
            key.decrypt(ciphertext[:size], b"aad")
    with pytest.raises(DecryptionFailed):
        key.decrypt(ciphertext + b"\x00", b"aad")


OTHERS = {
    "another version": {"number": 8},
    "another key of the same name": {"uid": OTHER_UID},
    "other material": {"material": bytes(32)},
}


@pytest.mark.parametrize("algorithm", ENCRYPTION)
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_another_key_made_is_the_one_opaque_error(algorithm: Algorithm, other: dict[str, object]) -> None:
    key, stranger = encryption_key(algorithm), encryption_key(algorithm, **other)  # type: ignore[arg-type]  # named cases above
    ciphertext = key.encrypt(secrets.token_bytes(key.nonce_size), b"a secret", b"aad")
    with pytest.raises(DecryptionFailed):
        stranger.decrypt(ciphertext, b"aad")
    with pytest.raises(DecryptionFailed):  # with the header made to fit
        stranger.decrypt(stranger.encrypt(bytes(key.nonce_size), b"", b"")[:22] + ciphertext[22:], b"aad")


@pytest.mark.parametrize("algorithm", ENCRYPTION)
def test_additional_data_cannot_be_moved_between_header_and_caller(algorithm: Algorithm) -> None:
    key = encryption_key(algorithm)
    ciphertext = key.encrypt(secrets.token_bytes(key.nonce_size), b"a secret", b"ab")
    for other in (b"", b"a", b"b", b"abc", ciphertext[21:22] + b"ab"):
        with pytest.raises(DecryptionFailed):
            key.decrypt(ciphertext, other)


def test_one_algorithms_ciphertext_is_not_the_others() -> None:
    gcm, xaes = (encryption_key(algorithm) for algorithm in ENCRYPTION)
    with pytest.raises(DecryptionFailed):
        xaes.decrypt(gcm.encrypt(bytes(12), b"a secret", b""), b"")
    with pytest.raises(DecryptionFailed):
        gcm.decrypt(xaes.encrypt(bytes(24), b"a secret", b""), b"")


@pytest.mark.parametrize("unreadable", [b"", b"\x01", bytes(22), b"\x02" + bytes(50)])
def test_an_unreadable_header_names_no_version(unreadable: bytes) -> None:
    assert unverified_version(unreadable) == 0


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032.values(), ids=RFC_8032)
def test_ed25519_vectors_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    key = Ed25519Key(NAME, bytes.fromhex(seed))
    assert key.sign(Data(bytes.fromhex(message))).hex() == signature
    key.verify(bytes.fromhex(signature), Data(bytes.fromhex(message)))
    raw = load_pem_public_key(key.public_half().pem.encode()).public_bytes_raw()  # type: ignore[union-attr]  # an Ed25519 key
    assert raw.hex() == public


def test_ed25519_jwk_is_that_of_rfc_8037() -> None:
    """Appendices A.2 and A.3: the key of RFC 8032's first test, and its thumbprint."""
    jwk = json.loads(Ed25519Key(NAME, bytes.fromhex(RFC_8032["TEST 1"][0])).public_half().jwk)
    assert jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "alg": "Ed25519",
        "use": "sig",
    }


def test_ed25519_refuses_digests() -> None:
    key = Ed25519Key(NAME, MATERIAL)
    with pytest.raises(DigestUnsupported):
        key.sign(Digest(bytes(32)))
    with pytest.raises(DigestUnsupported):
        key.verify(bytes(64), Digest(bytes(32)))


@pytest.mark.parametrize(("message", "r", "s"), RFC_6979, ids=["sample", "test"])
def test_p256_vectors_of_rfc_6979(message: bytes, r: int, s: int) -> None:
    key = p256_key()
    key.verify(encode_dss_signature(r, s), Data(message))
    with pytest.raises(SignatureInvalid):
        key.verify(encode_dss_signature(s, r), Data(message))


def test_p256_public_half_is_that_of_rfc_6979() -> None:
    public = p256_key().public_half()
    numbers = load_pem_public_key(public.pem.encode()).public_numbers()  # type: ignore[union-attr]  # an EC key
    assert (f"{numbers.x:064x}", f"{numbers.y:064x}") == (RFC_6979_UX, RFC_6979_UY)  # type: ignore[union-attr]  # likewise
    jwk = json.loads(public.jwk)
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")
    assert public.algorithm is Algorithm.EC_SIGN_P256_SHA256
    assert public.version == NAME


def test_p256_signs_data_and_its_digest_alike() -> None:
    import hashlib

    key, digest = p256_key(), Digest(hashlib.sha256(b"message").digest())
    key.verify(key.sign(Data(b"message")), digest)
    key.verify(key.sign(digest), Data(b"message"))


BAD_SIGNATURES = {
    "empty": b"",
    "no DER": bytes(64),
    "r and s are zero": encode_dss_signature(0, 0),
    "s is the order": encode_dss_signature(RFC_6979[0][1], P256_ORDER),
    "s plus the order": encode_dss_signature(RFC_6979[0][1], RFC_6979[0][2] + P256_ORDER),
    "bytes after the end": encode_dss_signature(RFC_6979[0][1], RFC_6979[0][2]) + b"\x00",
    "of another message": encode_dss_signature(RFC_6979[1][1], RFC_6979[1][2]),
    "length in long form": b"\x30\x81" + encode_dss_signature(RFC_6979[0][1], RFC_6979[0][2])[1:],
}


@pytest.mark.parametrize("signature", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES)
def test_p256_refuses_malformed_signatures(signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        p256_key().verify(signature, Data(b"sample"))


@pytest.mark.parametrize("algorithm", [Algorithm.EC_SIGN_P256_SHA256, Algorithm.EC_SIGN_ED25519])
def test_every_flipped_bit_of_a_signature_is_refused(algorithm: Algorithm) -> None:
    key = usable(NAME, UID, 7, algorithm, generate(algorithm, secrets.token_bytes))
    assert not isinstance(key, EncryptionKey)
    signature = key.sign(Data(b"message"))
    for position in range(len(signature) * 8):
        flipped = bytearray(signature)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(SignatureInvalid):
            key.verify(bytes(flipped), Data(b"message"))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_usable_key_keeps_no_reference_to_its_material(algorithm: Algorithm) -> None:
    material = generate(algorithm, secrets.token_bytes)
    copy, key = bytearray(material), usable(NAME, UID, 7, algorithm, material)
    material[:] = bytes(len(material))
    again = usable(NAME, UID, 7, algorithm, copy)
    if isinstance(key, EncryptionKey):
        assert isinstance(again, EncryptionKey)
        assert again.decrypt(key.encrypt(bytes(key.nonce_size), b"message", b""), b"") == b"message"
    else:
        assert not isinstance(again, EncryptionKey)
        again.verify(key.sign(Data(b"message")), Data(b"message"))


def test_material_of_another_curve_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(ValueError, match="not a P-256 key"):
        P256Key(NAME, bytearray(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())))
