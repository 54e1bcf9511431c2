"""The registered state as those who compile it see it: parsed contracts, and the endpoints that get traffic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_contract.contract import Method, read_contract
from trustmesh_registry.gateway.mesh import Endpoint, Mesh, RegisteredService
from trustmesh_registry.membership import RegisteredContract
from trustmesh_registry.operations import Directory
from trustmesh_registry.reflection.index import DescriptorIndex, index_of
from trustmesh_registry.reflection.protocol import METHODS as REFLECTION_METHODS
from trustmesh_registry.xds.clients import ClientService

REGISTRY = "registry"
"""The one service that answers reflection, and for the whole mesh."""


@dataclass(frozen=True, slots=True)
class View:
    """The mesh at one moment. `contracts` has each service's name and contract digest; `jwks` is "" until there are keys."""

    mesh: Mesh
    clients: tuple[ClientService, ...]
    contracts: tuple[tuple[str, str], ...]
    jwks: str


def view_of(directory: Directory, jwks: str) -> View:
    """Every service, by name; instances that share an address and port (one socket, several processes) are one endpoint."""
    names = sorted(directory.services)
    registered = tuple(_registered(directory, name) for name in names)
    contracts = [directory.find(name).contract for name in names]
    clients = tuple(
        ClientService(service.name, _methods(contract.descriptors, contract.grpc_services), service.endpoints)
        for service, contract in zip(registered, contracts, strict=True)
    )
    digests = tuple((name, contract.digest) for name, contract in zip(names, contracts, strict=True))
    return View(registered, clients, digests, jwks)


def reflection_of(directory: Directory) -> DescriptorIndex:
    """All registered contracts; where two services bring one file, the one that registered last counts."""
    services = sorted(directory.services.values(), key=lambda each: each.update_time, reverse=True)
    return _index(tuple(each.contract for each in services))


def _registered(directory: Directory, name: str) -> RegisteredService:
    contract, serving = directory.find(name).contract, directory.serving(name)
    return RegisteredService(
        name=name,
        files=_parsed(contract.descriptors),
        serves=contract.grpc_services,
        endpoints=_sorted({Endpoint(each.address, each.port) for each in serving}),
        foreign=REFLECTION_METHODS if name == REGISTRY else (),
        http_endpoints=_sorted({Endpoint(each.address, each.http_port) for each in serving if each.http_port}),
    )


def _sorted(endpoints: set[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple(sorted(endpoints, key=lambda each: (each.address, each.port)))


@lru_cache(maxsize=2)
def _index(contracts: tuple[RegisteredContract, ...]) -> DescriptorIndex:
    return index_of(
        (file for each in contracts for file in _parsed(each.descriptors).file),
        (name for each in contracts for name in each.grpc_services),
    )


@lru_cache(maxsize=256)
def _parsed(descriptors: bytes) -> FileDescriptorSet:
    return FileDescriptorSet.FromString(descriptors)


@lru_cache(maxsize=256)
def _methods(descriptors: bytes, grpc_services: tuple[str, ...]) -> tuple[Method, ...]:
    return tuple(each for each in read_contract(_parsed(descriptors)) if each.full_service in grpc_services)
