"""Header fields at the edge: what no client may send, and what every answer carries."""

from __future__ import annotations

from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import HeaderMutation
from envoy.extensions.http.early_header_mutation.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation as EarlyHeaderMutation,
)

from trustmesh_registry.gateway.protos import Fields, extension
from trustmesh_registry.gateway.replies import header

# Names that a service might take for the gateway's word.
_FORGED_PREFIXES = (
    "x-trustmesh-",
    "x-user-",
    "x-envoy-",
    "x-forwarded-",
    "x-original-",
    "x-rewrite-",
    "x-http-method",
    "x-auth-",
)
_FORGED = ("forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "x-method-override", "via", "proxy-authorization")

_SECURITY = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
# A service that serves pages knows better what they load, and what may be cached.
_SECURITY_DEFAULTS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
_LEAKING = ("server", "x-powered-by", "x-envoy-upstream-service-time")


def forged_headers() -> Fields:
    """The mutation that drops them before anything else reads the request."""
    mutations: list[Fields] = [{"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in _FORGED_PREFIXES]
    mutations += [{"remove": name} for name in _FORGED]
    return extension("envoy.http.early_header_mutation.header_mutation", EarlyHeaderMutation(mutations=mutations))


def security_headers() -> list[Fields]:
    always = [header(name, value) for name, value in _SECURITY.items()]
    return always + [header(name, value, "ADD_IF_ABSENT") for name, value in _SECURITY_DEFAULTS.items()]


def answer_headers() -> Fields:
    """The filter that puts them on every answer."""
    mutations = [{"append": each} for each in security_headers()] + [{"remove": name} for name in _LEAKING]
    return extension("answer_headers", HeaderMutation(mutations={"response_mutations": mutations}))
