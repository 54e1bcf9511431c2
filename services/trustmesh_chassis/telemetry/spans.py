"""Spans by opentelemetry-instrumentation-grpc, for the calls that are sampled and for no others.

Whether a call is sampled is decided before anything of OpenTelemetry runs: by the caller's traceparent, and without one by
chance. A call that is not sampled costs one look at its metadata.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeAlias

import grpc
import grpc.aio
from opentelemetry.instrumentation.grpc import aio_server_interceptor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


def tracer_provider(service: str, exporter: SpanExporter) -> TracerProvider:
    """A provider that exports every span it is asked to make: the sampling was decided before."""
    provider = TracerProvider(resource=Resource({"service.name": service}), sampler=ALWAYS_ON)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def otlp_exporter(endpoint: str) -> SpanExporter:
    """Spans by OTLP over gRPC to a collector beside this process, "host:port"."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint, insecure=True)


class SampledSpans(grpc.aio.ServerInterceptor):
    """Hands sampled calls to the instrumentation's interceptor and lets all others pass."""

    def __init__(self, provider: TracerProvider, share: float, random: Random) -> None:
        """`share` of the calls whose caller did not decide are sampled, from 0 to 1."""
        make: Any = aio_server_interceptor
        self._spans = make(tracer_provider=provider)
        self._share = share
        self._random = random

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        if self._sampled(handler_call_details):
            handler: grpc.RpcMethodHandler[Any, Any] | None = await self._spans.intercept_service(
                continuation, handler_call_details
            )
            return handler
        return await continuation(handler_call_details)

    def _sampled(self, details: grpc.HandlerCallDetails) -> bool:
        for key, value in details.invocation_metadata or ():
            if key == "traceparent":
                return str(value).endswith("1")
        return self._random.random() < self._share
