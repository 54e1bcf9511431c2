"""A gateway of the tests' own: HTTPS and gRPC on one port, with answers that a test chooses."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest

from trustmesh.petstore.v1 import pet_pb2, pet_service_pb2
from trustmesh.petstore.v1.pet_service_pb2_grpc import PetServiceServicer, add_PetServiceServicer_to_server
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_cli.home import Home
from trustmesh_cli.main import run

ALPN_HTTP2 = b"\x02h2"


@dataclass(frozen=True)
class Request:
    verb: str
    path: str
    token: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Answers = Callable[[Request], tuple[int, object]]


@dataclass
class FakeGateway:
    """`answers` gives status and body (bytes, or what becomes JSON); `pets` is what gRPC knows, by name."""

    home: Home
    authority: TestAuthority
    answers: Answers = field(default=lambda request: (404, {"error": {"message": "nothing here"}}))
    pets: dict[str, pet_pb2.Pet] = field(default_factory=dict)
    port: int = 0

    def trustmesh(self, *arguments: str) -> int:
        return run(["--home", str(self.home.path), *arguments])

    def answer(self, request: Request) -> tuple[int, object]:
        """Tokens are the client's id; everything else is the test's."""
        if request.path == "/oauth2/token":
            name = base64.b64decode(request.token).decode().partition(":")[0]
            return 200, {"access_token": name, "expires_in": 600, "scope": "*"}
        return self.answers(request)

    def write_demo(self, **changes: str) -> None:
        clients = [
            {"name": name, "client_id": f"{org}.{name}", "client_secret": "s", "scope": "*"}
            for name, org in (("demo", "demo"), ("viewer", "demo"), ("operator", "platform"))
        ]
        demo = {"gateway": f"https://localhost:{self.port}", "ca_file": str(self.home.roots), "org": "demo", "clients": clients}
        self.home.demo_file.write_text(json.dumps({**demo, **changes}))


class Pets(PetServiceServicer):
    def __init__(self, pets: Mapping[str, pet_pb2.Pet]) -> None:
        self._pets = pets

    def GetPet(  # type: ignore[override]  # the generated class is typed for grpc.aio alone
        self, request: pet_service_pb2.GetPetRequest, context: Any
    ) -> pet_pb2.Pet:
        if request.name not in self._pets:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such pet")
        return self._pets[request.name]


def http_server(gateway: FakeGateway, identity: Path) -> ThreadingHTTPServer:
    class Exchange(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.close_connection = True
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers.get("Authorization", "").rpartition(" ")[2]
            status, content = gateway.answer(Request(self.command, self.path, token, body))
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: pytest has the terminal."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity / "tls.crt", identity / "tls.key")

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            try:
                with context.wrap_socket(request, server_side=True) as secured:
                    super().finish_request(secured, client_address)
            except OSError:
                return  # a client that refuses the certificate

    return Server(("127.0.0.1", 0), Exchange)


def splice(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def pass_on(listener: socket.socket, http: int, http2: int) -> None:
    """Each connection to the server of the protocol that its first bytes ask for, until the listener is closed."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        hello = client.recv(65_536)
        server = socket.create_connection(("127.0.0.1", http2 if ALPN_HTTP2 in hello else http))
        server.sendall(hello)
        for pair in ((client, server), (server, client)):
            threading.Thread(target=splice, args=pair, daemon=True).start()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[FakeGateway]:
    authority = TestAuthority()
    identity = authority.issue(tmp_path / "identity", "gateway")
    home = Home(tmp_path / "home")
    home.roots.parent.mkdir(parents=True)
    home.roots.write_bytes(authority.roots_pem)
    home.settings_file.touch()
    gateway = FakeGateway(home, authority)
    with ExitStack() as stack:
        http = stack.enter_context(http_server(gateway, identity))
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        stack.callback(http.shutdown)
        calls = grpc.server(stack.enter_context(ThreadPoolExecutor(2)))
        add_PetServiceServicer_to_server(Pets(gateway.pets), calls)
        pair = ((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())
        http2 = calls.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
        calls.start()
        stack.callback(lambda: calls.stop(0).wait())
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.callback(listener.shutdown, socket.SHUT_RDWR)
        gateway.port = listener.getsockname()[1]
        threading.Thread(target=pass_on, args=(listener, http.server_address[1], http2), daemon=True).start()
        gateway.write_demo()
        yield gateway
