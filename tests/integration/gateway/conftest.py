"""A real Envoy with a compiled configuration, before a backend over mTLS that serves tests/protos' sample contract."""

from __future__ import annotations

import importlib
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import httpx
import pytest
from google.api import annotations_pb2
from google.protobuf import any_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

import trustmesh
from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_chassis.testing.issuer import TestIssuer
from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import binary
from trustmesh_registry.gateway.compile import compile_gateway
from trustmesh_registry.gateway.mesh import Edge, Endpoint, Mesh, RegisteredService
from trustmesh_registry.gateway.render import render_static

PROTOS = Path(__file__).parents[2] / "protos"
SAMPLE = "trustmesh.sample.v1.SampleService"
IMPORTED = (policy_pb2, annotations_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the sample contract, compiled once


@dataclass(frozen=True)
class Sample:
    files: FileDescriptorSet
    messages: ModuleType
    stubs: ModuleType


def _closure(modules: tuple[ModuleType, ...]) -> FileDescriptorSet:
    files: dict[str, FileDescriptorProto] = {}

    def visit(descriptor: Any) -> None:
        for dependency in descriptor.dependencies:
            visit(dependency)
        files[descriptor.name] = FileDescriptorProto.FromString(descriptor.serialized_pb)

    for module in modules:
        visit(module.DESCRIPTOR)
    return FileDescriptorSet(file=files.values())


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    out = tmp_path_factory.mktemp("sample")
    (out / "imported.binpb").write_bytes(_closure(IMPORTED).SerializeToString())
    arguments = [
        f"-I{PROTOS}",
        f"--descriptor_set_in={out}/imported.binpb",
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        "--include_imports",
        f"--descriptor_set_out={out}/sample.binpb",
        "trustmesh/sample/v1/sample.proto",
    ]
    assert protoc.main(["protoc", *arguments]) == 0
    files = FileDescriptorSet.FromString((out / "sample.binpb").read_bytes())
    trustmesh.__path__.append(str(out / "trustmesh"))
    name = "trustmesh.sample.v1.sample_pb2"
    return Sample(files, importlib.import_module(name), importlib.import_module(f"{name}_grpc"))


# --- the backend


class Backend:
    """The sample service: counts its calls, answers with what it got."""

    def __init__(self, messages: ModuleType) -> None:
        self._messages = messages
        self.calls: list[str] = []
        self.stopped = threading.Event()

    def _seen(self, name: str) -> None:
        self.calls.append(name)

    def GetThing(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("GetThing")
        return self._messages.Thing(name=request.name, display_name="full" if request.full else "")

    def CreateThing(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("CreateThing")
        return request.thing

    def DeleteThing(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("DeleteThing")
        return self._messages.Thing(name=request.name)

    def EchoThing(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("EchoThing")
        metadata: dict[str, str] = {}
        for key, value in context.invocation_metadata():
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            metadata[key] = f"{metadata[key]}|{text}" if key in metadata else text
        return self._messages.EchoThingResponse(thing=request.thing, metadata=metadata, method=request.name)

    def FailThing(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("FailThing")
        if request.seconds:
            self.stopped.wait(request.seconds)
        info = error_details_pb2.ErrorInfo(reason="THING_BROKEN", domain="trustmesh", metadata={"code": "RES_003"})
        detail = any_pb2.Any()
        detail.Pack(info)
        context.abort_with_status(
            rpc_status.to_status(status_pb2.Status(code=request.code, message="It is broken.", details=[detail]))
        )

    def WatchThings(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self._seen("WatchThings")
        for number in range(3):
            yield self._messages.Thing(name=f"{request.parent}/things/{number}")

    def RaiseThing(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("RaiseThing")
        return self._messages.Thing(name=request.parent)

    def MergeThings(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._seen("MergeThings")
        return self._messages.Thing()


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def grpc_credentials(identity: Path) -> grpc.ServerCredentials:
    """Credentials of a mesh server from its identity's directory."""
    pair = ((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())
    return grpc.ssl_server_credentials([pair], (identity / "roots.pem").read_bytes(), require_client_auth=True)


# --- Envoy


@dataclass
class Gateway:
    """A running Envoy and what a test needs to talk to it."""

    edge: Edge
    authority: TestAuthority
    issuer: TestIssuer
    backend: Backend
    sample: Sample
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.edge.https_port}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.roots_pem.decode())

    def http(self, *, http2: bool = False) -> httpx.Client:
        return httpx.Client(base_url=self.origin, verify=self.tls(), http2=http2, timeout=10)

    def bearer(self, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.issuer.token(**claims)}"}

    def channel(self) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(root_certificates=self.authority.roots_pem)
        return grpc.secure_channel(f"127.0.0.1:{self.edge.https_port}", credentials)

    @contextmanager
    def connection(self, context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.edge.https_port), timeout=10) as plain,
            (context or self.tls()).wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            yield connection

    def raw(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes as they are over HTTP/1.1; status, header fields and body of the answer."""
        with self.connection() as connection:
            connection.sendall(request)
            answer = HTTPResponse(connection)
            answer.begin()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()

    def server_certificate(self, context: ssl.SSLContext | None = None) -> bytes:
        """The certificate that a new connection is shown, DER."""
        with self.connection(context) as connection:
            return connection.getpeercert(binary_form=True) or b""

    def logged(self, request_id: str) -> dict[str, Any]:
        """The access log's entry of a request."""
        log = self.directory / "access.log"
        assert _wait_until(lambda: request_id in log.read_text(), 15), "the request was not logged"
        return next(entry for entry in map(json.loads, log.read_text().splitlines()) if entry["request_id"] == request_id)


@contextmanager
def running_envoy(directory: Path, bootstrap: str) -> Iterator[subprocess.Popen[bytes]]:
    (directory / "bootstrap.yaml").write_text(bootstrap)
    command = [str(binary()), "-c", "bootstrap.yaml", "--concurrency", "1", "--disable-hot-restart"]
    command += ["--file-flush-interval-msec", "50", "-l", "warning"]
    with (directory / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        # A socket's path may be 107 bytes long at most, so it is reached from the directory.
        place = os.open(directory, os.O_PATH)
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=f"/proc/self/fd/{place}/admin.sock"), base_url="http://admin"
        ) as admin:
            assert _wait_until(lambda: process.poll() is not None or _is_ready(admin), 15)
            os.close(place)
            assert process.poll() is None, (directory / "envoy.log").read_text()[-3000:]
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _is_ready(admin: httpx.Client) -> bool:
    try:
        return admin.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class World:
    """What a gateway is started with; a module changes `edge` by `settings` and `mesh` by `others`."""

    sample: Sample
    authority: TestAuthority
    issuer: TestIssuer
    directory: Path
    backend: Backend
    service: RegisteredService

    @contextmanager
    def gateway(
        self, *others: RegisteredService, service: RegisteredService | None = None, problems: int = 0, **settings: Any
    ) -> Iterator[Gateway]:
        """A gateway of the sample service (or `service` in its place) and `others`; `settings` are Edge's."""
        edge = Edge(
            issuer=self.issuer.issuer,
            audience=self.issuer.audience,
            jwks=self.issuer.jwks,
            trust_domain=self.authority.trust_domain,
            https_port=free_port(),
            http_port=free_port(),
            access_log="access.log",
        )
        edge = replace(edge, **settings)
        mesh: Mesh = (service or self.service, *others)
        resources = compile_gateway(mesh, edge)
        assert len(resources.problems) == problems, resources.problems
        directory = Path(tempfile.mkdtemp(dir=self.directory))
        identity = directory / "identity"
        self.authority.issue(identity, "gateway")
        (directory / "secrets").mkdir()
        start = Start("gateway", "localhost:1", edge.trust_domain, str(identity), 1 << 28, 1000)
        for name, content in files(start).items():
            (directory / name).write_text(content)
        with running_envoy(directory, render_static(resources)) as process:
            yield Gateway(edge, self.authority, self.issuer, self.backend, self.sample, directory, process)


@pytest.fixture(scope="module")
def world(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    authority = TestAuthority()
    directory = tmp_path_factory.mktemp("mesh")
    backend = Backend(sample.messages)
    server = grpc.server(futures.ThreadPoolExecutor(8))
    sample.stubs.add_SampleServiceServicer_to_server(backend, server)
    port = server.add_secure_port("127.0.0.1:0", grpc_credentials(authority.issue(directory / "sample", "sample")))
    server.start()
    service = RegisteredService("sample", sample.files, (SAMPLE,), (Endpoint("127.0.0.1", port),))
    yield World(sample, authority, TestIssuer(), directory, backend, service)
    backend.stopped.set()
    server.stop(None).wait(5)


@pytest.fixture
def status_of() -> Callable[[grpc.RpcError], Mapping[str, Any]]:
    """Code, message and ErrorInfo of a failed call."""

    def read(error: Any) -> Mapping[str, Any]:
        status = rpc_status.from_call(error)
        assert status is not None, (error.code(), error.details())
        info = error_details_pb2.ErrorInfo()
        status.details[0].Unpack(info)
        return {"code": error.code(), "message": status.message, "reason": info.reason, "catalogue": info.metadata["code"]}

    return read


@pytest.fixture(scope="session", name="free_port")
def free_port_of_this_machine() -> Callable[[], int]:
    return free_port


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool], float], bool]:
    """Poll a condition until it holds or the seconds are over; whether it held."""
    return _wait_until


@pytest.fixture(scope="session")
def credentials_of() -> Callable[[Path], grpc.ServerCredentials]:
    return grpc_credentials
