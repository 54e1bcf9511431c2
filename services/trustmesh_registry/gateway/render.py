"""The same configuration without a control plane: one static bootstrap that Envoy can read, validate and run."""

from __future__ import annotations

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager

from trustmesh_registry.gateway.mesh import GatewayResources
from trustmesh_registry.gateway.protos import to_yaml


def static_bootstrap(resources: GatewayResources) -> Bootstrap:
    """A bootstrap that holds the listeners with their routes and the clusters with their endpoints."""
    return Bootstrap(
        node={"id": "gateway", "cluster": "gateway"},
        admin={"address": {"pipe": {"path": "admin.sock", "mode": 0o600}}},
        static_resources={
            "listeners": [_static_listener(listener, resources) for listener in resources.listeners],
            "clusters": [_static_cluster(cluster, resources) for cluster in resources.clusters],
        },
    )


def render_static(resources: GatewayResources) -> str:
    """`static_bootstrap` as YAML, in a stable order."""
    return to_yaml(static_bootstrap(resources))


def _static_listener(listener: Listener, resources: GatewayResources) -> Listener:
    routes = {route.name: route for route in resources.routes}
    result = Listener()
    result.CopyFrom(listener)
    for chain in result.filter_chains:
        for each in chain.filters:
            manager = HttpConnectionManager()
            each.typed_config.Unpack(manager)
            manager.route_config.CopyFrom(routes[manager.rds.route_config_name])
            each.typed_config.Pack(manager, deterministic=True)
    return result


def _static_cluster(cluster: Cluster, resources: GatewayResources) -> Cluster:
    endpoints = {each.cluster_name: each for each in resources.endpoints}
    result = Cluster()
    result.CopyFrom(cluster)
    if result.name in endpoints:
        result.ClearField("eds_cluster_config")
        result.type = Cluster.STATIC
        result.load_assignment.CopyFrom(endpoints[result.name])
    return result
