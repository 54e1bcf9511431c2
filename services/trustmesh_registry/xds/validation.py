"""What must hold of a snapshot before a node sees it: one bad resource blocks its whole type at the node."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment

from trustmesh_registry.xds.snapshot import CLUSTER, ENDPOINTS, LISTENER, TYPES, Resource, Snapshot, SnapshotRefused, short

MAX_TYPE_BYTES = 4 * 1024 * 1024 - 64 * 1024
"""All resources of a type travel in one message, of which gRPC takes 4 MiB."""


def require_publishable(snapshot: Snapshot, *, before: Snapshot | None) -> None:
    """Raise SnapshotRefused unless `snapshot` may follow `before`; the text names everything that is wrong."""
    problems = [*_empty(snapshot, before), *_dangling(snapshot), *_oversized(snapshot)]
    for resource in snapshot.of(ENDPOINTS).values():
        problems += _unusable(resource)
    if problems:
        raise SnapshotRefused("; ".join(problems))


def _empty(snapshot: Snapshot, before: Snapshot | None) -> Iterator[str]:
    """A node deletes what is missing, so a set that was not empty never becomes so."""
    for type_url in (LISTENER, CLUSTER):
        if before is not None and before.of(type_url) and not snapshot.of(type_url):
            yield f"every {short(type_url)} would be deleted"


def _dangling(snapshot: Snapshot) -> Iterator[str]:
    for resource in snapshot:
        for type_url, name in sorted(resource.references):
            if name not in snapshot.of(type_url):
                yield f"{short(resource.type_url)} {resource.name} refers to {short(type_url)} {name}, which does not exist"


def _oversized(snapshot: Snapshot) -> Iterator[str]:
    for type_url in TYPES:
        size = sum(resource.packed.ByteSize() for resource in snapshot.of(type_url).values())
        if size > MAX_TYPE_BYTES:
            yield f"{short(type_url)} resources take {size} bytes, more than {MAX_TYPE_BYTES}"


def _unusable(resource: Resource) -> Iterator[str]:
    """What xDS clients refuse, or worse, drop in silence: host names, a locality without weight, a gap in the priorities."""
    assignment = ClusterLoadAssignment()
    resource.packed.Unpack(assignment)
    priorities = {locality.priority for locality in assignment.endpoints}
    if priorities != set(range(len(priorities))):
        yield f"endpoints of {resource.name} have priorities {sorted(priorities)}, which must run from 0"
    for locality in assignment.endpoints:
        if not locality.load_balancing_weight.value:
            yield f"endpoints of {resource.name} have a locality without load_balancing_weight"
        for endpoint in locality.lb_endpoints:
            address = endpoint.endpoint.address.socket_address.address
            try:
                ip_address(address)
            except ValueError:
                yield f"endpoints of {resource.name} name {address!r}, which is not an IP address"
