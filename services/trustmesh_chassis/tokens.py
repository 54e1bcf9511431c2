"""Access tokens: from an unverified string to a `Principal`.

RFC 9068 tokens signed with ES256 and nothing else. The keys come from the issuer's JWKS, which is pushed to every service; what
a token says about keys (jku, x5u, jwk) is never followed. Verification raises, it never returns False.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from trustmesh_chassis.errors import Unauthenticated, Unavailable

MAX_TOKEN_LENGTH: Final = 8192
ACR_LEVELS: Final[Mapping[str, int]] = {
    "urn:trustmesh:acr:single-factor": 1,
    "urn:trustmesh:acr:multi-factor": 2,
    "urn:trustmesh:acr:phishing-resistant": 3,
}

_MAX_KEYS = 64
_MAX_KID = 128
_MAX_CLAIM = 512
_LAST_SECOND = 253_402_300_799
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_ORG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class JwksError(ValueError):
    """A JWKS cannot be used: what is wrong with it. The keys in use stay."""


def covers(scope: str, permission: str) -> bool:
    """Whether `scope` ("kms.keys.encrypt", "kms.*" or "*") grants `permission`, which may itself be such a pattern."""
    return scope in ("*", permission) or (scope.endswith(".*") and permission.startswith(scope[:-1]))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the verified claims of an access token. `expires` is in epoch seconds, `assurance` a level of the contract."""

    subject: str
    client_id: str
    orgs: frozenset[str]
    scopes: frozenset[str]
    assurance: int
    token_id: str
    expires: int
    _decisions: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def may(self, permission: str) -> bool:
        """Whether any scope grants `permission` (which may be a pattern). Remembered: ask only for names that contracts know."""
        decision = self._decisions.get(permission)
        if decision is None:
            decision = self._decisions[permission] = any(covers(scope, permission) for scope in self.scopes)
        return decision

    def acts_in(self, org: str) -> bool:
        return org in self.orgs


def parse_jwks(text: str | bytes) -> dict[str, ec.EllipticCurvePublicKey]:
    """The ES256 verification keys of a JWK set (RFC 7517) by kid; keys for other algorithms or uses are passed over.

    Raises JwksError for what is not a JWK set, holds a private member or a doubtful key, or leaves no key.
    """
    try:
        document = _parse_object(text.encode() if isinstance(text, str) else text)
    except ValueError as error:
        raise JwksError(f"it is not JSON ({error})") from None
    members = document.get("keys")
    if not isinstance(members, list) or len(members) > _MAX_KEYS:
        raise JwksError(f'it needs a list "keys" of at most {_MAX_KEYS} keys')
    keys: dict[str, ec.EllipticCurvePublicKey] = {}
    for jwk in members:
        if not isinstance(jwk, dict):
            raise JwksError("a member of keys is not an object")
        if not _PRIVATE_MEMBERS.isdisjoint(jwk):
            raise JwksError("it shows a private key; retire that key")
        if jwk.get("alg") != "ES256" or jwk.get("use") != "sig":
            continue
        kid = jwk.get("kid")
        if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID or kid in keys:
            raise JwksError("a key's kid is missing, too long or used twice")
        keys[kid] = _p256(jwk)
    if not keys:
        raise JwksError("it holds no ES256 signature key")
    return keys


class TokenVerifier:
    """Verifies access tokens of one issuer for one audience; a token that was verified is remembered until it expires."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        clock: Callable[[], datetime],
        *,
        leeway: timedelta = timedelta(seconds=5),
        cache_size: int = 4096,
    ) -> None:
        """`leeway` is the clock difference to the issuer that is forgiven; `cache_size` the number of remembered tokens."""
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._leeway = leeway.total_seconds()
        self._cache_size = cache_size
        self._remembered: OrderedDict[str, tuple[float, float, Principal]] = OrderedDict()
        self._keys: Mapping[str, ec.EllipticCurvePublicKey] = {}

    @property
    def keys(self) -> Mapping[str, ec.EllipticCurvePublicKey]:
        """The keys in use by kid; assigning others forgets every remembered token."""
        return self._keys

    @keys.setter
    def keys(self, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> None:
        self._keys = dict(keys)
        self._remembered.clear()

    def use_jwks(self, text: str | bytes) -> None:
        """Use the keys of this JWKS from now on. Raises JwksError and keeps the present ones when it is unusable."""
        self.keys = parse_jwks(text)

    def verify(self, unverified_token: str) -> Principal:
        """The token's principal.

        Raises Unauthenticated, naming the first thing that is wrong; Unavailable while no key has arrived.
        """
        now = self._clock().timestamp()
        remembered = self._remembered.get(unverified_token)
        if remembered is not None:
            begin, end, principal = remembered
            if begin <= now < end:
                self._remembered.move_to_end(unverified_token)
                return principal
            del self._remembered[unverified_token]
        claims = self._verified_claims(unverified_token)
        begin, end = self._lifetime(claims, now)
        principal = self._principal(claims)
        self._remembered[unverified_token] = (begin, end, principal)
        if len(self._remembered) > self._cache_size:
            self._remembered.popitem(last=False)
        return principal

    def _verified_claims(self, unverified_token: str) -> dict[str, Any]:
        if len(unverified_token) > MAX_TOKEN_LENGTH:
            raise _refused(f"it is longer than {MAX_TOKEN_LENGTH} bytes")
        parts = unverified_token.split(".")
        if len(parts) != 3 or not unverified_token.isascii():
            raise _refused("it is not a signed JWT")
        unverified_header = _decode_object(parts[0])
        key = self._key_for(unverified_header)
        signature = _decode(parts[2])
        if len(signature) != 64:
            raise _refused("its signature is invalid")
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        try:
            key.verify(der, f"{parts[0]}.{parts[1]}".encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            raise _refused("its signature is invalid") from None
        return _decode_object(parts[1])

    def _key_for(self, unverified_header: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
        """The key that the header names. Every key here is an ES256 key, so the algorithm is bound to it."""
        if not self._keys:
            raise Unavailable("The issuer's keys have not arrived yet.", retry_after=1.0)
        if not _REFUSED_HEADERS.isdisjoint(unverified_header):
            raise _refused("its header asks for more than a signature by a known key")
        if unverified_header.get("alg") != "ES256":
            raise _refused("its algorithm is not ES256")
        media_type = unverified_header.get("typ")
        if not isinstance(media_type, str) or media_type.lower() not in ("at+jwt", "application/at+jwt"):
            raise _refused("its type is not at+jwt")
        kid = unverified_header.get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise _refused("its key is unknown")
        return key

    def _lifetime(self, claims: Mapping[str, Any], now: float) -> tuple[float, float]:
        """First moment at which the token is valid and first at which it is no longer, leeway included, in epoch seconds."""
        issued = _seconds(claims, "iat")
        begin = max(issued, _seconds(claims, "nbf") if "nbf" in claims else issued) - self._leeway
        end = _seconds(claims, "exp") + self._leeway
        if now < begin:
            raise _refused("it is not valid yet")
        if now >= end:
            raise _refused("it has expired")
        return begin, end

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        if claims.get("iss") != self._issuer:
            raise _refused("it comes from another issuer")
        audience = claims.get("aud")
        if audience != self._audience and not (isinstance(audience, list) and self._audience in audience):
            raise _refused("it is meant for another audience")
        acr = claims.get("acr")
        return Principal(
            subject=_text(claims, "sub"),
            client_id=_text(claims, "client_id"),
            orgs=_orgs(claims),
            scopes=_scopes(claims),
            assurance=ACR_LEVELS.get(acr, 0) if isinstance(acr, str) else 0,
            token_id=_text(claims, "jti"),
            expires=_seconds(claims, "exp"),
        )


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The access token is refused: {why}.")


def _p256(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise JwksError("a key for ES256 is not on P-256")
    coordinates = jwk.get("x"), jwk.get("y")
    try:
        x, y = (_from_base64url(each) if isinstance(each, str) else b"" for each in coordinates)
        if (len(x), len(y)) != (32, 32):
            raise ValueError("a coordinate is not 32 bytes long")
        return ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()).public_key()
    except ValueError as error:
        raise JwksError(f"a key is not a point of P-256 ({error})") from None


def _from_base64url(text: str) -> bytes:
    """Strict: no padding, no other characters, no stray bits, so a value has one spelling. Raises ValueError."""
    try:
        decoded = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if urlsafe_b64encode(decoded).rstrip(b"=").decode() != text:
        raise ValueError("not canonical base64url")
    return decoded


def _decode(text: str) -> bytes:
    try:
        return _from_base64url(text)
    except ValueError as error:
        raise _refused(f"it is {error}") from None


def _decode_object(text: str) -> dict[str, Any]:
    try:
        return _parse_object(_decode(text))
    except ValueError:
        raise _refused("it does not hold JSON objects") from None


def _parse_object(text: bytes) -> dict[str, Any]:
    """A JSON object without duplicate names or non-numbers. Raises ValueError."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name appears twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_SECOND:
        raise _refused(f"its claim {name} is not a time")
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_CLAIM or not value.isprintable():
        raise _refused(f"its claim {name} is missing or malformed")
    return value


def _orgs(claims: Mapping[str, Any]) -> frozenset[str]:
    value = claims.get("orgs", [])
    if not isinstance(value, list) or not all(isinstance(org, str) and _ORG.fullmatch(org) for org in value):
        raise _refused("its claim orgs is malformed")
    return frozenset(value)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    value = claims.get("scope", "")
    if not isinstance(value, str) or not all(map(_SCOPE.fullmatch, value.split(" ") if value else ())):
        raise _refused("its claim scope is malformed")
    return frozenset(value.split(" ")) if value else frozenset()
