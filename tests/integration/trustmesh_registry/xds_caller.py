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
from typing import Any

import grpc
import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue


async def obey(channel: grpc.aio.Channel, order: dict[str, Any]) -> collections.Counter[str]:
    call: Any = channel.unary_unary(order["method"], StringValue.SerializeToString, StringValue.FromString)
    counts: collections.Counter[str] = collections.Counter()

    async def once() -> None:
        try:
            counts[(await call(StringValue(), timeout=order.get("timeout", 5))).value] += 1
        except grpc.aio.AioRpcError as error:
            counts[f"{error.code().name}: {error.details()}"] += 1

    if order.get("parallel"):
        await asyncio.gather(*(once() for _ in range(order["n"])))
        return counts
    loop = asyncio.get_running_loop()
    done, end = 0, loop.time() + order.get("seconds", 0)
    while done < order["n"] or loop.time() < end:
        await once()
        done += 1
        await asyncio.sleep(order.get("gap", 0))
    return counts


async def main(target: str, roots: str) -> None:
    fallback = grpc.ssl_channel_credentials(Path(roots).read_bytes())
    channel = grpc.aio.secure_channel(target, grpc.xds_channel_credentials(fallback))
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await obey(channel, json.loads(line))), flush=True)


asyncio.run(main(*sys.argv[1:]))
