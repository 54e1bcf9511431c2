"""Asks a running service for its readiness, at its admin endpoint."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from trustmesh_cli.supervisor.program import Program

_SECONDS = 2.0
_MOST_BYTES = 65_536


def readiness(roots: Path, trust_domain: str) -> Callable[[Program], Awaitable[str]]:
    """A probe: what is wrong with a program by its own words, empty when it is ready. Its last port is its admin endpoint."""

    async def probe(program: Program) -> str:
        try:
            async with asyncio.timeout(_SECONDS):
                return await ask(roots, f"spiffe://{trust_domain}/svc/{program.name}", program.ports[-1])
        except TimeoutError:
            return f"its admin endpoint does not answer within {_SECONDS:.0f} s"
        except (OSError, ValueError, LookupError) as error:
            return f"its admin endpoint cannot be used ({error})"

    return probe


async def ask(roots: Path, spiffe_id: str, port: int) -> str:
    """What is wrong with the service at `port`; raises OSError, ValueError or LookupError where it or its answer is another."""
    context = ssl.create_default_context(cafile=str(roots))
    context.check_hostname = False  # services of the mesh are named by their SPIFFE id, below
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        certificate: dict[str, list[tuple[str, str]]] = writer.get_extra_info("peercert")
        if ("URI", spiffe_id) not in certificate.get("subjectAltName", ()):
            raise ValueError(f"it is not {spiffe_id}")
        writer.write(b"GET /admin/v1/readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read(_MOST_BYTES)
        while len(answer) < _MOST_BYTES and (more := await reader.read(_MOST_BYTES)):
            answer += more
    finally:
        writer.close()
    checks: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])["checks"]
    return "; ".join(f"{name}: {state}" for name, state in checks.items() if state != "ok")
