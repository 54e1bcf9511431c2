"""The gateway's configuration as its operators read it: trustmesh.gateway.v1, from the same catalogue that Envoy's comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration

from trustmesh.gateway.v1 import gateway_pb2, route_pb2
from trustmesh_contract.contract import PermissionAccess, PublicAccess
from trustmesh_registry.gateway import limits
from trustmesh_registry.gateway.catalogue import Catalogue, Mounted, Offered, read_mesh
from trustmesh_registry.gateway.clusters import CIRCUIT_BREAKER, RETRY_BUDGET_PERCENT
from trustmesh_registry.gateway.keys import verification_keys
from trustmesh_registry.gateway.mesh import Edge, Mesh
from trustmesh_registry.gateway.paths import SERVICE_PREFIX
from trustmesh_registry.gateway.routes import MOUNT_TIMEOUT


def describe_routes(mesh: Mesh) -> dict[str, route_pb2.Route]:
    """Every route by its name."""
    catalogue = read_mesh(mesh)
    return {each.name: each for each in _routes(catalogue)}


def describe_gateway(mesh: Mesh, edge: Edge) -> gateway_pb2.Gateway:
    """The edge's settings and limits, and what is left out."""
    problems = list(read_mesh(mesh).problems)
    _, no_keys = verification_keys(edge.jwks)
    return gateway_pb2.Gateway(
        name="gateway",
        host_names=edge.host_names,
        issuer=edge.issuer,
        audience=edge.audience,
        cors_origins=edge.cors_origins,
        max_body_bytes=edge.max_body_bytes,
        rate_limits=[
            gateway_pb2.RateLimit(rate_class=rate_class.value, requests=limit.requests, interval=_duration(limit.seconds))
            for rate_class, limit in sorted(edge.local_limits.items())
        ],
        callers_counted=limits.is_counted(mesh),
        circuit_breaker=gateway_pb2.CircuitBreaker(**CIRCUIT_BREAKER, retry_budget_percent=RETRY_BUDGET_PERCENT),
        problems=[*problems, no_keys] if no_keys else problems,
    )


def _routes(catalogue: Catalogue) -> Iterator[route_pb2.Route]:
    for offered in (*catalogue.methods, *catalogue.foreign):
        yield _method_route(offered, route_pb2.Route.PROTOCOL_GRPC, "POST", offered.method.path)
        for binding in offered.bindings:
            yield _method_route(offered, route_pb2.Route.PROTOCOL_REST, binding.verb, SERVICE_PREFIX + binding.template)
    for mounted in catalogue.mounts:
        yield _mount_route(mounted)


def _method_route(offered: Offered, protocol: route_pb2.Route.Protocol, verb: str, path: str) -> route_pb2.Route:
    method = offered.method
    access = method.policy.access
    return route_pb2.Route(
        name=_name(verb, path),
        service=f"services/{offered.service}",
        method=method.full_name,
        protocol=protocol,
        verbs=[verb],
        path=path,
        permission=access.permission if isinstance(access, PermissionAccess) else None,
        public_why=access.why if isinstance(access, PublicAccess) else None,
        rate_class=method.policy.rate_class.value,
        timeout=None if method.policy.timeout is None else _duration(method.policy.timeout),
        retried=method.retriable,
    )


def _mount_route(mounted: Mounted) -> route_pb2.Route:
    mount = mounted.mount
    verbs = sorted(mount.methods)
    return route_pb2.Route(
        name=_name(",".join(verbs), mount.path),
        service=f"services/{mounted.service}",
        method=mount.full_service,
        protocol=route_pb2.Route.PROTOCOL_HTTP,
        verbs=verbs,
        path=mount.path,
        public_why=mount.why,
        rate_class=mount.rate_class.value,
        timeout=_duration(MOUNT_TIMEOUT),
    )


def _name(verb: str, path: str) -> str:
    return f"routes/{hashlib.sha256(f'{verb} {path}'.encode()).hexdigest()[:16]}"


def _duration(seconds: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message
