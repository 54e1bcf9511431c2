"""HTTPS inside the service's event loop: the ASGI server, and who is at the other end of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

PEER = "trustmesh.peer"
"""Key of the ASGI scope under which an application finds the calling service's name, or None."""

PeerOfCertificate = Callable[[dict[str, Any]], str | None]


class WebServer:
    """An ASGI application on one HTTPS port."""

    def __init__(self, app: ASGIApp, host: str, port: int, tls: ssl.SSLContext, peer_of: PeerOfCertificate) -> None:
        """`peer_of` reads a service's name out of a verified certificate (in the form of `SSLSocket.getpeercert`)."""

        class PeerAware(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it so
                super().connection_made(transport)
                tls_object: ssl.SSLObject = transport.get_extra_info("ssl_object")
                certificate = tls_object.getpeercert()
                peer = peer_of(certificate) if certificate else None
                inner = self.app

                async def with_peer(scope: Scope, receive: Receive, send: Send) -> None:
                    await inner({**scope, PEER: peer}, receive, send)

                self.app = with_peer

        config = uvicorn.Config(
            app,
            http=PeerAware,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=32 * 1024,
            ssl_context_factory=lambda config, default: tls,
        )
        self._address = (host, port)
        self._server = _Embedded(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raises OSError when the port cannot be had. A new instance may listen beside the one that it replaces."""
        host, port = self._address
        try:
            listener = socket.create_server(self._address, reuse_port=True)
        except OSError as error:
            raise OSError(f"{host}:{port} cannot be had ({error.strerror}); is another process listening on it?") from None
        self._address = listener.getsockname()
        self._task = asyncio.create_task(self._server.serve([listener]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)

    @property
    def port(self) -> int:
        """The port that was bound, also where 0 was asked for."""
        return self._address[1]

    async def stop(self) -> None:
        """Let the requests under way end, then close."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task


class _Embedded(uvicorn.Server):
    """A server that leaves signals to the process it lives in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def only_for(app: ASGIApp, service: str) -> ASGIApp:
    """`app`, for requests of one service alone; everyone else gets 403."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get(PEER) != service:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"only the {service} may call this\n".encode()})
            return
        await app(scope, receive, send)

    return guarded
