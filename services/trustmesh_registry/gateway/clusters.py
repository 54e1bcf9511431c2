"""Upstreams: one cluster per service of the mesh for gRPC, one more for its HTTP mounts."""

from __future__ import annotations

from collections.abc import Container, Iterable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from trustmesh_registry.gateway.mesh import Edge, Endpoint, Mesh
from trustmesh_registry.gateway.protos import Fields, by_ads, duration, packed, socket, wrapped
from trustmesh_registry.gateway.tls import client_tls

COLLECTOR = "collector"
# For routes whose requests a filter answers.
NOWHERE = "nowhere"
# Of what is under way to one service.
CIRCUIT_BREAKER = {"max_connections": 256, "max_pending_requests": 1024, "max_requests": 2048}
RETRY_BUDGET_PERCENT = 20
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def grpc_cluster_name(service: str) -> str:
    return service


def http_cluster_name(service: str) -> str:
    return f"{service}-http"


def clusters(mesh: Mesh, mounting: Container[str], edge: Edge) -> list[Cluster]:
    """All clusters; the services `mounting` HTTP have one for it, whether or not an instance is there now."""
    result = [_static(NOWHERE, [])]
    for service in mesh:
        tls = client_tls(edge.trust_domain, service.name)
        result.append(_discovered(grpc_cluster_name(service.name), tls, _http2_options()))
        if service.name in mounting:
            tls = client_tls(edge.trust_domain, service.name, ("h2", "http/1.1"))
            result.append(_discovered(http_cluster_name(service.name), tls, _any_http_options()))
    if edge.collector:
        result.append(_static(COLLECTOR, [edge.collector]))
    return result


def assignments(mesh: Mesh, mounting: Container[str]) -> list[ClusterLoadAssignment]:
    """Where each cluster's instances are; a cluster without any has an empty assignment, and its calls fail at once."""
    result = []
    for service in mesh:
        result.append(assignment(grpc_cluster_name(service.name), service.endpoints))
        if service.name in mounting:
            result.append(assignment(http_cluster_name(service.name), service.http_endpoints))
    return result


def assignment(name: str, endpoints: Iterable[Endpoint]) -> ClusterLoadAssignment:
    # A locality without weight would lose its endpoints.
    hosts = [{"endpoint": {"address": socket(each.address, each.port)}} for each in endpoints]
    localities = [{"locality": {"zone": "local"}, "load_balancing_weight": wrapped(1), "lb_endpoints": hosts}] if hosts else []
    return ClusterLoadAssignment(cluster_name=name, endpoints=localities)


def _static(name: str, endpoints: Iterable[Endpoint]) -> Cluster:
    """A cluster of HTTP/2 without TLS, whose endpoints are known beforehand."""
    return Cluster(
        name=name,
        type="STATIC",
        connect_timeout=duration(1),
        load_assignment=assignment(name, endpoints),
        typed_extension_protocol_options={_HTTP_OPTIONS: packed(_http2_options())},
    )


def _http2_options() -> HttpProtocolOptions:
    keepalive = {"interval": duration(30), "timeout": duration(5)}
    return HttpProtocolOptions(
        common_http_protocol_options=_connections(),
        explicit_http_config={"http2_protocol_options": {"connection_keepalive": keepalive}},
    )


def _any_http_options() -> HttpProtocolOptions:
    return HttpProtocolOptions(
        common_http_protocol_options=_connections(),
        auto_config={"http_protocol_options": {}, "http2_protocol_options": {}},
    )


def _connections() -> Fields:
    # A connection keeps the identity that it was made with, so it does not outlive half of the leaf's hour.
    return {"idle_timeout": duration(300), "max_connection_duration": duration(1800)}


def _discovered(name: str, tls: Fields, options: HttpProtocolOptions) -> Cluster:
    return Cluster(
        name=name,
        type="EDS",
        eds_cluster_config={"eds_config": by_ads()},
        connect_timeout=duration(1),
        lb_policy="LEAST_REQUEST",
        transport_socket=tls,
        typed_extension_protocol_options={_HTTP_OPTIONS: packed(options)},
        common_lb_config={"healthy_panic_threshold": wrapped(0)},
        outlier_detection=_outliers(),
        circuit_breakers={"thresholds": [_breaker()]},
        per_connection_buffer_limit_bytes=wrapped(1 << 20),
        ignore_health_on_host_removal=True,
    )


def _outliers() -> Fields:
    """Ejects an instance that cannot be reached or says UNAVAILABLE, not for its methods' errors, and never more than half."""
    return {
        "interval": duration(1),
        "base_ejection_time": duration(2),
        "max_ejection_time": duration(30),
        "max_ejection_percent": wrapped(50),
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": wrapped(3),
        "enforcing_consecutive_local_origin_failure": wrapped(100),
        "consecutive_gateway_failure": wrapped(5),
        "enforcing_consecutive_gateway_failure": wrapped(100),
        "enforcing_consecutive_5xx": wrapped(0),
        "enforcing_success_rate": wrapped(0),
        "enforcing_local_origin_success_rate": wrapped(0),
    }


def _breaker() -> Fields:
    return {
        **{name: wrapped(value) for name, value in CIRCUIT_BREAKER.items()},
        "retry_budget": {"budget_percent": {"value": float(RETRY_BUDGET_PERCENT)}, "min_retry_concurrency": wrapped(5)},
    }
