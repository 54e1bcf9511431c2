"""The HTTP filters of the edge, in their order, and how a route switches them."""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.route.v3.route_components_pb2 import FilterConfig
from envoy.extensions.filters.http.cors.v3.cors_pb2 import Cors, CorsPolicy
from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication, PerRouteConfig
from envoy.extensions.filters.http.lua.v3.lua_pb2 import Lua, LuaPerRoute
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from google.protobuf import any_pb2

from trustmesh_registry.gateway.catalogue import Catalogue
from trustmesh_registry.gateway.descriptors import transcoded_services, transcoder_descriptors
from trustmesh_registry.gateway.guard import BodyTypes
from trustmesh_registry.gateway.headers import answer_headers
from trustmesh_registry.gateway.limits import CLAIMS, ORGS_HEADER, global_limits, local_limit
from trustmesh_registry.gateway.mesh import Edge
from trustmesh_registry.gateway.protos import Fields, extension, packed, wrapped

_ISSUER = "authz"
_EXPOSED = (
    "grpc-status,grpc-message,grpc-status-details-bin,x-request-id,www-authenticate,retry-after,"
    "x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset"
)
_ALLOWED = "authorization,content-type,x-grpc-web,x-user-agent,grpc-timeout,traceparent,tracestate"


def http_filters(catalogue: Catalogue, bodies: BodyTypes, edge: Edge, keys: str, *, counted: bool) -> list[Fields]:
    """All filters; `keys` verify tokens (JWKS), `counted` when there is a ratelimit service to ask."""
    return [
        answer_headers(),
        extension("cors", Cors()),
        _same_origin(edge),
        _jwt_authn(edge, keys),
        local_limit(edge),
        *(global_limits() if counted else []),
        extension("grpc_web", GrpcWeb()),
        {**extension("guard", Lua(default_source_code={"inline_string": bodies.script()})), "disabled": True},
        {**_transcoder(catalogue, edge), "disabled": True},
        extension("router", Router(suppress_envoy_headers=True)),
    ]


def without_token() -> dict[str, any_pb2.Any]:
    """For a route that asks for no token."""
    return {"jwt_authn": packed(PerRouteConfig(disabled=True))}


def transcoded(body: int, bound: Iterable[str], most_bytes: int) -> dict[str, any_pb2.Any]:
    """For a route of REST, whose body is of type `body` of the guard and whose path gives the fields `bound`."""
    transcoder = FilterConfig(config=any_pb2.Any())
    guard = LuaPerRoute(filter_context={"body": body, "bound": f" {' '.join(bound)} ", "most": most_bytes})
    return {"grpc_json_transcoder": packed(transcoder), "guard": packed(guard)}


def mounted(*, cross_origin: bool) -> dict[str, any_pb2.Any]:
    """For a route of a protocol of its own: it minds tokens and, unless scripts of other origins may read it, origins itself."""
    return without_token() | {"same_origin": packed(FilterConfig(disabled=True))} | mounted_cors(cross_origin=cross_origin)


def mounted_cors(*, cross_origin: bool) -> dict[str, any_pb2.Any]:
    # An empty policy would leave the virtual host's in force.
    return {} if cross_origin else {"cors": packed(FilterConfig(disabled=True))}


def cors_policy(edge: Edge) -> CorsPolicy:
    """Lets scripts of the listed origins, exactly, call and read; no cookies."""
    return CorsPolicy(
        allow_origin_string_match=[{"exact": origin} for origin in edge.cors_origins],
        allow_methods="GET,POST,PUT,PATCH,DELETE",
        allow_headers=_ALLOWED,
        expose_headers=_EXPOSED,
        max_age="600",
    )


def own_origins(edge: Edge) -> list[str]:
    return [f"https://{host}:{edge.https_port}" for host in edge.host_names] + [f"https://{host}" for host in edge.host_names]


def _same_origin(edge: Edge) -> Fields:
    """Refuses, before it has any effect, a call that a script of an origin that is not listed makes."""
    listed = [_origin({"exact": origin}) for origin in [*own_origins(edge), *edge.cors_origins]]
    foreign = {"and_rules": {"rules": [_origin(None), {"not_rule": {"or_rules": {"rules": listed}}}]}}
    policy = {"permissions": [foreign], "principals": [{"any": True}]}
    return extension("same_origin", RBAC(rules={"action": "DENY", "policies": {"foreign-origin": policy}}))


def _origin(match: Fields | None) -> Fields:
    return {"header": {"name": "origin", **({"string_match": match} if match else {"present_match": True})}}


def _jwt_authn(edge: Edge, keys: str) -> Fields:
    """Every path asks for a token; routes make the exceptions."""
    provider = {
        "issuer": edge.issuer,
        "audiences": [edge.audience],
        "local_jwks": {"inline_string": keys},
        "forward": True,
        "require_expiration": True,
        "clock_skew_seconds": 30,
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "payload_in_metadata": CLAIMS,
        "claim_to_headers": [{"header_name": ORGS_HEADER, "claim_name": "orgs"}],
    }
    rule = {"match": {"prefix": "/"}, "requires": {"provider_name": _ISSUER}}
    return extension("jwt_authn", JwtAuthentication(providers={_ISSUER: provider}, rules=[rule]))


def _transcoder(catalogue: Catalogue, edge: Edge) -> Fields:
    config = GrpcJsonTranscoder(
        proto_descriptor_bin=transcoder_descriptors(catalogue).SerializeToString(deterministic=True),
        services=transcoded_services(catalogue),
        match_incoming_request_route=True,
        convert_grpc_status=True,
        print_options={"always_print_primitive_fields": False},
        request_validation_options={
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        max_request_body_size=wrapped(edge.max_body_bytes),
        max_response_body_size=wrapped(8 << 20),
    )
    return extension("grpc_json_transcoder", config)
