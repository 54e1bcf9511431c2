"""The issuer's metadata (RFC 8414, OpenID Connect Discovery). It says what this server does today and nothing more."""

from __future__ import annotations

from typing import Any

from trustmesh_identity.authz.oauth import GRANT_TYPES

TOKEN_PATH = "/oauth2/token"  # noqa: S105  # a path
JWKS_PATH = "/oauth2/jwks"


def authorization_server(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "response_types_supported": [],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


def openid_provider(issuer: str) -> dict[str, Any]:
    """As `authorization_server`, with the members that OpenID Connect demands besides."""
    return authorization_server(issuer) | {
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }
