"""Routes: one per method and form of its path, default deny."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from envoy.config.route.v3.route_components_pb2 import Route, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate

from trustmesh_contract.contract import HttpBinding, Method, PublicAccess
from trustmesh_registry.gateway import limits
from trustmesh_registry.gateway.catalogue import Catalogue, Mounted, Offered
from trustmesh_registry.gateway.clusters import NOWHERE, grpc_cluster_name, http_cluster_name
from trustmesh_registry.gateway.filters import cors_policy, mounted, mounted_cors, transcoded, without_token
from trustmesh_registry.gateway.guard import BodyTypes, json_name
from trustmesh_registry.gateway.mesh import Edge
from trustmesh_registry.gateway.paths import SERVICE_PREFIX, bound_fields, specificity, template_regex
from trustmesh_registry.gateway.protos import Fields, duration, extension, packed, wrapped

EDGE_ROUTES = "edge"
PLAIN_ROUTES = "plain"
MOUNT_TIMEOUT = 30.0
# How long a unary call may be silent; its own timeout, where that is longer.
STREAM_IDLE = 60.0
_WATCH_IDLE = 3600.0
# For how long a service that drains lets calls under way go on, at least.
_DRAIN_GRACE = 10.0
_OTHER_HOSTS = extension("envoy.retry_host_predicates.previous_hosts", PreviousHostsPredicate())


def edge_routes(catalogue: Catalogue, bodies: BodyTypes, edge: Edge, *, counted: bool) -> RouteConfiguration:
    """The routes of the https listener; `counted` when there is a ratelimit service."""
    routes = [_malformed_timeout()]
    routes += [_grpc_route(offered, counted) for offered in (*catalogue.methods, *catalogue.foreign)]
    rest = [(offered, binding) for offered in catalogue.methods for binding in offered.bindings]
    rest.sort(key=lambda pair: (specificity(pair[1].template), pair[1].template, pair[1].verb))
    routes += [_rest_route(offered, binding, bodies, edge, counted) for offered, binding in rest]
    for mount in sorted(catalogue.mounts, key=lambda each: (-len(each.mount.path), each.mount.path)):
        routes += _mount_routes(mount, edge, counted)
    routes.append(_preflight("preflight", {"prefix": "/"}))
    routes.append(_refusal("unknown", {"prefix": "/"}, 404))
    host = VirtualHost(
        name="edge", domains=edge.host_names, routes=routes, typed_per_filter_config={"cors": packed(cors_policy(edge))}
    )
    stranger = VirtualHost(name="unknown-host", domains=["*"], routes=[_refusal("unknown-host", {"prefix": "/"}, 421)])
    return RouteConfiguration(name=EDGE_ROUTES, virtual_hosts=[host, stranger], ignore_port_in_host_matching=True)


def plain_routes() -> RouteConfiguration:
    """The routes of the plain http listener: none yet; what RFC 5280 and RFC 6960 want in the clear is served here."""
    host = VirtualHost(name="plain", domains=["*"], routes=[Route(match={"prefix": "/"}, direct_response={"status": 404})])
    return RouteConfiguration(name=PLAIN_ROUTES, virtual_hosts=[host])


def _grpc_route(offered: Offered, counted: bool) -> Route:
    method = offered.method
    return Route(
        name=method.full_name,
        match={"path": method.path, "headers": [_verb("POST")]},
        route=_action(offered, counted),
        metadata=limits.counted_as(method.policy.rate_class),
        typed_per_filter_config=_access(method),
    )


def _rest_route(offered: Offered, binding: HttpBinding, bodies: BodyTypes, edge: Edge, counted: bool) -> Route:
    method = offered.method
    return Route(
        name=f"{method.full_name} {binding.verb} {SERVICE_PREFIX}{binding.template}",
        match={
            "safe_regex": {"regex": re.escape(SERVICE_PREFIX) + template_regex(binding.template)},
            "headers": [_verb(binding.verb)],
        },
        route=_action(offered, counted),
        metadata=limits.counted_as(method.policy.rate_class),
        typed_per_filter_config=_access(method)
        | transcoded(bodies.number(method, binding), _spellings(binding.template), edge.max_body_bytes),
        request_body_buffer_limit=wrapped(edge.max_body_bytes),
    )


def _spellings(template: str) -> list[str]:
    """The fields that the path gives, as proto and as JSON write them."""
    bound = bound_fields(template)
    return sorted({*bound, *(".".join(map(json_name, path.split("."))) for path in bound)})


def _mount_routes(mounted_at: Mounted, edge: Edge, counted: bool) -> Iterator[Route]:
    mount = mounted_at.mount
    place: Fields = {"prefix": mount.path} if mount.path.endswith("/") else {"path": mount.path}
    settings = mounted(cross_origin=mount.cross_origin)
    preflight = _preflight(f"{mount.full_service} {mount.path} preflight", place)
    _configure(preflight, mounted_cors(cross_origin=mount.cross_origin))
    yield preflight
    verbs = "|".join(sorted(map(re.escape, mount.methods)))
    yield Route(
        name=f"{mount.full_service} {mount.path}",
        match=place | {"headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": verbs}}}]},
        route={
            "cluster": http_cluster_name(mounted_at.service),
            "timeout": duration(MOUNT_TIMEOUT),
            "max_stream_duration": {"max_stream_duration": duration(MOUNT_TIMEOUT)},
            "retry_policy": _retries("connect-failure,refused-stream"),
            "rate_limits": limits.rules(mount.rate_class, counted=counted),
        },
        metadata=limits.counted_as(mount.rate_class),
        typed_per_filter_config=settings,
    )
    refusal = _refusal(f"{mount.full_service} {mount.path} other", place, 405)
    refusal.response_headers_to_add.add(header={"key": "allow", "value": ", ".join(sorted(mount.methods))})
    _configure(refusal, settings)
    yield refusal


def _configure(route: Route, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        route.typed_per_filter_config[name].CopyFrom(value)


def _preflight(name: str, place: Fields) -> Route:
    """Where the cors filter answers a preflight, for which it needs a route; what it does not answer, same_origin refuses."""
    asks = [_verb("OPTIONS"), *({"name": field, "present_match": True} for field in ("origin", "access-control-request-method"))]
    return Route(name=name, match=place | {"headers": asks}, route={"cluster": NOWHERE})


def _refusal(name: str, match: Fields, status: int) -> Route:
    return Route(name=name, match=match, direct_response={"status": status}, typed_per_filter_config=without_token())


def _malformed_timeout() -> Route:
    """Refuses a grpc-timeout that is none (gRPC over HTTP2, "Timeout").

    A gRPC server that cannot parse one fails every later call on the connection that sends another, whosever call it is.
    """
    given = {"name": "grpc-timeout", "present_match": True}
    malformed = {"name": "grpc-timeout", "string_match": {"safe_regex": {"regex": "[0-9]{1,8}[HMSmun]"}}, "invert_match": True}
    return _refusal("malformed-timeout", {"prefix": "/", "headers": [given, malformed]}, 400)


def _action(offered: Offered, counted: bool) -> Fields:
    method, timeout = offered.method, offered.method.policy.timeout
    action: Fields = {
        "cluster": grpc_cluster_name(offered.service),
        "retry_policy": _retries(_occasions(method)),
        "rate_limits": limits.rules(method.policy.rate_class, counted=counted),
    }
    if timeout is None:
        return action | {
            "timeout": duration(0),
            "idle_timeout": duration(_WATCH_IDLE),
            "max_stream_duration": {"max_stream_duration": duration(0)},
        }
    # For gRPC Envoy leaves the route's timeout aside where a stream's duration is bounded.
    whole = {"max_stream_duration": duration(timeout), "grpc_timeout_header_max": duration(timeout)}
    idle = duration(max(timeout, STREAM_IDLE))
    return action | {"timeout": duration(timeout), "idle_timeout": idle, "max_stream_duration": whole}


def _occasions(method: Method) -> str:
    """When a call is tried again. A method that must not run twice only where it surely has not begun.

    A gRPC server that is being replaced answers CANCELLED to what reaches it between its GOAWAY and the notice of it. It
    cancels a call that has begun only after its grace, which outlasts the time that such a method has.
    """
    if method.retriable:
        return "connect-failure,refused-stream,cancelled,unavailable,reset-before-request"
    if method.policy.timeout is not None and method.policy.timeout <= _DRAIN_GRACE:
        return "connect-failure,refused-stream,cancelled"
    return "connect-failure,refused-stream"


def _retries(on: str) -> Fields:
    return {
        "retry_on": on,
        "num_retries": wrapped(2),
        "retry_back_off": {"base_interval": duration(0.025), "max_interval": duration(0.25)},
        "retry_host_predicate": [_OTHER_HOSTS],
        "host_selection_retry_max_attempts": 3,
    }


def _access(method: Method) -> Fields:
    return without_token() if isinstance(method.policy.access, PublicAccess) else {}


def _verb(verb: str) -> Fields:
    return {"name": ":method", "string_match": {"exact": verb}}
