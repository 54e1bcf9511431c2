"""Who a node is, by its certificate and its own words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trustmesh_chassis.errors import CallError, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
from trustmesh_registry.xds import nodes as subject
from trustmesh_registry.xds.nodes import Kind, Node, Nodes, identify

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("peer", "agent", "kind"),
    [("web", "gRPC C-core linux", Kind.GRPC), ("gateway", "envoy", Kind.ENVOY), ("gateway", "gRPC Go", Kind.GRPC)],
)
def test_nodes_that_are_themselves(peer: str, agent: str, kind: Kind) -> None:
    assert identify(peer, "n-1", peer, agent, "1.2") == Node("n-1", peer, kind, f"{agent} 1.2")


@pytest.mark.parametrize(
    ("peer", "node_id", "cluster", "agent", "error"),
    [
        (None, "n", "", "gRPC", PermissionDenied),
        ("web", "n", "kms", "gRPC", PermissionDenied),
        ("web", "n", "", "gRPC", PermissionDenied),
        ("web", "n", "gateway", "envoy", PermissionDenied),
        ("web", "n", "web", "envoy", PermissionDenied),
        ("web", "n", "web", "Envoy", InvalidArgument),
        ("web", "n", "web", "", InvalidArgument),
        ("web", "", "web", "gRPC", InvalidArgument),
        ("web", "n/m", "web", "gRPC", InvalidArgument),
        ("web", "n" * 129, "web", "gRPC", InvalidArgument),
    ],
)
def test_nodes_that_are_not(peer: str | None, node_id: str, cluster: str, agent: str, error: type[CallError]) -> None:
    with pytest.raises(error):
        identify(peer, node_id, cluster, agent, "")


def test_streams_of_a_node_are_listed_while_they_live() -> None:
    nodes = Nodes()
    node = Node("n", "web", Kind.GRPC, "gRPC")
    with nodes.connected(node, NOW) as first, nodes.connected(node, NOW) as second:
        [listed] = nodes.all()
        assert [each.stream for each in listed.connections] == [first, second]
        with pytest.raises(PermissionDenied), nodes.connected(Node("n", "kms", Kind.GRPC, ""), NOW):
            pass
    with pytest.raises(NotFound):
        nodes.find("n")


def test_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_STREAMS", 1)
    nodes = Nodes()
    first, second = Node("a", "web", Kind.GRPC, ""), Node("b", "web", Kind.GRPC, "")
    with nodes.connected(first, NOW), pytest.raises(ResourceExhausted), nodes.connected(second, NOW):
        pass
    with nodes.connected(second, NOW):
        pass
