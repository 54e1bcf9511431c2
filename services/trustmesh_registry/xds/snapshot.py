"""A snapshot: every resource that one kind of node may be given, with content-derived versions and resolved references."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager
from google.protobuf.any_pb2 import Any as AnyMessage

_PREFIX = "type.googleapis.com/"

LISTENER = _PREFIX + "envoy.config.listener.v3.Listener"
ROUTE = _PREFIX + "envoy.config.route.v3.RouteConfiguration"
CLUSTER = _PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINTS = _PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"

TYPES = (CLUSTER, ENDPOINTS, LISTENER, ROUTE)
"""In the order in which they are sent: what is referred to comes before what refers to it."""

FULL_STATE = frozenset({LISTENER, CLUSTER})
"""The types of which a node deletes what an answer leaves out."""

Message: TypeAlias = Listener | RouteConfiguration | Cluster | ClusterLoadAssignment
Reference = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, packed. `digest` is of its content; `references` are (type, name) pairs that it needs."""

    type_url: str
    name: str
    packed: AnyMessage
    digest: str
    references: frozenset[Reference]


Resources = Mapping[str, Resource]


@dataclass(frozen=True)
class Snapshot:
    """Resources by type and name."""

    resources: Mapping[str, Resources]

    def of(self, type_url: str) -> Resources:
        return self.resources.get(type_url, {})

    def __iter__(self) -> Iterator[Resource]:
        for type_url in TYPES:
            yield from self.of(type_url).values()


class SnapshotRefused(ValueError):
    """The resources do not form a configuration that may be published; the text says why."""


def snapshot_of(messages: Iterable[Message]) -> Snapshot:
    """Pack messages into a snapshot. Raises SnapshotRefused for two resources of one name."""
    resources: dict[str, dict[str, Resource]] = {type_url: {} for type_url in TYPES}
    for message in messages:
        resource = _packed(message)
        if resource.name in resources[resource.type_url]:
            raise SnapshotRefused(f"two resources {short(resource.type_url)} {resource.name}")
        resources[resource.type_url][resource.name] = resource
    return Snapshot({type_url: dict(sorted(named.items())) for type_url, named in resources.items()})


def version_of(resources: Iterable[Resource]) -> str:
    """The version of a set of resources: the same content has the same version, whoever computed it and when."""
    digest = hashlib.sha256()
    for resource in sorted(resources, key=lambda each: each.name):
        digest.update(f"{resource.name}\0{resource.digest}\0".encode())
    return digest.hexdigest()[:16]


def short(type_url: str) -> str:
    """The type's name without its package."""
    return type_url.rpartition(".")[2]


def _packed(message: Message) -> Resource:
    packed = AnyMessage()
    packed.Pack(message, deterministic=True)
    name = message.cluster_name if isinstance(message, ClusterLoadAssignment) else message.name
    return Resource(packed.type_url, name, packed, hashlib.sha256(packed.value).hexdigest(), frozenset(_references(message)))


def _references(message: Message) -> Iterator[Reference]:
    match message:
        case Cluster() if message.type == Cluster.EDS:
            yield ENDPOINTS, message.eds_cluster_config.service_name or message.name
        case RouteConfiguration():
            yield from _routed(message)
        case Listener():
            for manager in _managers(message):
                if manager.HasField("rds"):
                    yield ROUTE, manager.rds.route_config_name
                else:
                    yield from _routed(manager.route_config)


def _managers(listener: Listener) -> Iterator[HttpConnectionManager]:
    configurations = [filter_.typed_config for chain in listener.filter_chains for filter_ in chain.filters]
    if listener.HasField("api_listener"):
        configurations.append(listener.api_listener.api_listener)
    for configuration in configurations:
        manager = HttpConnectionManager()
        if configuration.Unpack(manager):
            yield manager


def _routed(routes: RouteConfiguration) -> Iterator[Reference]:
    for host in routes.virtual_hosts:
        for route in host.routes:
            action: Any = route.route
            match action.WhichOneof("cluster_specifier"):
                case "cluster":
                    yield CLUSTER, action.cluster
                case "weighted_clusters":
                    for weighted in action.weighted_clusters.clusters:
                        yield CLUSTER, weighted.name
