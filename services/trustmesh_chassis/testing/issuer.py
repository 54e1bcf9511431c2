"""An issuer of access tokens for one test: real ES256 signatures over whatever claims the test needs."""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ISSUER = "https://localhost:8443"
AUDIENCE = "trustmesh"


class TestIssuer:
    """One P-256 key."""

    __test__ = False

    def __init__(self, issuer: str = ISSUER, audience: str = AUDIENCE) -> None:
        self.issuer, self.audience = issuer, audience
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwks(self) -> str:
        """The public key as a JWKS (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "kid": "test",
            "x": _base64url(numbers.x.to_bytes(32)),
            "y": _base64url(numbers.y.to_bytes(32)),
        }
        return json.dumps({"keys": [key]})

    def token(self, *, orgs: tuple[str, ...] = ("demo",), scope: str = "*", **claims: Any) -> str:
        """An access token of ten minutes (RFC 9068) that acts in `orgs` with `scope`; `claims` replace or add."""
        now = int(time.time())
        body = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "test-client",
            "client_id": "test-client",
            "iat": now,
            "exp": now + 600,
            "jti": str(uuid.uuid4()),
            "scope": scope,
            "orgs": list(orgs),
        } | claims
        header = {"alg": "ES256", "typ": "at+jwt", "kid": "test"}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, body))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
