"""Etags, page sizes and page tokens: the parts of a contract's rules that every list and update shares."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from trustmesh_chassis.errors import Aborted, FieldViolation, InvalidArgument


class InvalidPageToken(InvalidArgument, shared=True):
    """The page token is not one that this query gave out."""


class EtagMismatch(Aborted, shared=True):
    """The resource changed since its etag was read."""


Value = str | int | bool | bytes | datetime | None
Position = Sequence[str | int | datetime]


def etag_of(*values: Value) -> str:
    """A strong etag of the values that make up a resource's state, for example its row's columns."""
    digest = hashlib.sha256()
    for value in values:
        part = _tagged(value)
        digest.update(len(part).to_bytes(8) + part)
    return _text(digest.digest()[:18])


def require_etag(given: str, actual: str) -> None:
    """Raise EtagMismatch unless `given` is empty (no demand) or the resource's etag."""
    if given and given != actual:
        raise EtagMismatch("The resource changed since it was read; read it again and repeat the change with its new etag.")


def page_size(requested: int, *, default: int = 50, maximum: int = 1000) -> int:
    """The rows of a page: `default` for 0, at most `maximum`. Raises InvalidArgument for a negative one (AIP-158)."""
    if requested < 0:
        violation = FieldViolation("page_size", "must not be negative")
        raise InvalidArgument("The page size is negative; leave it out or give a positive one.", fields=(violation,))
    return min(requested or default, maximum)


class PageTokens:
    """Makes and reads page tokens: sealed positions (AES-SIV, RFC 5297) that are good for the query that gave them out only."""

    def __init__(self, key: bytes) -> None:
        """`key` is at least 32 random bytes, the same in every instance of the service."""
        if len(key) < 32:
            raise ValueError("a page token key needs at least 32 bytes")
        self._sealed = AESSIV(hashlib.sha512(b"trustmesh page token" + key).digest())

    def issue(self, position: Position, *query: str) -> str:
        """The token that continues after `position`; `query` is what the next call must repeat: method, parent, filter, order."""
        plain = json.dumps(list(position), separators=(",", ":"), ensure_ascii=False, default=_time).encode()
        return _text(self._sealed.encrypt(plain, _bound(query)))

    def read(self, token: str, *query: str) -> tuple[str | int | datetime, ...] | None:
        """The position that `issue` was given, None for the first page's empty token. Raises InvalidPageToken for any other."""
        if not token:
            return None
        try:
            plain = self._sealed.decrypt(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _bound(query))
        except (InvalidTag, ValueError):
            violation = FieldViolation("page_token", "was not given out for this query")
            raise InvalidPageToken(
                "The page token does not belong to this query; start with an empty one.", fields=(violation,)
            ) from None
        position: list[Any] = json.loads(plain)
        return tuple(datetime.fromisoformat(part["time"]) if isinstance(part, dict) else part for part in position)


def _time(value: datetime) -> dict[str, str]:
    return {"time": value.isoformat()}


def _tagged(value: Value) -> bytes:
    match value:
        case None:
            return b"n"
        case bool():
            return b"b1" if value else b"b0"
        case int():
            return b"i%d" % value
        case str():
            return b"s" + value.encode()
        case bytes():
            return b"x" + value
        case _:
            return b"t" + value.astimezone(UTC).isoformat().encode()


def _bound(query: Sequence[str]) -> list[bytes]:
    return [json.dumps(query, ensure_ascii=False).encode()]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
