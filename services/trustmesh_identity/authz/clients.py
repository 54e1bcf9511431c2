"""Clients: what they may be granted, their secrets, and who may grant it to them."""

from __future__ import annotations

import hashlib
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hmac import compare_digest

from trustmesh_chassis.tokens import Principal, covers
from trustmesh_identity.authz.errors import GrantNotHeld

SECRET_BYTES = 32
SECRET_PREFIX = "tmcs_"  # noqa: S105  # marks a secret for scanners that look for leaked ones
UID_BYTES = 10


class SecretRefused(Exception):
    """There is no such client, or the secret is not its own: the caller is not told which."""


class ScopeRefused(ValueError):
    """A scope that the client was not granted is asked for."""


@dataclass(frozen=True, slots=True)
class SecretHash:
    """SHA-256 of a secret of 256 random bits, and until when it is good (None: without end)."""

    digest: bytes
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A client. `org` and `orgs` are plain ids, `client_id` is what it is called at the token endpoint."""

    org: str
    id: str
    client_id: str
    display_name: str
    scopes: tuple[str, ...]
    orgs: tuple[str, ...]
    secret: SecretHash
    create_time: datetime
    update_time: datetime
    secret_create_time: datetime
    previous_secret: SecretHash | None = None
    revision: int = 1

    @property
    def name(self) -> str:
        return f"orgs/{self.org}/clients/{self.id}"

    def changed(
        self,
        now: datetime,
        *,
        display_name: str | None = None,
        scopes: tuple[str, ...] | None = None,
        orgs: tuple[str, ...] | None = None,
    ) -> Client:
        """The client with what is given; what is None stays."""
        return replace(
            self,
            display_name=self.display_name if display_name is None else display_name,
            scopes=self.scopes if scopes is None else scopes,
            orgs=self.orgs if orgs is None else orgs,
            update_time=now,
            revision=self.revision + 1,
        )

    def with_secret(self, digest: bytes, now: datetime, previous_for: timedelta) -> Client:
        """The client with a new secret; the present one stays good for `previous_for`."""
        previous = SecretHash(self.secret.digest, now + previous_for) if previous_for else None
        return replace(
            self,
            secret=SecretHash(digest),
            previous_secret=previous,
            secret_create_time=now,
            update_time=now,
            revision=self.revision + 1,
        )


def make_client(
    org: str,
    id: str,
    *,
    display_name: str,
    scopes: tuple[str, ...],
    orgs: tuple[str, ...],
    secret_digest: bytes,
    client_id: str,
    now: datetime,
) -> Client:
    """A client that is new at `now`; one without organisations acts in its own."""
    return Client(
        org=org,
        id=id,
        client_id=client_id,
        display_name=display_name,
        scopes=scopes,
        orgs=orgs or (org,),
        secret=SecretHash(secret_digest),
        create_time=now,
        update_time=now,
        secret_create_time=now,
    )


def make_secret(random: bytes) -> str:
    """The secret made of 32 random bytes."""
    return SECRET_PREFIX + urlsafe_b64encode(random).rstrip(b"=").decode()


def make_client_id(org: str, random: bytes) -> str:
    """A client_id made of 10 random bytes; it begins with the organisation, by which the client is found."""
    return f"{org}.{b32encode(random).decode().lower()}"


def org_of(unverified_client_id: str) -> str | None:
    """The organisation that a client_id speaks of, None when it is none of ours."""
    org, dot, rest = unverified_client_id.partition(".")
    return org if dot and rest and 0 < len(org) <= 63 and rest.isascii() and rest.isalnum() and len(rest) <= 32 else None


def digest_of(secret: str) -> bytes:
    """What is kept of a secret. Its 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def verify_secret(client: Client | None, unverified_secret: str, now: datetime) -> Client:
    """The client, when the secret is its own at `now`. An unknown client costs as much as a wrong secret.

    Raises SecretRefused.
    """
    given = digest_of(unverified_secret)
    current, previous = (client.secret, client.previous_secret or _NONE) if client else (_NONE, _NONE)
    matches = [compare_digest(given, kept.digest) for kept in (current, previous)]
    good = [kept.expires is None or now < kept.expires for kept in (current, previous)]
    if client is None or not any(match and fresh for match, fresh in zip(matches, good, strict=True)):
        raise SecretRefused
    return client


def narrow(client: Client, unverified_scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes of a token: those asked for, each of which the client was granted; all that it was granted if none is.

    Raises ScopeRefused.
    """
    asked = tuple(dict.fromkeys(unverified_scopes))
    for scope in asked:
        if not any(covers(granted, scope) for granted in client.scopes):
            raise ScopeRefused
    return asked or client.scopes


def require_held(principal: Principal, scopes: Iterable[str], orgs: Iterable[str]) -> None:
    """Raise GrantNotHeld unless the principal holds all of `scopes` and acts in all of `orgs`."""
    for scope in scopes:
        if not any(covers(held, scope) for held in principal.scopes):
            raise GrantNotHeld(f"You do not hold the scope {scope}, so you cannot give it to a client.")
    for org in orgs:
        if not principal.acts_in(org):
            raise GrantNotHeld(f"You do not act in orgs/{org}, so you cannot let a client act in it.")


# The digest of no secret: every digest that is compared to it differs.
_NONE = SecretHash(bytes(32))
