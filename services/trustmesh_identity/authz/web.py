"""The HTTP application: token endpoint, key set, metadata. Only the gateway reaches it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trustmesh_chassis.errors import CallError, StatusCode
from trustmesh_identity.authz import metadata
from trustmesh_identity.authz.clients import ScopeRefused, SecretRefused
from trustmesh_identity.authz.keyring import Keyring
from trustmesh_identity.authz.oauth import MAX_BODY, OAuthError, read_token_request
from trustmesh_identity.authz.operations import IssuedToken, Issuer, issue_token
from trustmesh_identity.authz.ports import ClientRepository, Clock, RandomBytes

log = logging.getLogger(__name__)

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="trustmesh", charset="UTF-8"'}
_PUBLIC = {"Cache-Control": "public, max-age=300"}


def build_web(
    *, clients: ClientRepository, keyring: Keyring, issuer: Issuer, clock: Clock, random_bytes: RandomBytes
) -> Starlette:
    """The application; every refusal is JSON as RFC 6749, section 5.2, has it."""

    async def token(request: Request) -> Response:
        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers.raw]
        body = await _read(request)
        asked = read_token_request(headers, request.url.query, body, issuer.audience)
        issued = await issue_token(
            asked, clients=clients, signer=keyring.signer, issuer=issuer, now=clock(), random_bytes=random_bytes
        )
        log.info("token issued", extra={"client": issued.client.name})
        return _token_response(issued)

    async def jwks(request: Request) -> Response:
        # Raises Unavailable before the keys are loaded, so that nobody caches an empty set.
        _ = keyring.signer
        return _document(keyring.jwks(), "application/jwk-set+json")

    documents = {
        "/.well-known/oauth-authorization-server": metadata.authorization_server(issuer.name),
        "/.well-known/openid-configuration": metadata.openid_provider(issuer.name),
    }
    return Starlette(
        routes=[
            Route(metadata.TOKEN_PATH, token, methods=["POST"]),
            Route(metadata.JWKS_PATH, jwks, methods=["GET"]),
            *(Route(path, _serving(document), methods=["GET"]) for path, document in documents.items()),
        ],
        exception_handlers={
            OAuthError: _oauth_refused,
            SecretRefused: _secret_refused,
            ScopeRefused: _scope_refused,
            CallError: _call_failed,
            HTTPException: _not_served,
            Exception: _failed,
        },
    )


async def _read(request: Request) -> bytes:
    """At most one byte more than is allowed, so that a longer body costs no memory."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return body[: MAX_BODY + 1]
    return body


def _serving(document: dict[str, Any]) -> Callable[[Request], Awaitable[Response]]:
    response = _document(document, "application/json")

    async def serve(request: Request) -> Response:
        return response

    return serve


def _document(document: dict[str, Any], media_type: str) -> Response:
    return Response(json.dumps(document), media_type=media_type, headers=_PUBLIC)


def _token_response(issued: IssuedToken) -> Response:
    return JSONResponse(
        {
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": int(issued.lifetime.total_seconds()),
            "scope": " ".join(issued.scopes),
        },
        headers=_NO_STORE,
    )


def _refusal(error: str, description: str, status: int, headers: dict[str, str] | None = None) -> Response:
    extra = _CHALLENGE if status == 401 else {}
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status_code=status, headers=_NO_STORE | extra | (headers or {}))


async def _oauth_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)
    log.info("token refused", extra={"error": error.error})
    return _refusal(error.error, error.description, error.status)


async def _secret_refused(request: Request, error: Exception) -> Response:
    log.warning("token refused", extra={"error": "invalid_client"})
    return _refusal("invalid_client", "the client is unknown or its secret is wrong", 401)


async def _scope_refused(request: Request, error: Exception) -> Response:
    log.info("token refused", extra={"error": "invalid_scope"})
    return _refusal("invalid_scope", "the client was not granted a scope that it asks for", 400)


async def _call_failed(request: Request, error: Exception) -> Response:
    """What the service cannot do now; the text stays here."""
    assert isinstance(error, CallError)
    log.error("%s failed: %s", request.url.path, error)
    if error.status is StatusCode.UNAVAILABLE:
        return _refusal("temporarily_unavailable", "try again in a moment", 503, {"Retry-After": "1"})
    return _refusal("server_error", "the request could not be served", 500)


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _refusal("invalid_request", error.detail.lower(), error.status_code, dict(error.headers or {}))


async def _failed(request: Request, error: Exception) -> Response:
    return _refusal("server_error", "the request could not be served", 500)
