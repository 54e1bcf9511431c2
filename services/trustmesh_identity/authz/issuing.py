"""Access tokens as they are signed (RFC 9068, ES256), and the public keys as they are published (RFC 7517)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from trustmesh_identity.authz.signing_keys import SigningKey

CLIENT_ACR = "urn:trustmesh:acr:single-factor"
"""A client proves one thing: that it has its secret."""

_COORDINATE = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the name by which verifiers know it."""

    kid: str
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says beside its times: who it is for and what it may do."""

    issuer: str
    audience: str
    subject: str
    client_id: str
    scopes: Sequence[str]
    orgs: Sequence[str]
    acr: str
    token_id: str


def sign_access_token(grant: Grant, signer: Signer, now: datetime, lifetime: timedelta) -> str:
    """An access token that is valid from `now` on for `lifetime`."""
    issued = int(now.timestamp())
    claims = {
        "iss": grant.issuer,
        "aud": grant.audience,
        "sub": grant.subject,
        "client_id": grant.client_id,
        "exp": issued + int(lifetime.total_seconds()),
        "iat": issued,
        "jti": grant.token_id,
        "scope": " ".join(grant.scopes),
        "orgs": list(grant.orgs),
        "acr": grant.acr,
    }
    header = {"alg": "ES256", "typ": "at+jwt", "kid": signer.kid}
    signed = f"{_segment(header)}.{_segment(claims)}"
    r, s = decode_dss_signature(signer.key.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{_base64url(r.to_bytes(_COORDINATE, 'big') + s.to_bytes(_COORDINATE, 'big'))}"


def coordinates(key: ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
    """The public point, 32 bytes a coordinate."""
    numbers = key.public_numbers()
    return numbers.x.to_bytes(_COORDINATE, "big"), numbers.y.to_bytes(_COORDINATE, "big")


def thumbprint(x: bytes, y: bytes) -> str:
    """The JWK thumbprint (RFC 7638) of a P-256 key, which serves as its kid."""
    members = {"crv": "P-256", "kty": "EC", "x": _base64url(x), "y": _base64url(y)}
    return _base64url(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def jwks(keys: Iterable[SigningKey]) -> dict[str, list[dict[str, str]]]:
    """The JWK set of the keys' public parts."""
    return {
        "keys": [
            {
                "kty": "EC",
                "crv": "P-256",
                "use": "sig",
                "alg": "ES256",
                "kid": key.kid,
                "x": _base64url(key.x),
                "y": _base64url(key.y),
            }
            for key in keys
        ]
    }


def _segment(value: object) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
