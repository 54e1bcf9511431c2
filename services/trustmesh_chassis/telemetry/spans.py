"""Spans by opentelemetry-instrumentation-grpc, for the calls that are sampled and for no others.

Whether a call is sampled is decided before anything of OpenTelemetry runs: by the caller's traceparent, and without one by
chance. A call that is not sampled costs one look at its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

import grpc
from opentelemetry.instrumentation.grpc import aio_server_interceptor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def tracer_provider(service: str, exporter: SpanExporter) -> TracerProvider:
    """A provider that exports every span it is asked to make: the sampling was decided before."""
    provider = TracerProvider(resource=Resource({"service.name": service}), sampler=ALWAYS_ON)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def otlp_exporter(endpoint: str) -> SpanExporter:
    """Spans by OTLP over gRPC to a collector beside this process, "host:port"."""
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint, insecure=True)


class SampledSpans:
    """Puts the instrumentation's interceptor around the calls that are sampled; no other call meets it."""

    def __init__(self, provider: TracerProvider, share: float, random: Random) -> None:
        """`share` of the calls whose caller did not decide are sampled, from 0 to 1."""
        make: Any = aio_server_interceptor
        self._spans = make(tracer_provider=provider)
        self._share = share
        self._random = random

    def samples(self, metadata: Mapping[str, str]) -> bool:
        """Whether the call with this metadata gets a span: as its traceparent says, or by chance."""
        traceparent = metadata.get("traceparent")
        return self._random.random() < self._share if traceparent is None else traceparent.endswith("1")

    async def around(self, path: str, handler: Handler) -> Handler:
        """`handler` for one call of the method at `path`, within a span."""

        async def plain(details: _Path) -> Handler:
            return handler

        spanned: Handler = await self._spans.intercept_service(plain, _Path(path))
        return spanned


@dataclass(frozen=True, slots=True)
class _Path:
    """All that the instrumentation wants to know of a call before it is served."""

    method: str
