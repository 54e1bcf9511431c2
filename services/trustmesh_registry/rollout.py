"""Waits until a change has reached the gateways, so that who made it may say that it is in force."""

from __future__ import annotations

import asyncio
from typing import Any

from trustmesh_registry.xds.nodes import Kind, Nodes
from trustmesh_registry.xds.publisher import Publisher

PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.01


class Rollout:
    """The way of a change: compiled and published, then sent to each connected gateway and answered."""

    def __init__(self, publisher: Publisher[Any], nodes: Nodes) -> None:
        self._publisher = publisher
        self._nodes = nodes

    async def reached(self) -> None:
        """Return when what was changed before this call has been answered by every gateway, accepted or refused.

        A gateway that is slow or away is not waited for longer than two seconds: the change stands, and it takes it later.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._publisher.published()
                while not self._answered():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            return

    def _answered(self) -> bool:
        snapshot = self._publisher.snapshot(Kind.ENVOY)
        return all(
            connection.stream.has_answered(snapshot)
            for node in self._nodes.all()
            if node.node.kind is Kind.ENVOY
            for connection in node.connections
        )
