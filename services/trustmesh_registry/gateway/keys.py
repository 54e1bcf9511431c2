"""The issuer's keys as Envoy takes them: only such as services accept, and never none, for that would refuse the listener."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from trustmesh_chassis.tokens import JwksError, parse_jwks

# A point of P-256 whose private key nobody has: x is the SHA-256 of "trustmesh: no signing key is known yet" and a zero byte.
_NOBODY = {
    "kty": "EC",
    "crv": "P-256",
    "alg": "ES256",
    "use": "sig",
    "kid": "nobody",
    "x": "D1uUjgFtMt0kxj99iof9l3Dc_FcuFNLsPMmDODccoSQ",
    "y": "RKz5jpgoEj5QRYfC9OCesvmkzy5vd9Mqu2oiEY2AflI",
}


def verification_keys(jwks: str) -> tuple[str, str | None]:
    """The JWKS for Envoy, and what is wrong with `jwks`; while there is no key, one that verifies nothing stands in."""
    try:
        keys = parse_jwks(jwks)
    except JwksError as error:
        return json.dumps({"keys": [_NOBODY]}), f"no access token is accepted: the issuer's JWKS does not do: {error}"
    return json.dumps({"keys": [_jwk(kid, key) for kid, key in sorted(keys.items())]}), None


def _jwk(kid: str, key: EllipticCurvePublicKey) -> dict[str, str]:
    point = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "kid": kid,
        "x": _coordinate(point.x),
        "y": _coordinate(point.y),
    }


def _coordinate(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
