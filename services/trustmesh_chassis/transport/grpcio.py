"""The grpcio transport: `grpc.aio` in the service's event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, Protocol, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import Message

from trustmesh_chassis.call import Incoming
from trustmesh_chassis.pipeline import CallFailed
from trustmesh_chassis.transport.binding import BoundMethod

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_METADATA_BYTES = 64 * 1024
"""Well above what the gateway lets through. Past its limit gRPC stops parsing, but keeps what it did not parse in the table
that the connection's later calls refer to: one call of one client would then fail those of others."""
MAX_CONNECTION_AGE = 300.0

Peer = Callable[[Any], str | None]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_WANTED = frozenset({"authorization", "traceparent", "tracestate", "x-request-id"})


class Spans(Protocol):
    """Makes spans for some calls. What it decides of a call costs every call, so it is no interceptor."""

    def samples(self, metadata: Mapping[str, str]) -> bool:
        """Whether the call with this metadata gets a span."""

    async def around(self, path: str, handler: Handler) -> Handler:
        """`handler` for one call of the method at `path`, within a span."""


def make_server(
    methods: Sequence[BoundMethod],
    peer_service: Peer,
    spans: Spans | None = None,
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
        maximum_concurrent_rpcs=concurrency,
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.absolute_max_metadata_size", 2 * MAX_METADATA_BYTES),
            ("grpc.max_connection_age_ms", int(max_connection_age * 1000)),
            ("grpc.max_connection_age_grace_ms", 30_000),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.so_reuseport", 1),
        ],
    )
    by_service: dict[str, dict[str, Handler]] = {}
    for bound in methods:
        by_service.setdefault(bound.method.full_service, {})[bound.method.name] = _handler(bound, peer_service, spans)
    for service, handlers in by_service.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        server.add_registered_method_handlers(service, handlers)
    return server


def _handler(bound: BoundMethod, peer_service: Peer, spans: Spans | None) -> Handler:
    serve: Any = bound.serve
    request, response = bound.request.FromString, bound.response.SerializeToString
    method = bound.method

    async def answer(incoming: Incoming, message: Message, context: Context) -> Message:
        try:
            reply: Message = await serve(incoming, message)
        except CallFailed as failed:
            await _abort(context, failed)
        return reply

    async def answers(incoming: Incoming, message: Any, context: Context) -> AsyncIterator[Message]:
        try:
            async for reply in serve(incoming, message):
                yield reply
        except CallFailed as failed:
            await _abort(context, failed)

    async def unary(message: Message, context: Context) -> Message:
        incoming = _incoming(context, peer_service)
        if spans is None or not spans.samples(incoming.metadata):
            return await answer(incoming, message, context)
        spanned: Any = await spans.around(method.path, grpc.unary_unary_rpc_method_handler(partial(answer, incoming)))
        reply: Message = await spanned.unary_unary(message, context)
        return reply

    async def stream(message: Any, context: Context) -> AsyncIterator[Message]:
        incoming = _incoming(context, peer_service)
        replies: Any = partial(answers, incoming)
        if spans is not None and spans.samples(incoming.metadata):
            spanned: Any = await spans.around(method.path, grpc.unary_stream_rpc_method_handler(replies))
            replies = spanned.unary_stream
        async for reply in replies(message, context):
            yield reply

    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(stream, request_deserializer=request, response_serializer=response)
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream, request_deserializer=request, response_serializer=response)
    return grpc.unary_unary_rpc_method_handler(unary, request_deserializer=request, response_serializer=response)


def _incoming(context: Context, peer_service: Peer) -> Incoming:
    metadata = {key: str(value) for key, value in context.invocation_metadata() or () if key in _WANTED}
    return Incoming(metadata, peer_service(context.auth_context()), context.time_remaining())


async def _abort(context: Context, failed: CallFailed) -> NoReturn:
    status = failed.status
    trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, trailers)
