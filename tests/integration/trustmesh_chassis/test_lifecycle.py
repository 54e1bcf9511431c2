"""A service from start to its last drained call, on real ports with a real identity."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import grpc
import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.responses import PlainTextResponse

from trustmesh.config.v1 import config_service_pb2, configuration_pb2
from trustmesh.config.v1.config_service_pb2_grpc import ConfigServiceStub
from trustmesh_chassis import health
from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.identity import Identity, SpiffeId
from trustmesh_chassis.identity.generation import load
from trustmesh_chassis.lifecycle import serve
from trustmesh_chassis.reachable import listening as reachable
from trustmesh_chassis.service import Application, ForeignService, Runtime, ServiceDefinition
from trustmesh_chassis.settings import ServiceSettings
from trustmesh_chassis.testing.authority import TRUST_DOMAIN, TestAuthority
from trustmesh_chassis.testing.issuer import TestIssuer

CONFIG = config_service_pb2.DESCRIPTOR.services_by_name["ConfigService"]


class ShopSettings(ServiceSettings):
    port_offset: ClassVar[int] = 980


class Agent:
    """An agent whose certificate outlives the test."""

    seconds_left = 3600.0

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    async def check(self) -> None:
        return None

    async def run(self) -> None:
        await asyncio.Event().wait()


class Anything:
    """Implements every method of a contract by a wait that no test reaches."""

    def __getattr__(self, name: str) -> Any:
        async def method(request: Any, call: Any) -> Any:
            await asyncio.Event().wait()

        return method


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def settings(tmp_path: Path) -> ShopSettings:
    directory = tmp_path / "services" / "shop"
    directory.mkdir(parents=True)
    (directory / "configuration.json").write_text(json.dumps({"authz/jwks": TestIssuer().jwks}))
    ports: dict[str, Any] = {name: free_port() for name in ("port", "admin_port", "http_port")}
    return ShopSettings(
        home=tmp_path,
        registry_address=f"localhost:{free_port()}",
        join_address=f"localhost:{free_port()}",
        drain_delay=0.05,
        drain_grace=1,
        **ports,
    )


@pytest.fixture
def definition(authority: TestAuthority) -> Callable[..., ServiceDefinition[ShopSettings]]:
    """A service whose application is what the test gives."""

    def make(application: Application, seen: list[Runtime] | None = None) -> ServiceDefinition[ShopSettings]:
        async def build(settings: ShopSettings, runtime: Runtime) -> Application:
            if seen is not None:
                seen.append(runtime)
            return application

        async def identity(settings: ShopSettings, clock: Any) -> Any:
            root = settings.directory("shop") / "identity"
            authority.issue(root, "shop")
            spiffe = SpiffeId(TRUST_DOMAIN, "shop")
            return Agent(Identity(spiffe, root, load(root / "current", spiffe, datetime.now(UTC))))

        return ServiceDefinition("shop", ShopSettings, build, identity)

    return make


@asynccontextmanager
async def running(definition: Any, settings: ShopSettings) -> AsyncIterator[asyncio.Task[None]]:
    """The service, up with all its ports; drained at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(serve(definition, settings, stop, lambda: None))
    listening = asyncio.create_task(reachable(f"127.0.0.1:{settings.private_port}")())
    await asyncio.wait({task, listening}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    if not listening.done():
        listening.cancel()
        task.result()
    yield task
    stop.set()
    await task


async def test_a_service_that_nobody_calls_is_ready_without_the_registry(definition: Any, settings: ShopSettings) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(definition(Application()), settings, stop, ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
    stop.set()
    await task


def channel(settings: ShopSettings, authority: TestAuthority, tmp_path: Path) -> grpc.aio.Channel:
    identity = authority.issue(tmp_path / "kms", "kms")
    credentials = grpc.ssl_channel_credentials(
        authority.roots_pem, (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
    )
    return grpc.aio.secure_channel(f"localhost:{settings.public_port}", credentials)


async def test_a_service_serves_is_probed_and_drains(
    definition: Any, settings: ShopSettings, authority: TestAuthority, tmp_path: Path
) -> None:
    closed: list[bool] = []
    seen: list[Runtime] = []

    async def close() -> None:
        closed.append(True)

    async def background() -> None:
        await asyncio.Event().wait()

    application = Application(
        servicers=[(CONFIG, Anything())],
        open_servicers=[],
        http=PlainTextResponse("hello"),
        background=[background],
        close=close,
    )
    async with running(definition(application, seen), settings), channel(settings, authority, tmp_path) as open_channel:
        stub = health_pb2_grpc.HealthStub(open_channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service="trustmesh.config.v1.ConfigService"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        context = ssl.create_default_context(cadata=authority.roots_pem.decode())
        async with httpx.AsyncClient(verify=context) as nobody:
            probe = await nobody.get(f"https://localhost:{settings.private_port}/admin/v1/readyz")
            checks = probe.json()["checks"]
            assert "registry" in checks.pop("registration")
            assert checks == {"serving": "ok", "identity": "ok", "token keys": "ok"}
        identity = authority.issue(tmp_path / "gateway", "gateway")
        context.load_cert_chain(identity / "tls.crt", identity / "tls.key")
        async with httpx.AsyncClient(verify=context) as gateway:
            assert (await gateway.get(f"https://localhost:{settings.web_port}/")).text == "hello"
        assert seen[0].directory == settings.directory("shop")
    assert closed == [True]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", settings.public_port)


async def test_the_admin_endpoint_stops_the_service(
    definition: Any, settings: ShopSettings, authority: TestAuthority, tmp_path: Path
) -> None:
    async with running(definition(Application()), settings) as task:
        context = ssl.create_default_context(cadata=authority.roots_pem.decode())
        identity = settings.directory("shop") / "identity" / "current"
        context.load_cert_chain(identity / "tls.crt", identity / "tls.key")
        async with httpx.AsyncClient(verify=context) as own:
            assert (await own.post(f"https://localhost:{settings.private_port}/admin/v1/shutdown")).status_code == 202
        async with asyncio.timeout(10):
            await task


async def test_open_servicers_are_served_without_a_client_certificate(
    definition: Any, settings: ShopSettings, authority: TestAuthority
) -> None:
    application = Application(open_servicers=[(CONFIG, Anything())])
    open_channel = grpc.aio.secure_channel(settings.join, grpc.ssl_channel_credentials(authority.roots_pem))
    async with running(definition(application), settings), open_channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            call: Any = open_channel.unary_unary("/trustmesh.config.v1.ConfigService/PublishConfiguration")
            await call(b"")
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_without_token_keys_the_service_is_not_ready(
    definition: Any, settings: ShopSettings, authority: TestAuthority, tmp_path: Path
) -> None:
    (settings.directory("shop") / "configuration.json").unlink()
    stop = asyncio.Event()
    ready: list[bool] = []
    application = Application(servicers=[(CONFIG, Anything())])
    task = asyncio.create_task(serve(definition(application), settings, stop, lambda: ready.append(True)))
    context = ssl.create_default_context(cadata=authority.roots_pem.decode())
    async with asyncio.timeout(20), httpx.AsyncClient(verify=context) as nobody:
        while True:
            try:
                probe = await nobody.get(f"https://localhost:{settings.private_port}/admin/v1/readyz")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
    assert probe.status_code == 503
    assert "authz" in probe.json()["checks"]["token keys"]
    stop.set()
    await task
    assert ready == []


async def test_a_service_that_waits_to_join_can_be_stopped(settings: ShopSettings) -> None:
    async def build(settings: ShopSettings, runtime: Runtime) -> Application:
        raise AssertionError("it never joined")

    (settings.home / "trust").mkdir()
    (settings.home / "trust" / "roots.pem").write_bytes(TestAuthority().roots_pem)
    (settings.directory("shop") / "join-token").write_text("A" * 43)
    stop = asyncio.Event()
    task = asyncio.create_task(serve(ServiceDefinition("shop", ShopSettings, build), settings, stop, lambda: None))
    await asyncio.sleep(0.3)
    assert not task.done()
    stop.set()
    async with asyncio.timeout(10):
        await task


async def test_a_part_that_fails_ends_the_service(definition: Any, settings: ShopSettings) -> None:
    async def background() -> None:
        raise RuntimeError("the part broke")

    with pytest.raises(RuntimeError, match="the part broke"):
        await serve(definition(Application(background=[background])), settings, asyncio.Event(), lambda: None)


async def test_when_a_part_fails_the_calls_under_way_end(
    definition: Any, settings: ShopSettings, authority: TestAuthority, tmp_path: Path
) -> None:
    begun, released = asyncio.Event(), asyncio.Event()

    class Slow(Anything):
        async def PublishConfiguration(self, request: Any, call: Any) -> configuration_pb2.Configuration:
            begun.set()
            await released.wait()
            return configuration_pb2.Configuration(name=request.name)

    async def background() -> None:
        await begun.wait()
        raise RuntimeError("the part broke")

    application = Application(servicers=[(CONFIG, Slow())], background=[background])
    task = asyncio.create_task(serve(definition(application), settings, asyncio.Event(), lambda: None))
    async with asyncio.timeout(20), channel(settings, authority, tmp_path) as open_channel:
        await reachable(f"127.0.0.1:{settings.public_port}")()
        request = config_service_pb2.PublishConfigurationRequest(name="configurations/kms/x", value="1")
        call = asyncio.ensure_future(ConfigServiceStub(open_channel).PublishConfiguration(request, wait_for_ready=True))
        while await is_listening(settings.public_port):
            await asyncio.sleep(0.01)
        released.set()
        assert (await call).name == "configurations/kms/x"
        with pytest.raises(RuntimeError, match="the part broke"):
            await task


async def is_listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_taken_port_is_named(definition: Any, settings: ShopSettings) -> None:
    with socket.create_server(("127.0.0.1", settings.public_port)), pytest.raises(Unavailable, match=str(settings.public_port)):
        await serve(definition(Application()), settings, asyncio.Event(), lambda: None)


async def test_a_foreign_service_is_served_by_its_policies(
    definition: Any, settings: ShopSettings, authority: TestAuthority, tmp_path: Path
) -> None:
    from grpc_reflection.v1alpha import reflection_pb2

    descriptor: Any = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    policy = health.POLICIES["Check"]
    application = Application(foreign=[ForeignService(descriptor, Anything(), {"ServerReflectionInfo": policy})])
    traced = settings.model_copy(update={"trace_endpoint": f"127.0.0.1:{free_port()}"})
    async with running(definition(application), traced), channel(traced, authority, tmp_path) as open_channel:
        answer = await health_pb2_grpc.HealthStub(open_channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


PROGRAM = """
import sys
from pathlib import Path
from typing import ClassVar
from trustmesh_chassis.process import run
from trustmesh_chassis.service import Application, ServiceDefinition
from trustmesh_chassis.settings import ServiceSettings

class ShopSettings(ServiceSettings):
    port_offset: ClassVar[int] = 980

async def build(settings, runtime):
    return Application()

async def identity(settings, clock):
    raise RuntimeError("no identity today")

sys.exit(run(ServiceDefinition("shop", ShopSettings, build, identity), Path(sys.argv[1])))
"""


def test_the_process_says_why_it_cannot_start(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        return subprocess.run(command, env={**environment, **more}, capture_output=True, text=True, timeout=60, check=False)

    wrong = run(TRUSTMESH_SHOP__PORT="high")
    assert (wrong.returncode, "TRUSTMESH_SHOP__PORT" in wrong.stderr) == (2, True)
    failed = run()
    assert failed.returncode == 1
    assert json.loads(failed.stderr.splitlines()[-1])["message"] == "shop cannot go on: no identity today"
