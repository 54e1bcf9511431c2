"""The compiler's front: Mesh and Edge in, GatewayResources out."""

from __future__ import annotations

from trustmesh_registry.gateway import limits
from trustmesh_registry.gateway.catalogue import read_mesh
from trustmesh_registry.gateway.clusters import assignments, clusters
from trustmesh_registry.gateway.filters import http_filters
from trustmesh_registry.gateway.guard import BodyTypes
from trustmesh_registry.gateway.keys import verification_keys
from trustmesh_registry.gateway.listener import http_listener, https_listener
from trustmesh_registry.gateway.mesh import Edge, GatewayResources, Mesh
from trustmesh_registry.gateway.routes import edge_routes, plain_routes


def compile_gateway(mesh: Mesh, edge: Edge) -> GatewayResources:
    """Compile the gateway's whole configuration; a service whose contract does not fit is left out and named in `problems`."""
    catalogue = read_mesh(mesh)
    bodies = BodyTypes(catalogue.files.values())
    mounting = {each.service for each in catalogue.mounts}
    counted = limits.is_counted(mesh)
    routes = (edge_routes(catalogue, bodies, edge, counted=counted), plain_routes())
    # The guard's tables are complete once every route has named its body.
    keys, no_keys = verification_keys(edge.jwks)
    filters = http_filters(catalogue, bodies, edge, keys, counted=counted)
    return GatewayResources(
        listeners=(https_listener(edge, filters), http_listener(edge)),
        routes=routes,
        clusters=tuple(clusters(mesh, mounting, edge)),
        endpoints=tuple(assignments(mesh, mounting)),
        problems=catalogue.problems + ((no_keys,) if no_keys else ()),
    )
