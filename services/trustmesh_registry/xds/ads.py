"""Envoy's AggregatedDiscoveryService: a thin asynchronous shell around the stream's state machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from envoy.config.core.v3.base_pb2 import Node as NodeMessage
from envoy.service.discovery.v3 import ads_pb2
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from trustmesh_chassis.call import Call
from trustmesh_chassis.errors import FieldViolation, InvalidArgument, Unimplemented
from trustmesh_registry.changes import Watcher
from trustmesh_registry.ports import Clock
from trustmesh_registry.watching import Closing
from trustmesh_registry.xds.nodes import Node, Nodes, identify
from trustmesh_registry.xds.publisher import Publisher
from trustmesh_registry.xds.stream import ProtocolViolation, Request, Response, Stream

DESCRIPTOR = ads_pb2.DESCRIPTOR.services_by_name["AggregatedDiscoveryService"]

FIRST_REQUEST_SECONDS = 10.0


class AggregatedDiscovery:
    """Serves each node the snapshots of its kind. State of the world only; gRPC and Envoy both speak it."""

    def __init__(self, publisher: Publisher[Any], nodes: Nodes, clock: Clock, closing: Closing) -> None:
        self._publisher = publisher
        self._nodes = nodes
        self._clock = clock
        self._closing = closing

    async def StreamAggregatedResources(
        self, requests: AsyncIterator[DiscoveryRequest], call: Call
    ) -> AsyncIterator[DiscoveryResponse]:
        first = await _first(requests)
        if first is None or self._closing.begun:
            return
        node = _identified(first.node, call.peer)
        with self._nodes.connected(node, self._clock()) as stream, self._publisher.changes.watched() as watcher:
            snapshot = self._publisher.snapshot(node.kind)
            if snapshot is not None:
                stream.on_snapshot(snapshot, self._clock())
            for response in self._received(stream, first):
                yield _message(response)
            async for response in self._exchange(stream, node, requests, watcher):
                yield _message(response)

    def DeltaAggregatedResources(
        self, requests: AsyncIterator[DeltaDiscoveryRequest], call: Call
    ) -> AsyncIterator[DeltaDiscoveryResponse]:
        raise Unimplemented("incremental discovery is not served; set api_type GRPC (state of the world)")

    async def _exchange(
        self, stream: Stream, node: Node, requests: AsyncIterator[DiscoveryRequest], watcher: Watcher
    ) -> AsyncIterator[Response]:
        """Answer whatever comes first, the node's next request or a new snapshot, until the node or the registry ends."""
        request = asyncio.ensure_future(_next(requests))
        change = asyncio.ensure_future(watcher.wait())
        end = asyncio.ensure_future(self._closing.wait())
        try:
            while True:
                await asyncio.wait((request, change, end), return_when=asyncio.FIRST_COMPLETED)
                if end.done():
                    return
                if request.done():
                    received = request.result()
                    if received is None:
                        return
                    for response in self._received(stream, received):
                        yield response
                    request = asyncio.ensure_future(_next(requests))
                if change.done():
                    change = asyncio.ensure_future(watcher.wait())
                    snapshot = self._publisher.snapshot(node.kind)
                    if snapshot is not None:
                        for response in stream.on_snapshot(snapshot, self._clock()):
                            yield response
        finally:
            request.cancel()
            change.cancel()
            end.cancel()

    def _received(self, stream: Stream, message: DiscoveryRequest) -> list[Response]:
        refusal = message.error_detail.message if message.HasField("error_detail") else None
        request = Request(message.type_url, tuple(message.resource_names), message.version_info, message.response_nonce, refusal)
        try:
            return stream.on_request(request, self._clock())
        except ProtocolViolation as error:
            raise InvalidArgument(
                "The discovery request is refused.", fields=(FieldViolation("resource_names", str(error)),)
            ) from None


async def _first(requests: AsyncIterator[DiscoveryRequest]) -> DiscoveryRequest | None:
    """The first request, None when it does not come in time: a stream that asks for nothing is not kept open."""
    try:
        async with asyncio.timeout(FIRST_REQUEST_SECONDS):
            return await _next(requests)
    except TimeoutError:
        return None


async def _next(requests: AsyncIterator[DiscoveryRequest]) -> DiscoveryRequest | None:
    return await anext(requests, None)


def _identified(node: NodeMessage, peer: str | None) -> Node:
    version = node.user_agent_version or ".".join(
        str(getattr(node.user_agent_build_version.version, part)) for part in ("major_number", "minor_number", "patch")
    )
    return identify(peer, node.id, node.cluster, node.user_agent_name, version)


def _message(response: Response) -> DiscoveryResponse:
    return DiscoveryResponse(
        version_info=response.version,
        type_url=response.type_url,
        nonce=response.nonce,
        resources=[each.packed for each in response.resources],
    )
