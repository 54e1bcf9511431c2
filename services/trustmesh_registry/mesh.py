"""The registered state as the compilers see it: services with parsed contracts and the endpoints that get traffic."""

from __future__ import annotations

from functools import lru_cache

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_registry.gateway.mesh import Edge, Endpoint, Mesh, RegisteredService
from trustmesh_registry.operations import Directory
from trustmesh_registry.reflection.index import DescriptorIndex, index_of
from trustmesh_registry.settings import RegistrySettings

GATEWAY_HTTPS_OFFSET = 443
GATEWAY_HTTP_OFFSET = 81


def mesh_of(directory: Directory) -> Mesh:
    """Every service, by name; instances that share an address and port (one socket, several processes) are one endpoint."""
    return tuple(_registered(directory, name) for name in sorted(directory.services))


def reflection_of(directory: Directory) -> DescriptorIndex:
    """All registered contracts; where two services bring one file, the one that registered last counts."""
    services = sorted(directory.services.values(), key=lambda each: each.update_time, reverse=True)
    return index_of(
        (file for each in services for file in _parsed(each.contract.descriptors).file),
        (name for each in services for name in each.contract.grpc_services),
    )


def edge_of(settings: RegistrySettings, jwks: str) -> Edge:
    """The gateway's edge; with an empty `jwks` every token is refused."""
    host, _, port = settings.gateway_collector.rpartition(":")
    return Edge(
        issuer=settings.token_issuer,
        audience=settings.audience,
        jwks=jwks,
        trust_domain=settings.trust_domain,
        address=settings.gateway_address,
        https_port=settings.gateway_https_port or settings.base_port + GATEWAY_HTTPS_OFFSET,
        http_port=settings.gateway_http_port or settings.base_port + GATEWAY_HTTP_OFFSET,
        host_names=tuple(settings.gateway_hosts),
        cors_origins=tuple(settings.gateway_cors_origins),
        max_body_bytes=settings.gateway_max_body_bytes,
        collector=Endpoint(host, int(port)) if host else None,
        sampling=settings.trace_sampling,
    )


def _registered(directory: Directory, name: str) -> RegisteredService:
    contract, serving = directory.find(name).contract, directory.serving(name)
    return RegisteredService(
        name=name,
        files=_parsed(contract.descriptors),
        serves=contract.grpc_services,
        endpoints=tuple(sorted({Endpoint(each.address, each.port) for each in serving}, key=_position)),
        http_endpoints=tuple(
            sorted({Endpoint(each.address, each.http_port) for each in serving if each.http_port}, key=_position)
        ),
    )


def _position(endpoint: Endpoint) -> tuple[str, int]:
    return endpoint.address, endpoint.port


@lru_cache(maxsize=256)
def _parsed(descriptors: bytes) -> FileDescriptorSet:
    return FileDescriptorSet.FromString(descriptors)
