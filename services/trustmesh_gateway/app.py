"""Builds the gateway: Envoy, started once the identity is there."""

from __future__ import annotations

import socket

from trustmesh_chassis.service import Application, Runtime, ServiceDefinition
from trustmesh_gateway.bootstrap import SERVICE as NAME
from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import Envoy
from trustmesh_gateway.settings import GatewaySettings


async def build(settings: GatewaySettings, runtime: Runtime) -> Application:
    start = Start(
        node_id=f"{NAME}-{socket.gethostname().split('.')[0]}",
        registry=settings.registry,
        trust_domain=settings.trust_domain,
        identity=str(runtime.identity.directory.parent),
        max_heap_bytes=settings.max_heap_bytes,
        max_connections=settings.max_connections,
    )
    envoy = await Envoy.start(settings.home / NAME, files(start), settings.workers)
    return Application(background=[envoy.watch], checks={"envoy": envoy.check}, close=envoy.drain)


SERVICE = ServiceDefinition(name=NAME, settings=GatewaySettings, build=build)
