"""The grpcio transport: `grpc.aio` in the service's event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message

from trustmesh_chassis.call import Incoming
from trustmesh_chassis.pipeline import CallFailed
from trustmesh_chassis.transport.binding import BoundMethod

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_CONNECTION_AGE = 300.0

Peer = Callable[[Any], str | None]

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_WANTED = frozenset({"authorization", "traceparent", "tracestate", "x-request-id"})


def make_server(
    methods: Sequence[BoundMethod],
    peer_service: Peer,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
    *,
    concurrency: int = 1000,
    max_connection_age: float = MAX_CONNECTION_AGE,
) -> grpc.aio.Server:
    """A server for `methods`, without a port yet.

    `peer_service` reads the calling service's name out of a connection's authentication context. Above `concurrency` calls at
    once the server answers RESOURCE_EXHAUSTED. Connections are asked to end after `max_connection_age` seconds, so that
    certificates are presented anew.
    """
    server = grpc.aio.server(
        interceptors=list(interceptors),
        maximum_concurrent_rpcs=concurrency,
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_metadata_size", 16 * 1024),
            ("grpc.max_connection_age_ms", int(max_connection_age * 1000)),
            ("grpc.max_connection_age_grace_ms", 30_000),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.so_reuseport", 1),
        ],
    )
    by_service: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
    for bound in methods:
        by_service.setdefault(bound.method.full_service, {})[bound.method.name] = _handler(bound, peer_service)
    for service, handlers in by_service.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        server.add_registered_method_handlers(service, handlers)
    return server


def _handler(bound: BoundMethod, peer_service: Peer) -> grpc.RpcMethodHandler[Any, Any]:
    serve: Any = bound.serve
    request, response = bound.request.FromString, bound.response.SerializeToString

    async def unary(message: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message | None:
        try:
            reply: Message = await serve(_incoming(context, peer_service), message)
            return reply
        except CallFailed as failed:
            await _abort(context, failed)
            return None

    async def stream(message: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Message]:
        try:
            async for reply in serve(_incoming(context, peer_service), message):
                yield reply
        except CallFailed as failed:
            await _abort(context, failed)

    if bound.method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(stream, request_deserializer=request, response_serializer=response)
    if bound.method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream, request_deserializer=request, response_serializer=response)
    return grpc.unary_unary_rpc_method_handler(unary, request_deserializer=request, response_serializer=response)


def _incoming(context: grpc.aio.ServicerContext[Any, Any], peer_service: Peer) -> Incoming:
    metadata = {key: str(value) for key, value in context.invocation_metadata() or () if key in _WANTED}
    return Incoming(metadata, peer_service(context.auth_context()), context.time_remaining())


async def _abort(context: grpc.aio.ServicerContext[Any, Any], failed: CallFailed) -> None:
    status = failed.status
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailers)
