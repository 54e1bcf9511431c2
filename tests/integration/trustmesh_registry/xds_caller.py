"""A real gRPC client of the mesh in a process of its own: calls `xds:///<target>` as JSON lines on stdin ask it to.

Each line {"method": path, "n": calls, "timeout": seconds, "gap": seconds, "parallel": bool, "seconds": how long} is answered by
one line of counts: {"<answer or STATUS: details>": how often}.
"""

from __future__ import annotations

import asyncio
import collections
import json
import sys
from pathlib import Path

import grpc
import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue


async def main(target: str, roots: str) -> None:
    fallback = grpc.ssl_channel_credentials(Path(roots).read_bytes())
    channel = grpc.aio.secure_channel(target, grpc.xds_channel_credentials(fallback))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        call = channel.unary_unary(order["method"], StringValue.SerializeToString, StringValue.FromString)
        counts: collections.Counter[str] = collections.Counter()

        async def once() -> None:
            try:
                counts[(await call(StringValue(), timeout=order.get("timeout", 5))).value] += 1
            except grpc.aio.AioRpcError as error:
                counts[f"{error.code().name}: {error.details()}"] += 1

        if order.get("parallel"):
            await asyncio.gather(*(once() for _ in range(order["n"])))
        else:
            end = loop.time() + order.get("seconds", 0)
            done = 0
            while done < order.get("n", 0) or loop.time() < end:
                await once()
                done += 1
                await asyncio.sleep(order.get("gap", 0))
        print(json.dumps(counts), flush=True)


asyncio.run(main(*sys.argv[1:]))
