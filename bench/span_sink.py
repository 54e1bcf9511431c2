"""An OTLP collector that takes spans and keeps none: `python -m bench.span_sink PORT`."""

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
    async def Export(self, request: pb.ExportTraceServiceRequest, context: Any) -> pb.ExportTraceServiceResponse:
        return pb.ExportTraceServiceResponse()


async def main(port: int) -> None:
    server, stop = grpc.aio.server(), asyncio.Event()
    add: Any = rpc.add_TraceServiceServicer_to_server
    add(Sink(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    os.write(int(os.environ["TRUSTMESH_NOTIFY_FD"]), b"READY=1\n")
    await stop.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
