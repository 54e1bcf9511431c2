"""The identity agent that every service embeds: joins the mesh, keeps the certificate fresh, and lends it to gRPC and HTTPS."""

from trustmesh_chassis.identity.agent import IdentityAgent, join_mesh
from trustmesh_chassis.identity.generation import Generation, IdentityRefused
from trustmesh_chassis.identity.identity import Identity
from trustmesh_chassis.identity.issuer import IdentityMissing, Issued, Issuer, IssuerUnavailable, PkiIssuer
from trustmesh_chassis.identity.spiffe import SpiffeId

__all__ = [
    "Generation",
    "Identity",
    "IdentityAgent",
    "IdentityMissing",
    "IdentityRefused",
    "Issued",
    "Issuer",
    "IssuerUnavailable",
    "PkiIssuer",
    "SpiffeId",
    "join_mesh",
]
