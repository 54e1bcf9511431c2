"""The token endpoint's protocol (OAuth 2.1, RFC 6749, 6750): what a request says and how it is refused. Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

MAX_BODY = 16 * 1024
GRANT_TYPES = ("client_credentials",)

_FORM = "application/x-www-form-urlencoded"
_MAX_PARAMETERS = 32
_MAX_SCOPES = 100
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


class OAuthError(Exception):
    """A refusal in the protocol's own terms; `description` is ASCII for the developer of the client."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A well-formed request that nobody has authenticated yet. `scopes` is empty when none were asked for."""

    unverified_client_id: str
    unverified_secret: str
    scopes: tuple[str, ...]


def read_token_request(headers: Sequence[tuple[str, str]], query: str, body: bytes, audience: str) -> TokenRequest:
    """The request in `headers` (lower-case names) and `body`. Raises OAuthError."""
    if query:
        raise OAuthError("invalid_request", "parameters belong in the body, not in the URL")
    form = _form(_single(headers, "content-type"), body)
    client_id, secret = _credentials(_single(headers, "authorization"), form)
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    if grant_type not in GRANT_TYPES:
        raise OAuthError("unsupported_grant_type", f"this server knows {', '.join(GRANT_TYPES)}")
    for name in ("resource", "audience"):
        if form.get(name, audience) != audience:
            raise OAuthError("invalid_target", f"tokens are for one audience only; leave {name} out")
    return TokenRequest(client_id, secret, _scopes(form.get("scope")))


def _single(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise OAuthError("invalid_request", f"the header {name} appears more than once")
    return values[0] if values else None


def _form(content_type: str | None, body: bytes) -> dict[str, str]:
    """The parameters; those without a value count as left out (RFC 6749, section 3.2)."""
    if content_type is None or content_type.partition(";")[0].strip().lower() != _FORM:
        raise OAuthError("invalid_request", f"send the parameters as {_FORM}", 415)
    if len(body) > MAX_BODY:
        raise OAuthError("invalid_request", f"the body is longer than {MAX_BODY} bytes", 413)
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise OAuthError("invalid_request", "the body is not a form of at most 32 parameters") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "a parameter appears more than once")
    return {name: value for name, value in form.items() if value}


def _credentials(authorization: str | None, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, by exactly one of client_secret_basic and client_secret_post."""
    if "client_assertion" in form or "client_assertion_type" in form:
        raise OAuthError("invalid_request", "client assertions are not supported; use client_secret_basic or client_secret_post")
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise OAuthError("invalid_client", "the client did not authenticate", 401)
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise OAuthError("invalid_request", "the client used two ways to authenticate")
    client_id, secret = _basic(authorization)
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_request", "client_id differs from the client that authenticates")
    return client_id, secret


def _basic(authorization: str) -> tuple[str, str]:
    """RFC 7617, with both parts form-encoded inside (RFC 6749, section 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "authenticate by Basic or in the body", 401)
    try:
        client_id, colon, secret = b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        decoded = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (Base64Error, ValueError):
        raise OAuthError("invalid_client", "the Basic credentials are malformed", 401) from None
    if not colon or not all(decoded):
        raise OAuthError("invalid_client", "the Basic credentials are malformed", 401)
    return decoded


def _scopes(scope: str | None) -> tuple[str, ...]:
    scopes = scope.split(" ") if scope else []
    if len(scopes) > _MAX_SCOPES or not all(map(_SCOPE.fullmatch, scopes)):
        raise OAuthError("invalid_scope", "scope is a list of at most 100 scopes with one space between them")
    return tuple(scopes)
