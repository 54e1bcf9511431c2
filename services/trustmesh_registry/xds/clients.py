"""Compiles contracts into the configuration of gRPC clients (gRFC A27, A28, A29, A31, A32, A44, A50).

It is never Envoy's: Envoy ignores the certificate provider that is named here, and would then trust any peer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.cluster.v3.outlier_detection_pb2 import OutlierDetection
from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.core.v3.base_pb2 import Locality, TransportSocket
from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource
from envoy.config.core.v3.health_check_pb2 import HealthStatus
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.api_listener_pb2 import ApiListener
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import RetryPolicy, Route, RouteAction, RouteMatch, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import CertificateProviderPluginInstance, CertificateValidationContext
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import CommonTlsContext, UpstreamTlsContext
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import UInt32Value

from trustmesh_contract.contract import Method
from trustmesh_registry.gateway import mesh
from trustmesh_registry.xds import snapshot

PROVIDER = "default"
"""The certificate provider instance of every client's bootstrap."""

SLACK_SECONDS = 2.0
"""Added to every method's timeout: gRPC C-core (1.85, measured) ends a call 1 to 2 s before its max_stream_duration, by an amount
that is constant in a process, so that a second or less would fail at once. The server holds to the exact timeout."""


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """What holds for every client; `retries` come on top of the first try, `max_requests` are those under way at once."""

    trust_domain: str
    max_requests: int = 1024
    retries: int = 2


@dataclass(frozen=True, slots=True)
class ClientService:
    """A service as its clients see it: the methods that it answers for, and where the instances are that get traffic."""

    name: str
    methods: tuple[Method, ...]
    endpoints: tuple[mesh.Endpoint, ...]


def compile_clients(services: Iterable[ClientService], terms: ClientTerms) -> Iterator[snapshot.Message]:
    """One listener, route configuration, cluster and endpoint assignment for each service, all named like it.

    The target of a service is `xds:///<name>`.
    """
    for service in sorted(services, key=lambda each: each.name):
        yield _listener(service)
        yield _routes(service, terms)
        yield _cluster(service, terms)
        yield _assignment(service)


def _listener(service: ClientService) -> Listener:
    manager = HttpConnectionManager(
        rds=Rds(config_source=_ads(), route_config_name=service.name),
        http_filters=[HttpFilter(name="router", typed_config=_any(Router()))],
    )
    return Listener(name=service.name, api_listener=ApiListener(api_listener=_any(manager)))


def _routes(service: ClientService, terms: ClientTerms) -> RouteConfiguration:
    routes = [_route(service.name, method, terms) for method in sorted(service.methods, key=lambda each: each.path)]
    # Methods whose contract is not ours (health, reflection, Envoy's protocols) bring no policy: no retry, the caller's deadline.
    routes.append(Route(match=RouteMatch(prefix=""), route=RouteAction(cluster=service.name)))
    return RouteConfiguration(name=service.name, virtual_hosts=[VirtualHost(name=service.name, domains=["*"], routes=routes)])


def _route(cluster: str, method: Method, terms: ClientTerms) -> Route:
    action = RouteAction(cluster=cluster)
    if method.policy.timeout is not None:
        action.max_stream_duration.max_stream_duration.FromNanoseconds(int((method.policy.timeout + SLACK_SECONDS) * 1e9))
    if method.retriable:
        action.retry_policy.CopyFrom(
            RetryPolicy(
                retry_on="unavailable",
                num_retries=UInt32Value(value=terms.retries),
                retry_back_off=RetryPolicy.RetryBackOff(base_interval=_milliseconds(25), max_interval=_milliseconds(250)),
            )
        )
    return Route(match=RouteMatch(path=method.path), route=action)


def _cluster(service: ClientService, terms: ClientTerms) -> Cluster:
    return Cluster(
        name=service.name,
        type=Cluster.EDS,
        eds_cluster_config=Cluster.EdsClusterConfig(eds_config=_ads()),
        lb_policy=Cluster.ROUND_ROBIN,
        circuit_breakers=CircuitBreakers(
            thresholds=[CircuitBreakers.Thresholds(max_requests=UInt32Value(value=terms.max_requests))]
        ),
        outlier_detection=_outliers(),
        transport_socket=_tls(f"spiffe://{terms.trust_domain}/svc/{service.name}"),
    )


def _outliers() -> OutlierDetection:
    """Ejection by rates; gRPC knows no consecutive errors.

    Among five hosts or more, those whose success rate stands out; among fewer, where deviation tells nothing, those that fail
    nearly always. At most half of them, so that a bad release, or callers who ask for what is not there, are not an outage.
    """
    return OutlierDetection(
        interval=Duration(seconds=5),
        base_ejection_time=Duration(seconds=15),
        max_ejection_time=Duration(seconds=120),
        max_ejection_percent=UInt32Value(value=50),
        success_rate_minimum_hosts=UInt32Value(value=5),
        success_rate_request_volume=UInt32Value(value=50),
        success_rate_stdev_factor=UInt32Value(value=1900),
        enforcing_success_rate=UInt32Value(value=100),
        failure_percentage_minimum_hosts=UInt32Value(value=2),
        failure_percentage_request_volume=UInt32Value(value=20),
        failure_percentage_threshold=UInt32Value(value=85),
        enforcing_failure_percentage=UInt32Value(value=100),
    )


def _tls(spiffe_id: str) -> TransportSocket:
    instance = CertificateProviderPluginInstance(instance_name=PROVIDER)
    context = UpstreamTlsContext(
        common_tls_context=CommonTlsContext(
            tls_certificate_provider_instance=instance,
            validation_context=CertificateValidationContext(
                ca_certificate_provider_instance=instance, match_subject_alt_names=[StringMatcher(exact=spiffe_id)]
            ),
        )
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=_any(context))


def _assignment(service: ClientService) -> ClusterLoadAssignment:
    endpoints = [
        LbEndpoint(
            health_status=HealthStatus.HEALTHY,
            endpoint=Endpoint(address=Address(socket_address=SocketAddress(address=each.address, port_value=each.port))),
        )
        for each in service.endpoints
    ]
    locality = LocalityLbEndpoints(
        locality=Locality(region="mesh"), load_balancing_weight=UInt32Value(value=1), lb_endpoints=endpoints
    )
    return ClusterLoadAssignment(cluster_name=service.name, endpoints=[locality] if endpoints else [])


def _ads() -> ConfigSource:
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def _any(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message, deterministic=True)
    return packed


def _milliseconds(value: int) -> Duration:
    return Duration(nanos=value * 1_000_000)
