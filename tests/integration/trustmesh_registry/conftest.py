"""A control plane on a real socket, backends behind it, and real gRPC clients in processes of their own; all over mTLS."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, wrappers_pb2
from google.protobuf.wrappers_pb2 import StringValue

from trustmesh.options.v1 import policy_pb2
from trustmesh.registry.v1 import registry_service_pb2, service_pb2
from trustmesh.registry.v1.registry_service_pb2_grpc import RegistryServiceStub
from trustmesh_chassis.audit.record import composer
from trustmesh_chassis.pipeline import Pipeline
from trustmesh_chassis.redaction import redactor
from trustmesh_chassis.storage import Database
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_chassis.testing.issuer import AUDIENCE, ISSUER, TestIssuer
from trustmesh_chassis.tokens import TokenVerifier
from trustmesh_chassis.transport.binding import bind, closure
from trustmesh_chassis.transport.grpcio import make_server
from trustmesh_chassis.validation import compile_validation
from trustmesh_contract.contract import read_policy
from trustmesh_registry import store
from trustmesh_registry.app import Registry, assemble
from trustmesh_registry.settings import RegistrySettings

SAY, CHANGE = "/trustmesh.echo.v1.EchoService/Say", "/trustmesh.echo.v1.EchoService/Change"
CALLER = Path(__file__).with_name("xds_caller.py")


def utc_now() -> datetime:
    return datetime.now(UTC)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def peer(context: Any) -> str | None:
    ids: list[bytes] = list(context.get("peer_spiffe_id", ()))
    return ids[0].decode().rpartition("/")[2] if ids else None


def contract_of(service: str) -> bytes:
    """A contract with Say, which may be repeated, Change, which may not, and Hello, which is public; each lasts a second."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"trustmesh/{service}/v1/{service}.proto", package=f"trustmesh.{service}.v1", syntax="proto3"
    )
    file.dependency.append("google/protobuf/wrappers.proto")
    text = ".google.protobuf.StringValue"
    declared = file.service.add(name="EchoService")
    say = declared.method.add(name="Say", input_type=text, output_type=text)
    say.options.idempotency_level = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    change = declared.method.add(name="Change", input_type=text, output_type=text)
    hello = declared.method.add(name="Hello", input_type=text, output_type=text)
    hello.options.Extensions[annotations_pb2.http].get = f"/v1/{service}"
    for method in (say, change, hello):
        policy = method.options.Extensions[policy_pb2.policy]
        if method is hello:
            policy.public.why = "a test"
        else:
            policy.mesh.callers.append("*")
        policy.rate_class = policy_pb2.RATE_CLASS_READ
        policy.audit = policy_pb2.AUDIT_CLASS_NONE
        policy.timeout.seconds = 1
    files = closure([wrappers_pb2.DESCRIPTOR, annotations_pb2.DESCRIPTOR])
    files.file.append(file)
    return files.SerializeToString()


@dataclass
class Backend:
    """A server that answers with its name and its caller's; `fail` makes every second call UNAVAILABLE, `delay` each one slow."""

    name: str
    port: int
    server: grpc.aio.Server
    calls: int = 0
    fail: bool = False
    delay: float = 0
    seen: set[str | None] = field(default_factory=set)

    async def answer(self, request: StringValue, context: grpc.aio.ServicerContext[Any, Any]) -> StringValue:
        self.calls += 1
        self.seen.add(peer(context.auth_context()))
        await asyncio.sleep(self.delay)
        if self.fail and self.calls % 2:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "failing on purpose")
        return StringValue(value=self.name)


class Caller:
    """A gRPC client in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def start(self, **order: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"method": SAY, "n": 10, **order}).encode() + b"\n")
        await self.process.stdin.drain()

    async def result(self) -> dict[str, int]:
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            counts: dict[str, int] = json.loads(await self.process.stdout.readline())
        return counts

    async def __call__(self, **order: Any) -> dict[str, int]:
        await self.start(**order)
        return await self.result()


@dataclass
class Mesh:
    """The control plane and everything around it."""

    home: Path
    authority: TestAuthority
    issuer: TestIssuer
    port: int
    stack: AsyncExitStack
    settings: dict[str, Any] = field(default_factory=dict)
    registry: Registry = None  # type: ignore[assignment]  # set by `up`
    server: grpc.aio.Server = None  # type: ignore[assignment]  # set by `up`
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def until(self, condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
        """Ask again and again until `condition` holds; fail after `seconds`."""
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.02)

    def contract_of(self, service: str) -> bytes:
        return contract_of(service)

    async def up(self) -> None:
        """Start the control plane on the database of the one before."""
        settings = RegistrySettings(home=self.home, port=self.port, **self.settings)
        database = await Database.open(
            f"sqlite:///{self.home}/data.db", store.METADATA, "trustmesh_registry:migrations", clock=utc_now
        )
        self.registry = await assemble(settings, database, utc_now)
        verifier = TokenVerifier(ISSUER, AUDIENCE, utc_now)
        verifier.use_jwks(self.issuer.jwks)

        async def append(record: bytes) -> None:
            return None

        pipeline = Pipeline(
            verifier.verify, compile_validation(), composer("registry", utc_now, redactor(b"k")), append, Metrics("registry")
        )
        application = self.registry.application
        methods = [each for descriptor, servicer in application.servicers for each in bind(pipeline, descriptor, servicer)]
        for foreign in application.foreign:
            policies = {name: read_policy(name, policy) for name, policy in foreign.policies.items()}
            methods += bind(pipeline, foreign.descriptor, foreign.servicer, policies)
        self.server = make_server(methods, peer)
        self.server.add_secure_port(f"127.0.0.1:{self.port}", self._server_credentials("registry"))
        await self.server.start()
        self.tasks = [asyncio.ensure_future(background()) for background in application.background]

    async def down(self) -> None:
        """Stop the control plane as the chassis does: background first, then the server."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.server.stop(0.2)
        assert self.registry.application.close is not None
        await self.registry.application.close()

    def identity(self, service: str, authority: TestAuthority | None = None) -> Path:
        return (authority or self.authority).issue(self.home / f"{service}-{id(authority)}", service)

    def _server_credentials(self, service: str, authority: TestAuthority | None = None) -> grpc.ServerCredentials:
        identity = self.identity(service, authority)
        pair = ((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())
        return grpc.ssl_server_credentials([pair], self.authority.roots_pem, True)

    def channel(self, service: str) -> grpc.aio.Channel:
        """A plain mTLS channel to the control plane as `service`."""
        identity = self.identity(service)
        credentials = grpc.ssl_channel_credentials(
            self.authority.roots_pem, (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
        )
        channel = grpc.aio.secure_channel(f"localhost:{self.port}", credentials)
        self.stack.push_async_callback(channel.close)
        return channel

    async def backend(self, name: str, service: str = "echo", authority: TestAuthority | None = None) -> Backend:
        """Start a backend with a certificate of `service`, not registered yet."""
        server = grpc.aio.server()
        port = server.add_secure_port("127.0.0.1:0", self._server_credentials(service, authority))
        backend = Backend(name, port, server)
        handler = grpc.unary_unary_rpc_method_handler(
            backend.answer, request_deserializer=StringValue.FromString, response_serializer=StringValue.SerializeToString
        )
        handlers = {"Say": handler, "Change": handler, "Hello": handler}
        for each in {service, "echo", "other"}:
            generic = grpc.method_handlers_generic_handler(f"trustmesh.{each}.v1.EchoService", handlers)
            server.add_generic_rpc_handlers((generic,))
        await server.start()
        self.stack.push_async_callback(server.stop, None)
        return backend

    async def register(self, *backends: Backend, service: str = "echo") -> None:
        stub: Any = RegistryServiceStub(self.channel(service))
        for backend in backends:
            await stub.RegisterInstance(
                registry_service_pb2.RegisterInstanceRequest(
                    parent=f"services/{service}",
                    instance_id=backend.name,
                    instance=service_pb2.Instance(address="127.0.0.1", port=backend.port),
                    descriptors=contract_of(service),
                    grpc_services=[f"trustmesh.{service}.v1.EchoService"],
                )
            )

    async def deregister(self, backend: Backend, service: str = "echo") -> None:
        stub: Any = RegistryServiceStub(self.channel(service))
        name = f"services/{service}/instances/{backend.name}"
        await stub.DeregisterInstance(registry_service_pb2.DeregisterInstanceRequest(name=name))

    async def caller(self, target: str = "echo", *, service: str = "web", claimed: str | None = None) -> Caller:
        """Start a client with the identity of `service`, whose bootstrap claims to be `claimed`."""
        identity = self.identity(service)
        pem = {
            "certificate_file": str(identity / "tls.crt"),
            "private_key_file": str(identity / "tls.key"),
            "ca_certificate_file": str(identity / "roots.pem"),
            "refresh_interval": "1s",
        }
        bootstrap = {
            "xds_servers": [
                {
                    "server_uri": f"dns:///localhost:{self.port}",
                    "channel_creds": [{"type": "tls", "config": pem}],
                    "server_features": ["xds_v3"],
                }
            ],
            "node": {"id": f"{service}-node", "cluster": claimed or service},
            "certificate_providers": {"default": {"plugin_name": "file_watcher", "config": pem}},
        }
        file = identity.parent / "bootstrap.json"
        file.write_text(json.dumps(bootstrap))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(CALLER),
            f"xds:///{target}",
            str(identity / "roots.pem"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "GRPC_XDS_BOOTSTRAP": str(file), "GRPC_VERBOSITY": "NONE"},
        )
        self.stack.push_async_callback(_ended, process)
        return Caller(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.fixture
async def surroundings(tmp_path: Path) -> AsyncIterator[Mesh]:
    """Everything of a mesh but its control plane."""
    async with AsyncExitStack() as stack:
        yield Mesh(tmp_path, TestAuthority(), TestIssuer(), free_port(), stack)


@pytest.fixture
async def mesh(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Mesh]:
    """A running control plane; parametrise the fixture indirectly with settings of the registry."""
    async with AsyncExitStack() as stack:
        mesh = Mesh(tmp_path, TestAuthority(), TestIssuer(), free_port(), stack, getattr(request, "param", {}))
        await mesh.up()
        yield mesh
        await stack.aclose()
        await mesh.down()
