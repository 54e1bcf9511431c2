"""The private endpoint of a service, on 127.0.0.1: liveness, readiness, health, metrics, shutdown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.web import PEER

Check = Callable[[], Awaitable[None]]


class Health:
    """Whether a service can do its work. Not ready until told so; not ready again while it drains."""

    def __init__(self, service: str, checks: Mapping[str, Check]) -> None:
        """Each check returns, or raises an exception whose text says what is wrong."""
        self.service = service
        self.serving = False
        self._checks = dict(checks)

    async def report(self) -> tuple[bool, dict[str, str]]:
        """Whether all is well, and the state of each part: "ok" or what is wrong with it."""
        parts = {"serving": "ok" if self.serving else "the service is starting or draining"}
        for name, check in self._checks.items():
            try:
                await check()
                parts[name] = "ok"
            except Exception as problem:
                parts[name] = str(problem) or type(problem).__name__
        return all(state == "ok" for state in parts.values()), parts


def admin_app(health: Health, metrics: Metrics, shutdown: Callable[[], Any]) -> Starlette:
    """The ASGI application below /admin/v1. Only the service's own certificate may ask for `shutdown`."""

    async def livez(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        ready, parts = await health.report()
        return JSONResponse({"ready": ready, "checks": parts}, 200 if ready else 503)

    async def metricz(request: Request) -> Response:
        return PlainTextResponse(metrics.exposition(), media_type="text/plain; version=0.0.4")

    async def stop(request: Request) -> Response:
        if request.scope.get(PEER) != health.service:
            return PlainTextResponse(f"present the certificate of {health.service} to stop it\n", 403)
        shutdown()
        return PlainTextResponse("draining\n", 202)

    routes = [
        Route("/admin/v1/livez", livez),
        Route("/admin/v1/readyz", readyz),
        Route("/admin/v1/healthz", readyz),
        Route("/admin/v1/metrics", metricz),
        Route("/admin/v1/shutdown", stop, methods=["POST"]),
    ]
    return Starlette(routes=routes)
