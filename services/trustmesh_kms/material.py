"""Key material and what is done with it: one class an algorithm family. Nonces are arguments; nothing here waits or stores."""

from __future__ import annotations

import hashlib
import json
import struct
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from trustmesh_kms.errors import DecryptionFailed, DigestUnsupported, SignatureInvalid
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.xaes import Buffer, Xaes256Gcm

FORMAT: Final = 1
_HEADER: Final = struct.Struct(">BBI16s")
_TAG_SIZE: Final = 16
_NONCE_SIZES: Final = {Algorithm.AES_256_GCM: 12, Algorithm.XAES_256_GCM: 24}


def unverified_version(ciphertext: bytes) -> int:
    """The number of the version that `ciphertext` says it was made with; 0, which none has, when it says nothing readable."""
    if len(ciphertext) < _HEADER.size:
        return 0
    form, _, number, _ = _HEADER.unpack_from(ciphertext)
    return number if form == FORMAT else 0


class EncryptionKey:
    """A version that encrypts. `name` is its resource name; `metered` says that its messages must be counted."""

    __slots__ = ("_aead", "_body", "_header", "algorithm", "metered", "name", "nonce_size", "number", "uid")

    def __init__(self, name: str, uid: UUID, number: int, algorithm: Algorithm, material: Buffer) -> None:
        self.name, self.uid, self.number, self.algorithm = name, uid, number, algorithm
        self.metered = algorithm is Algorithm.AES_256_GCM
        self.nonce_size = _NONCE_SIZES[algorithm]
        self._aead = AESGCM(material) if self.metered else Xaes256Gcm(material)
        self._header = _HEADER.pack(FORMAT, algorithm, number, uid.bytes)
        self._body = _HEADER.size + self.nonce_size

    def encrypt(self, nonce: bytes, plaintext: bytes, additional_data: bytes) -> bytes:
        """The ciphertext in the contract's format. `nonce` is `nonce_size` fresh random bytes."""
        header = self._header
        return b"".join((header, nonce, self._aead.encrypt(nonce, plaintext, header + additional_data)))

    def decrypt(self, ciphertext: bytes, additional_data: bytes) -> bytes:
        """Raises DecryptionFailed, whatever is wrong."""
        header, body = self._header, self._body
        if not ciphertext.startswith(header) or len(ciphertext) < body + _TAG_SIZE:
            raise DecryptionFailed
        try:
            return self._aead.decrypt(ciphertext[_HEADER.size : body], memoryview(ciphertext)[body:], header + additional_data)
        except InvalidTag:
            raise DecryptionFailed from None


@dataclass(frozen=True, slots=True)
class Data:
    """A message to sign, itself."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Digest:
    """A message to sign as its SHA-256 digest, 32 bytes."""

    content: bytes


SignedMessage = Data | Digest


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """The public key of `version` (a resource name) in the forms that others read."""

    version: str
    algorithm: Algorithm
    pem: str
    jwk: str


class P256Key:
    """ECDSA on P-256 with SHA-256 (FIPS 186-5); signatures in DER."""

    __slots__ = ("_private", "_public", "name")

    def __init__(self, name: str, material: Buffer) -> None:
        """`material` is PKCS #8 in DER. Raises ValueError for anything but a P-256 key."""
        self.name = name
        private = load_der_private_key(material, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("not a P-256 key")
        self._private, self._public = private, private.public_key()

    def sign(self, message: SignedMessage) -> bytes:
        return self._private.sign(message.content, _ecdsa(message))

    def verify(self, signature: bytes, message: SignedMessage) -> None:
        """Raises SignatureInvalid."""
        try:
            self._public.verify(signature, message.content, _ecdsa(message))
        except InvalidSignature:
            raise SignatureInvalid from None

    def public_half(self) -> PublicHalf:
        point = self._public.public_numbers()
        coordinates = {"x": _base64url(point.x.to_bytes(32)), "y": _base64url(point.y.to_bytes(32))}
        jwk = _jwk({"crv": "P-256", "kty": "EC", **coordinates}, "ES256")
        return PublicHalf(self.name, Algorithm.EC_SIGN_P256_SHA256, _pem(self._public), jwk)


class Ed25519Key:
    """Ed25519 (RFC 8032, pure); signatures of 64 bytes."""

    __slots__ = ("_private", "_public", "name")

    def __init__(self, name: str, material: Buffer) -> None:
        """`material` is the 32-byte seed."""
        self.name = name
        self._private = ed25519.Ed25519PrivateKey.from_private_bytes(material)
        self._public = self._private.public_key()

    def sign(self, message: SignedMessage) -> bytes:
        """Raises DigestUnsupported."""
        return self._private.sign(_pure(message))

    def verify(self, signature: bytes, message: SignedMessage) -> None:
        """Raises SignatureInvalid or DigestUnsupported."""
        try:
            self._public.verify(signature, _pure(message))
        except InvalidSignature:
            raise SignatureInvalid from None

    def public_half(self) -> PublicHalf:
        point = _base64url(self._public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        jwk = _jwk({"crv": "Ed25519", "kty": "OKP", "x": point}, "Ed25519")
        return PublicHalf(self.name, Algorithm.EC_SIGN_ED25519, _pem(self._public), jwk)


SigningKey = P256Key | Ed25519Key
UsableKey = EncryptionKey | SigningKey


def generate(algorithm: Algorithm, random: Callable[[int], bytes]) -> bytearray:
    """Fresh material, as `usable` takes it. P-256 keys come from OpenSSL's own generator, all else from `random`."""
    match algorithm:
        case Algorithm.AES_256_GCM | Algorithm.XAES_256_GCM | Algorithm.EC_SIGN_ED25519:
            return bytearray(random(32))
        case Algorithm.EC_SIGN_P256_SHA256:
            private = ec.generate_private_key(ec.SECP256R1())
            return bytearray(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def usable(name: str, uid: UUID, number: int, algorithm: Algorithm, material: Buffer) -> UsableKey:
    """The key that `material` stands for. Nothing returned refers to `material`, so the caller clears it afterwards."""
    match algorithm:
        case Algorithm.AES_256_GCM | Algorithm.XAES_256_GCM:
            return EncryptionKey(name, uid, number, algorithm, material)
        case Algorithm.EC_SIGN_P256_SHA256:
            return P256Key(name, material)
        case Algorithm.EC_SIGN_ED25519:
            return Ed25519Key(name, material)


_ECDSA: Final = ec.ECDSA(SHA256())
_ECDSA_PREHASHED: Final = ec.ECDSA(Prehashed(SHA256()))


def _ecdsa(message: SignedMessage) -> ec.ECDSA:
    return _ECDSA if isinstance(message, Data) else _ECDSA_PREHASHED


def _pure(message: SignedMessage) -> bytes:
    if isinstance(message, Digest):
        raise DigestUnsupported("Ed25519 signs data, not digests; send the data")
    return message.content


def _pem(public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _jwk(members: Mapping[str, str], alg: str) -> str:
    """The required members, in order, make the RFC 7638 thumbprint that is the `kid`."""
    thumbprint = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    return json.dumps({**members, "alg": alg, "kid": _base64url(thumbprint), "use": "sig"}, separators=(",", ":"))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
