"""Keeps one instance known to the registry: registered, its lease renewed, deregistered before it drains."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc

from trustmesh.registry.v1 import registry_service_pb2
from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.reachable import Reachable, at_once

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.2
DEREGISTER_TIMEOUT = 2.0


class Registration:
    """One instance's entry."""

    def __init__(self, stub: Any, request: registry_service_pb2.RegisterInstanceRequest, reachable: Reachable = at_once) -> None:
        """`reachable` returns when the registry can be reached; nothing is sent before."""
        self._stub = stub
        self._reachable = reachable
        self._request = request
        self.registered = asyncio.Event()

    async def check(self) -> None:
        """Raise Unavailable until the registry has taken the instance once, after which it is reached also without it."""
        if not self.registered.is_set():
            raise Unavailable("the registry has not taken this instance yet; is it up?")

    async def run(self) -> None:
        """Register, then heartbeat; register anew when the registry has forgotten the instance."""
        await self._reachable()
        while True:
            try:
                response = await self._stub.RegisterInstance(self._request, timeout=5)
                self.registered.set()
                await self._keep(response.instance.name, response.heartbeat_interval.ToTimedelta().total_seconds())
            except grpc.RpcError as error:
                log.debug("registration not accepted yet: %s", error.details())
                if error.code() in _REFUSALS:
                    log.error("the registry refuses this instance: %s", error.details())
                await asyncio.sleep(RETRY_SECONDS)

    async def _keep(self, name: str, interval: float) -> None:
        heartbeat = registry_service_pb2.HeartbeatRequest(name=name)
        while True:
            await asyncio.sleep(interval)
            try:
                await self._stub.Heartbeat(heartbeat, timeout=interval)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return
                log.warning("heartbeat failed, the lease runs on: %s", error.details())

    async def end(self) -> None:
        """Tell the registry that no new calls are wanted; a registry that is away learns it from the lease."""
        name = f"{self._request.parent}/instances/{self._request.instance_id}"
        try:
            await self._stub.DeregisterInstance(
                registry_service_pb2.DeregisterInstanceRequest(name=name), timeout=DEREGISTER_TIMEOUT
            )
        except grpc.RpcError as error:
            log.warning("could not deregister: %s", error.details())


_REFUSALS = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION})
