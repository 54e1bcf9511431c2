"""An OTLP collector that counts spans and keeps none: `python -m bench.span_sink PORT`. It says its count when it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as rpc


class Sink(rpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.spans = 0

    async def Export(self, request: pb.ExportTraceServiceRequest, context: Any) -> pb.ExportTraceServiceResponse:
        self.spans += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        return pb.ExportTraceServiceResponse()


async def main(port: int) -> None:
    sink, server, stop = Sink(), grpc.aio.server(), asyncio.Event()
    add: Any = rpc.add_TraceServiceServicer_to_server
    add(sink, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    os.write(int(os.environ["TRUSTMESH_NOTIFY_FD"]), b"READY=1\n")
    await stop.wait()
    await server.stop(0)
    sys.stdout.write(f"{sink.spans}\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
