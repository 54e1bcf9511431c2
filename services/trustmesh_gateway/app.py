"""Builds the gateway: Envoy, started once the identity is there."""

from __future__ import annotations

import os
import socket
from functools import partial

from trustmesh_chassis.service import Application, Runtime, ServiceDefinition
from trustmesh_gateway.bootstrap import SERVICE as NAME
from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import Envoy
from trustmesh_gateway.place import own_directory
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
    directory = own_directory(settings.home / NAME, os.getpid())
    envoy = await Envoy.start(directory, files(start), settings.workers)
    drain = partial(envoy.drain, settings.drain_delay, settings.drain_grace)
    return Application(background=[envoy.watch], checks={"envoy": envoy.check}, close=drain)


SERVICE = ServiceDefinition(name=NAME, settings=GatewaySettings, build=build)
