"""Who takes configuration: what kind of node, whether it is who it says, and what each one has been sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from trustmesh_chassis.errors import FieldViolation, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted
from trustmesh_registry.xds.stream import Stream

GATEWAY = "gateway"
MAX_STREAMS = 2000
MAX_STREAMS_OF_NODE = 64
MAX_USER_AGENT = 256

_NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Kind(Enum):
    """What kind of configuration a node understands."""

    ENVOY = "envoy"
    GRPC = "gRPC"


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is who it says: `service` is proven by its certificate."""

    id: str
    service: str
    kind: Kind
    user_agent: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One stream of a node."""

    connect_time: datetime
    stream: Stream = field(default_factory=Stream)


@dataclass(frozen=True, slots=True)
class ConnectedNode:
    """A node with its streams, oldest first."""

    node: Node
    connections: tuple[Connection, ...]


def identify(peer: str | None, node_id: str, cluster: str, user_agent: str, user_agent_version: str) -> Node:
    """The node that says all this of itself over a connection whose certificate proves the service `peer`.

    A node may only be itself, and only the gateway's Envoy gets Envoy's configuration: each kind would drop in silence what
    protects the other. Raises PermissionDenied, InvalidArgument.
    """
    if peer is None or cluster != peer:
        raise PermissionDenied(
            f"the certificate is of service {peer}, but node.cluster says {cluster[:63]!r}; a node may only be itself",
            metadata={"service": str(peer)},
        )
    if not _NODE_ID.fullmatch(node_id):
        raise _invalid("node.id", "must be 1 to 128 letters, digits, '.', '_' or '-'")
    named = f"{user_agent} {user_agent_version}".strip()[:MAX_USER_AGENT]
    if user_agent == "envoy":
        if peer != GATEWAY:
            raise PermissionDenied(f"service {peer} may not take the gateway's configuration", metadata={"service": peer})
        return Node(node_id, peer, Kind.ENVOY, named)
    if user_agent.startswith("gRPC"):
        return Node(node_id, peer, Kind.GRPC, named)
    raise _invalid("node.user_agent_name", "must be 'envoy' or begin with 'gRPC'; other clients are not known to be safe")


class Nodes:
    """The nodes that are connected now."""

    def __init__(self) -> None:
        self._connections: dict[str, list[tuple[Node, Connection]]] = {}
        self._streams = 0

    @contextmanager
    def connected(self, node: Node, now: datetime) -> Iterator[Stream]:
        """A new stream of `node`, listed until the block ends. Raises PermissionDenied, ResourceExhausted."""
        known = self._connections.get(node.id, [])
        if known and known[0][0].service != node.service:
            raise PermissionDenied(f"node {node.id} belongs to another service", metadata={"service": node.service})
        if self._streams >= MAX_STREAMS or len(known) >= MAX_STREAMS_OF_NODE:
            raise ResourceExhausted("the registry serves as many discovery streams as it may", retry_after=1.0)
        entry = (node, Connection(now))
        self._connections.setdefault(node.id, known).append(entry)
        self._streams += 1
        try:
            yield entry[1].stream
        finally:
            self._streams -= 1
            known.remove(entry)
            if not known:
                del self._connections[node.id]

    def find(self, node_id: str) -> ConnectedNode:
        """The node of that id. Raises NotFound when it is not connected."""
        if node_id not in self._connections:
            raise NotFound(f"node {node_id} is not connected", metadata={"resource": f"nodes/{node_id}"})
        entries = self._connections[node_id]
        return ConnectedNode(entries[0][0], tuple(connection for _, connection in entries))

    def all(self) -> list[ConnectedNode]:
        """Every connected node, by id."""
        return [self.find(node_id) for node_id in sorted(self._connections)]


def _invalid(field_path: str, description: str) -> InvalidArgument:
    return InvalidArgument("The discovery request is refused.", fields=(FieldViolation(field_path, description),))
