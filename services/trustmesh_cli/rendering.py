"""The gateway's configuration as one static file, from the installed contracts."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import replace

from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor

import trustmesh
from trustmesh_chassis.settings import SettingsError, load_settings
from trustmesh_chassis.transport.binding import closure
from trustmesh_cli.home import Home
from trustmesh_cli.layout import HTTP, NOT_AT_THE_GATEWAY, SERVICES, Service
from trustmesh_cli.output import note
from trustmesh_cli.problem import Exit, Problem
from trustmesh_registry.compilation import edge_of
from trustmesh_registry.gateway.compile import compile_gateway
from trustmesh_registry.gateway.mesh import Endpoint, Mesh, RegisteredService
from trustmesh_registry.gateway.render import render_static
from trustmesh_registry.settings import RegistrySettings

_LOCALHOST = "127.0.0.1"
JWKS_KEY = "authz/jwks"


def rendered(home: Home) -> str:
    """The configuration as YAML, with the keys of access tokens that this home's mesh knew last.

    Raises Problem for settings that cannot be used.
    """
    try:
        settings = load_settings(RegistrySettings, "registry", home.path, os.environ)
    except SettingsError as error:
        raise Problem(str(error), code=Exit.DAMAGED) from None
    edge = replace(edge_of(settings), jwks=_last_keys(home))
    resources = compile_gateway(installed_mesh(settings), edge)
    for problem in resources.problems:
        note(f"left out: {problem}")
    return render_static(resources)


def _last_keys(home: Home) -> str:
    """The issuer's key set as a service last had it; empty before the first start."""
    try:
        values: dict[str, str] = json.loads((home.service("petstore") / "configuration.json").read_text())
    except (OSError, ValueError):
        return ""
    return values.get(JWKS_KEY, "")


def installed_mesh(settings: RegistrySettings) -> Mesh:
    """Every service of this version at its own port, as if all had registered."""
    contracts = list(_contracts())
    return tuple(_registered(service, contracts, settings) for service in sorted(SERVICES, key=lambda each: each.name))


def _registered(service: Service, contracts: list[ServiceDescriptor], settings: RegistrySettings) -> RegisteredService:
    products = {service.name, *settings.products.get(service.name, ())}
    own = [each for each in contracts if each.full_name.split(".")[1] in products and each.full_name not in NOT_AT_THE_GATEWAY]
    port = settings.base_port + service.offset
    return RegisteredService(
        name=service.name,
        files=closure([each.file for each in own]),
        serves=tuple(sorted(each.full_name for each in own)),
        endpoints=(Endpoint(_LOCALHOST, port),),
        http_endpoints=(Endpoint(_LOCALHOST, port + HTTP),) if service.offset + HTTP in service.extra else (),
    )


def _contracts() -> Iterator[ServiceDescriptor]:
    """The gRPC services of every generated contract."""
    for module in pkgutil.walk_packages(trustmesh.__path__, "trustmesh."):
        if module.name.endswith("_service_pb2"):
            file: FileDescriptor = importlib.import_module(module.name).DESCRIPTOR
            yield from file.services_by_name.values()
