"""The compiler's front: Mesh and Edge in, GatewayResources out."""

from __future__ import annotations

from trustmesh_registry.gateway.mesh import Edge, GatewayResources, Mesh


def compile_gateway(mesh: Mesh, edge: Edge) -> GatewayResources:
    """Compile the gateway's whole configuration; a service whose contract does not fit is left out and named in `problems`."""
    return GatewayResources((), (), (), ())
