"""Snapshots: deterministic versions, resolved references, and what may never be published."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.wrappers_pb2 import StringValue

from trustmesh_registry.xds import validation
from trustmesh_registry.xds.snapshot import (
    CLUSTER,
    ENDPOINTS,
    ROUTE,
    Message,
    Snapshot,
    SnapshotRefused,
    short,
    snapshot_of,
    version_of,
)
from trustmesh_registry.xds.validation import require_publishable


def packed(message: HttpConnectionManager | StringValue) -> AnyMessage:
    box = AnyMessage()
    box.Pack(message)
    return box


def listener(name: str = "l", *, route: str = "r", inline: bool = False) -> Listener:
    manager = HttpConnectionManager()
    if inline:
        manager.route_config.CopyFrom(routes(clusters=("c",)))
    else:
        manager.rds.route_config_name = route
    filters = [{"name": "other", "typed_config": packed(StringValue())}, {"name": "http", "typed_config": packed(manager)}]
    return Listener(name=name, filter_chains=[{"filters": filters}])


def routes(name: str = "r", clusters: tuple[str, ...] = ("c",)) -> RouteConfiguration:
    configuration = RouteConfiguration(name=name)
    host = configuration.virtual_hosts.add(name="h", domains=["*"])
    host.routes.add().redirect.path_redirect = "/"
    for cluster in clusters:
        host.routes.add().route.cluster = cluster
    return configuration


def cluster(name: str = "c", **fields: object) -> Cluster:
    return Cluster(name=name, **({"type": Cluster.EDS} | fields))


def assignment(name: str = "c", address: str = "127.0.0.1", weight: int = 1, priority: int = 0) -> ClusterLoadAssignment:
    result = ClusterLoadAssignment(cluster_name=name)
    locality = result.endpoints.add(priority=priority)
    if weight:
        locality.load_balancing_weight.value = weight
    host = locality.lb_endpoints.add().endpoint.address.socket_address
    host.address, host.port_value = address, 1
    return result


def good() -> list[Message]:
    return [listener(), routes(), cluster(), assignment()]


def test_resources_are_named_by_what_they_are() -> None:
    snapshot = snapshot_of(good())
    assert {short(each.type_url): each.name for each in snapshot} == {
        "Cluster": "c",
        "ClusterLoadAssignment": "c",
        "Listener": "l",
        "RouteConfiguration": "r",
    }


def test_versions_depend_on_content_alone() -> None:
    first, second = snapshot_of(good()), snapshot_of(reversed(good()))
    assert first == second
    versions = {version_of(each.values()) for each in (first.of(CLUSTER), second.of(CLUSTER))}
    assert len(versions) == 1
    changed = snapshot_of([cluster(lb_policy=Cluster.RANDOM)])
    assert version_of(changed.of(CLUSTER).values()) not in versions
    assert version_of(()) == version_of(())


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (cluster(), {(ENDPOINTS, "c")}),
        (cluster(eds_cluster_config={"service_name": "s"}), {(ENDPOINTS, "s")}),
        (cluster(type=Cluster.STATIC), set()),
        (routes(clusters=("a", "b")), {(CLUSTER, "a"), (CLUSTER, "b")}),
        (listener(), {(ROUTE, "r")}),
        (listener(inline=True), {(CLUSTER, "c")}),
        (assignment(), set()),
    ],
    ids=["cluster", "cluster with service name", "static cluster", "routes", "listener", "listener with routes", "assignment"],
)
def test_references(message: Message, expected: set[tuple[str, str]]) -> None:
    [resource] = snapshot_of([message])
    assert resource.references == expected


def test_weighted_clusters_are_references() -> None:
    configuration = routes(clusters=())
    weighted = configuration.virtual_hosts[0].routes.add().route.weighted_clusters
    weighted.clusters.add(name="a")
    weighted.clusters.add(name="b")
    [resource] = snapshot_of([configuration])
    assert resource.references == {(CLUSTER, "a"), (CLUSTER, "b")}


def test_two_resources_of_one_name_are_refused() -> None:
    with pytest.raises(SnapshotRefused, match="two resources Cluster c"):
        snapshot_of([cluster(), cluster()])


def test_a_good_snapshot_may_be_published() -> None:
    require_publishable(snapshot_of(good()), before=None)
    require_publishable(snapshot_of(good()), before=snapshot_of(good()))
    require_publishable(snapshot_of([]), before=None)


def test_a_locality_less_assignment_is_a_decision_and_passes() -> None:
    require_publishable(snapshot_of([listener(), routes(), cluster(), ClusterLoadAssignment(cluster_name="c")]), before=None)


BAD: dict[str, tuple[Callable[[], list[Message]], str]] = {
    "route to a cluster that is missing": (lambda: [listener(), routes(), assignment()], "refers to Cluster c"),
    "listener without its routes": (lambda: [listener(), cluster(), assignment()], "refers to RouteConfiguration r"),
    "cluster without endpoints": (lambda: [listener(), routes(), cluster()], "refers to ClusterLoadAssignment c"),
    "host name": (lambda: [*good()[:3], assignment(address="example.org")], "not an IP address"),
    "locality without weight": (lambda: [*good()[:3], assignment(weight=0)], "without load_balancing_weight"),
    "gap in the priorities": (lambda: [*good()[:3], assignment(priority=1)], "must run from 0"),
    "listeners all gone": (lambda: good()[2:], "every Listener would be deleted"),
    "clusters all gone": (lambda: [listener(inline=False), routes(clusters=())], "every Cluster would be deleted"),
}


@pytest.mark.parametrize(("messages", "problem"), BAD.values(), ids=BAD.keys())
def test_bad_snapshots(messages: Callable[[], list[Message]], problem: str) -> None:
    before: Snapshot = snapshot_of(good())
    with pytest.raises(SnapshotRefused, match=problem):
        require_publishable(snapshot_of(messages()), before=before)


def test_a_type_that_no_message_could_carry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MAX_TYPE_BYTES", 10)
    with pytest.raises(SnapshotRefused, match="Listener resources take"):
        require_publishable(snapshot_of(good()), before=None)
