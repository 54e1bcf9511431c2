"""What the gateway is compiled from (Mesh, Edge) and what comes out (GatewayResources)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_contract.contract import Method, RateClass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address (never a name: endpoints by xDS are not resolved) and a port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class RegisteredService:
    """A service of the mesh.

    `files` holds the contract with all its imports; `serves` the full names of those gRPC services in it that this service
    answers for; `endpoints` speak gRPC, `http_endpoints` HTTPS for its mounts. All listed endpoints are healthy. `foreign` are
    methods of contracts that are not ours, which are offered by gRPC alone.
    """

    name: str
    files: FileDescriptorSet
    serves: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    http_endpoints: tuple[Endpoint, ...] = ()
    foreign: tuple[Method, ...] = ()


Mesh = tuple[RegisteredService, ...]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: int


# What one gateway process lets through, all callers together; the ratelimit service counts each caller.
LOCAL_LIMITS: Mapping[RateClass, RateLimit] = {
    RateClass.READ: RateLimit(5000, 1),
    RateClass.WRITE: RateLimit(1000, 1),
    RateClass.CRYPTO: RateLimit(5000, 1),
    RateClass.AUTHENTICATION: RateLimit(100, 1),
    RateClass.EXPENSIVE: RateLimit(20, 1),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """The operator's settings of the gateway.

    `host_names` are the authorities that are answered, without port; `jwks` is the issuer's key set as JSON, empty until it is
    known (then every token is refused); `local_limits` bound the whole process per class. `collector` takes OTLP spans by
    gRPC; `sampling` is the share of requests traced, 0 to 1. Paths are relative to the gateway's own directory, where its
    secrets/identity.yaml and secrets/roots.yaml name its certificate and the mesh's roots.
    """

    issuer: str
    audience: str
    jwks: str = ""
    trust_domain: str = "trustmesh.local"
    address: str = "127.0.0.1"
    https_port: int = 8443
    http_port: int = 8081
    host_names: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    cors_origins: tuple[str, ...] = ()
    local_limits: Mapping[RateClass, RateLimit] = field(default_factory=lambda: dict(LOCAL_LIMITS))
    max_body_bytes: int = 1 << 20
    access_log: str = "/dev/stdout"
    collector: Endpoint | None = None
    sampling: float = 0.01


@dataclass(frozen=True, slots=True)
class GatewayResources:
    """Envoy's resources by xDS type, and `problems`: what was left out of them, and why."""

    listeners: tuple[Listener, ...]
    routes: tuple[RouteConfiguration, ...]
    clusters: tuple[Cluster, ...]
    endpoints: tuple[ClusterLoadAssignment, ...]
    problems: tuple[str, ...] = ()
