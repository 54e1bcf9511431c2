"""Use cases: what a caller may do with clients, and how a client gets its token."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustmesh_chassis.errors import Unauthenticated
from trustmesh_chassis.storage import PageTokens, etag_of, require_etag
from trustmesh_chassis.tokens import Principal
from trustmesh_identity.authz.clients import (
    SECRET_BYTES,
    UID_BYTES,
    Client,
    SecretRefused,
    digest_of,
    make_client,
    make_client_id,
    make_secret,
    narrow,
    org_of,
    require_held,
    verify_secret,
)
from trustmesh_identity.authz.issuing import CLIENT_ACR, Grant, Signer, sign_access_token
from trustmesh_identity.authz.oauth import TokenRequest
from trustmesh_identity.authz.ports import ClientRepository, RandomBytes
from trustmesh_identity.authz.signing_keys import Keys, SigningKey

_TOKEN_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class NewClient:
    org: str
    id: str
    display_name: str
    scopes: tuple[str, ...]
    orgs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What is None stays as it is."""

    org: str
    id: str
    etag: str
    display_name: str | None
    scopes: tuple[str, ...] | None
    orgs: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ClientWithSecret:
    """The one moment at which a secret is known."""

    client: Client
    secret: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    access_token: str
    lifetime: timedelta
    scopes: tuple[str, ...]
    client: Client


@dataclass(frozen=True, slots=True)
class Issuer:
    """What every token of this server says."""

    name: str
    audience: str
    lifetime: timedelta


def client_etag(client: Client) -> str:
    return etag_of(client.client_id, client.revision)


async def create_client(
    command: NewClient, *, principal: Principal | None, clients: ClientRepository, now: datetime, random_bytes: RandomBytes
) -> ClientWithSecret:
    """Raises GrantNotHeld, ClientExists."""
    secret = make_secret(random_bytes(SECRET_BYTES))
    client = make_client(
        command.org,
        command.id,
        display_name=command.display_name,
        scopes=command.scopes,
        orgs=command.orgs,
        secret_digest=digest_of(secret),
        client_id=make_client_id(command.org, random_bytes(UID_BYTES)),
        now=now,
    )
    require_held(_known(principal), client.scopes, client.orgs)
    await clients.add(client)
    return ClientWithSecret(client, secret)


async def update_client(
    command: ClientChange, *, principal: Principal | None, clients: ClientRepository, now: datetime
) -> Client:
    """Raises ClientNotFound, EtagMismatch, GrantNotHeld for what the change adds."""
    before = await clients.get(command.org, command.id)
    require_etag(command.etag, client_etag(before))
    orgs = (command.org,) if command.orgs == () else command.orgs
    after = before.changed(now, display_name=command.display_name, scopes=command.scopes, orgs=orgs)
    require_held(_known(principal), _added(after.scopes, before.scopes), _added(after.orgs, before.orgs))
    await clients.replace(after)
    return after


async def delete_client(org: str, id: str, etag: str, *, clients: ClientRepository) -> None:
    """Raises ClientNotFound, EtagMismatch."""
    client = await clients.get(org, id)
    require_etag(etag, client_etag(client))
    await clients.delete(client)


async def rotate_client_secret(
    org: str,
    id: str,
    etag: str,
    previous_for: timedelta,
    *,
    principal: Principal | None,
    clients: ClientRepository,
    now: datetime,
    random_bytes: RandomBytes,
) -> ClientWithSecret:
    """Raises ClientNotFound, EtagMismatch, GrantNotHeld: who knows the secret may do what the client may."""
    before = await clients.get(org, id)
    require_etag(etag, client_etag(before))
    require_held(_known(principal), before.scopes, before.orgs)
    secret = make_secret(random_bytes(SECRET_BYTES))
    after = before.with_secret(digest_of(secret), now, previous_for)
    await clients.replace(after)
    return ClientWithSecret(after, secret)


async def list_clients(
    org: str, size: int, page_token: str, *, clients: ClientRepository, page_tokens: PageTokens
) -> tuple[list[Client], str]:
    """A page of clients and the token of the next. Raises InvalidPageToken."""
    query = ("ListClients", org)
    position = page_tokens.read(page_token, *query)
    found = await clients.list(org, str(position[0]) if position else "", size + 1)
    page = found[:size]
    return page, page_tokens.issue((page[-1].id,), *query) if len(found) > size else ""


def list_signing_keys(keys: Keys, size: int, page_token: str, *, page_tokens: PageTokens) -> tuple[list[SigningKey], str]:
    """A page of keys, newest first, and the token of the next. Raises InvalidPageToken."""
    query = ("ListSigningKeys",)
    position = page_tokens.read(page_token, *query)
    found = [key for key in reversed(keys) if position is None or key.sequence < int(str(position[0]))]
    page = found[:size]
    return page, page_tokens.issue((page[-1].sequence,), *query) if len(found) > size else ""


async def issue_token(
    request: TokenRequest,
    *,
    clients: ClientRepository,
    signer: Signer,
    issuer: Issuer,
    now: datetime,
    random_bytes: RandomBytes,
) -> IssuedToken:
    """Raises SecretRefused, ScopeRefused."""
    org = org_of(request.unverified_client_id)
    if org is None:
        raise SecretRefused
    found = await clients.find(org, request.unverified_client_id)
    client = verify_secret(found, request.unverified_secret, now)
    scopes = narrow(client, request.scopes)
    grant = Grant(
        issuer=issuer.name,
        audience=issuer.audience,
        subject=client.client_id,
        client_id=client.client_id,
        scopes=scopes,
        orgs=client.orgs,
        acr=CLIENT_ACR,
        token_id=urlsafe_b64encode(random_bytes(_TOKEN_ID_BYTES)).rstrip(b"=").decode(),
    )
    return IssuedToken(sign_access_token(grant, signer, now, issuer.lifetime), issuer.lifetime, scopes, client)


def _known(principal: Principal | None) -> Principal:
    if principal is None:
        raise Unauthenticated("Clients are granted by a principal; call with its token.")
    return principal


def _added(after: Collection[str], before: Collection[str]) -> list[str]:
    return [each for each in after if each not in before]
