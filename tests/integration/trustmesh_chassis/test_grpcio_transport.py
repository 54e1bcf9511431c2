"""The grpcio transport on a real socket with real certificates: identities, statuses, limits, streams, spans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis import health
from trustmesh_chassis.admin import Health
from trustmesh_chassis.audit.record import composer
from trustmesh_chassis.call import Call
from trustmesh_chassis.clients import PropagateStream, PropagateUnary
from trustmesh_chassis.errors import Unauthenticated
from trustmesh_chassis.health import HealthServicer
from trustmesh_chassis.pipeline import Pipeline
from trustmesh_chassis.redaction import redactor
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.telemetry.spans import SampledSpans, tracer_provider
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_chassis.transport.binding import ContractMismatch, bind
from trustmesh_chassis.transport.grpcio import make_server
from trustmesh_chassis.validation import compile_validation
from trustmesh_contract.contract import read_policy

POLICIES = {name: read_policy(name, message) for name, message in health.POLICIES.items()}
Serve = Callable[..., Awaitable[int]]
Connect = Callable[..., grpc.aio.Channel]


def peer(context: Any) -> str | None:
    ids: list[bytes] = list(context.get("peer_spiffe_id", ()))
    return ids[0].decode().rpartition("/")[2] if ids else None


@pytest.fixture
def pipeline() -> Pipeline:
    def verify(unverified: str) -> Any:
        raise Unauthenticated("no tokens here")

    async def append(record: bytes) -> None:
        return None

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731  # shorter than a function
    return Pipeline(verify, compile_validation(), composer("shop", clock, redactor(b"k")), append, Metrics("shop"))


@pytest.fixture
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
async def serve(authority: TestAuthority, tmp_path: Path, pipeline: Pipeline) -> AsyncIterator[Serve]:
    servers: list[grpc.aio.Server] = []

    async def start(servicer: Any, *, descriptor: Any = health.DESCRIPTOR, policies: Any = POLICIES, spans: Any = None) -> int:
        identity = authority.issue(tmp_path / "shop", "shop")
        credentials = grpc.ssl_server_credentials(
            [((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())], authority.roots_pem, True
        )
        server = make_server(bind(pipeline, descriptor, servicer, policies), peer, spans)
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        servers.append(server)
        return port

    yield start
    for server in servers:
        await server.stop(None)


@pytest.fixture
async def connect(authority: TestAuthority, tmp_path: Path) -> AsyncIterator[Connect]:
    channels: list[grpc.aio.Channel] = []

    def open_channel(port: int, service: str = "kms", interceptors: Any = ()) -> grpc.aio.Channel:
        identity = authority.issue(tmp_path / service, service)
        credentials = grpc.ssl_channel_credentials(
            authority.roots_pem, (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
        )
        channel = grpc.aio.secure_channel(f"localhost:{port}", credentials, interceptors=list(interceptors))
        channels.append(channel)
        return channel

    yield open_channel
    for channel in channels:
        await channel.close()


@pytest.fixture
def state() -> Health:
    made = Health("shop", {})
    made.serving = True
    return made


@pytest.fixture
def servicer(state: Health) -> HealthServicer:
    return HealthServicer(state, frozenset({"trustmesh.shop.v1.PetService"}))


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The rich status in the trailers (AIP-193)."""
    trailers = dict(error.trailing_metadata())
    return status_pb2.Status.FromString(trailers["grpc-status-details-bin"])


async def test_health_is_told_to_services_of_the_mesh(
    serve: Serve, connect: Connect, servicer: HealthServicer, state: Health
) -> None:
    stub = health_pb2_grpc.HealthStub(connect(await serve(servicer)))
    assert (await stub.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
    assert len((await stub.List(health_pb2.HealthListRequest())).statuses) == 2
    state.serving = False
    request = health_pb2.HealthCheckRequest(service="trustmesh.shop.v1.PetService")
    assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_watch_tells_each_change(
    serve: Serve, connect: Connect, servicer: HealthServicer, state: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_WATCH_SECONDS", 0.01)
    stub = health_pb2_grpc.HealthStub(connect(await serve(servicer)))
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    await asyncio.sleep(0.05)
    state.serving = False
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"))
    assert (await unknown.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    unknown.cancel()


async def test_a_failure_carries_its_rich_status(serve: Serve, connect: Connect, servicer: HealthServicer) -> None:
    stub = health_pb2_grpc.HealthStub(connect(await serve(servicer)))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.Check(health_pb2.HealthCheckRequest(service="nobody"), metadata=(("x-request-id", "request-77"),))
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
    status = status_of(failed.value)
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(request)
    assert (info.reason, info.metadata["code"], request.request_id) == ("NOT_FOUND", "RES_001", "request-77")


async def test_a_caller_that_is_not_listed_is_denied(serve: Serve, connect: Connect, servicer: HealthServicer) -> None:
    only_gateway = policy_pb2.MethodPolicy()
    only_gateway.CopyFrom(health.POLICIES["Check"])
    only_gateway.mesh.callers[:] = ["gateway"]
    policies = dict.fromkeys(POLICIES, read_policy("Check", only_gateway))
    port = await serve(servicer, policies=policies)
    allowed = health_pb2_grpc.HealthStub(connect(port, "gateway"))
    await allowed.Check(health_pb2.HealthCheckRequest())
    denied = health_pb2_grpc.HealthStub(connect(port, "kms"))
    with pytest.raises(grpc.aio.AioRpcError) as unary:
        await denied.Check(health_pb2.HealthCheckRequest())
    with pytest.raises(grpc.aio.AioRpcError) as stream:
        await denied.Watch(health_pb2.HealthCheckRequest()).read()
    assert {unary.value.code(), stream.value.code()} == {grpc.StatusCode.PERMISSION_DENIED}


async def test_another_authoritys_certificate_does_not_connect(serve: Serve, servicer: HealthServicer, tmp_path: Path) -> None:
    port = await serve(servicer)
    stranger = TestAuthority()
    identity = stranger.issue(tmp_path / "stranger", "gateway")
    credentials = grpc.ssl_channel_credentials(
        stranger.roots_pem, (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
    )
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_message_above_the_limit_is_refused(serve: Serve, connect: Connect, servicer: HealthServicer) -> None:
    stub = health_pb2_grpc.HealthStub(connect(await serve(servicer)))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.Check(health_pb2.HealthCheckRequest(service="x" * (5 * 1024 * 1024)))
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_unknown_method_is_unimplemented(serve: Serve, connect: Connect, servicer: HealthServicer) -> None:
    channel = connect(await serve(servicer))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        call: Any = channel.unary_unary("/grpc.health.v1.Health/Nope")
        await call(b"")
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_conversations_go_both_ways(serve: Serve, connect: Connect) -> None:
    class Reflection:
        async def ServerReflectionInfo(self, requests: Any, call: Call) -> AsyncIterator[Any]:
            async for request in requests:
                yield reflection_pb2.ServerReflectionResponse(valid_host=request.host)

    descriptor = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    port = await serve(Reflection(), descriptor=descriptor, policies={"ServerReflectionInfo": POLICIES["Watch"]})
    talk: Any = connect(port).stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )()
    for host in ("a", "b"):
        await talk.write(reflection_pb2.ServerReflectionRequest(host=host))
        assert (await talk.read()).valid_host == host
    await talk.done_writing()


def test_a_stream_of_requests_alone_does_not_bind(pipeline: Pipeline) -> None:
    file = descriptor_pb2.FileDescriptorProto(name="upload.proto", package="upload", syntax="proto3")
    file.message_type.add(name="Part")
    method = file.service.add(name="Upload").method.add(name="Send", input_type=".upload.Part", output_type=".upload.Part")
    method.client_streaming = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    class Upload:
        async def Send(self, requests: Any, call: Call) -> None:
            return None

    with pytest.raises(ContractMismatch, match="use a batch method"):
        bind(pipeline, pool.FindServiceByName("upload.Upload"), Upload(), {"Send": POLICIES["Check"]})


def test_a_servicer_without_a_method_does_not_bind(pipeline: Pipeline) -> None:
    with pytest.raises(ContractMismatch, match=r"object does not implement grpc.health.v1.Health.Check"):
        bind(pipeline, health.DESCRIPTOR, object(), POLICIES)


@pytest.mark.parametrize(("share", "traceparent", "spans"), [(0.0, None, 0), (1.0, None, 1), (0.0, "01", 1), (1.0, "00", 0)])
async def test_only_sampled_calls_make_spans(
    serve: Serve, connect: Connect, servicer: HealthServicer, share: float, traceparent: str | None, spans: int
) -> None:
    exporter = InMemorySpanExporter()
    provider = tracer_provider("shop", exporter)
    port = await serve(servicer, spans=SampledSpans(provider, share, Random(1)))
    metadata = () if traceparent is None else (("traceparent", f"00-{'ab' * 16}-{'cd' * 8}-{traceparent}"),)
    stub = health_pb2_grpc.HealthStub(connect(port))
    await stub.Check(health_pb2.HealthCheckRequest(), metadata=metadata)
    provider.force_flush()
    finished = exporter.get_finished_spans()
    assert len(finished) == spans
    if spans:
        assert finished[0].name == "/grpc.health.v1.Health/Check"
    if traceparent == "01":
        assert f"{finished[0].context.trace_id:032x}" == "ab" * 16
    provider.shutdown()


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_a_sampled_stream_is_one_span(serve: Serve, connect: Connect, servicer: HealthServicer, share: float) -> None:
    exporter = InMemorySpanExporter()
    provider = tracer_provider("shop", exporter)
    stub = health_pb2_grpc.HealthStub(connect(await serve(servicer, spans=SampledSpans(provider, share, Random(1)))))
    watch = stub.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()
    async with asyncio.timeout(5):
        while share and not exporter.get_finished_spans():
            await asyncio.sleep(0.01)
            provider.force_flush()
    assert [span.name for span in exporter.get_finished_spans()] == ["/grpc.health.v1.Health/Watch"] * int(share)
    provider.shutdown()


async def test_a_call_made_for_another_carries_its_deadline_and_ids(
    serve: Serve, connect: Connect, servicer: HealthServicer
) -> None:
    seen: list[Call] = []

    class Inner(HealthServicer):
        async def Check(self, request: Any, call: Call) -> Any:
            seen.append(call)
            return await super().Check(request, call)

        async def Watch(self, request: Any, call: Call) -> AsyncIterator[Any]:
            seen.append(call)
            yield health_pb2.HealthCheckResponse()

    inner = Inner(servicer._health, frozenset())
    interceptors = (PropagateUnary(), PropagateStream())
    stub = health_pb2_grpc.HealthStub(connect(await serve(inner), interceptors=interceptors))

    class Outer(HealthServicer):
        async def Check(self, request: Any, call: Call) -> Any:
            await stub.Watch(request).read()
            return await stub.Check(request, timeout=60)

    outer = health_pb2_grpc.HealthStub(connect(await serve(Outer(servicer._health, frozenset()))))
    trace = f"00-{'ab' * 16}-{'cd' * 8}-00"
    metadata = (("x-request-id", "request-77"), ("traceparent", trace))
    await outer.Check(health_pb2.HealthCheckRequest(), timeout=3, metadata=metadata)
    assert [(call.request_id, call.traceparent) for call in seen] == [("request-77", trace)] * 2
    now = asyncio.get_running_loop().time()
    assert all(call.deadline is not None and call.deadline < now + 3 for call in seen)
    await stub.Check(health_pb2.HealthCheckRequest())
    assert seen[2].traceparent is None
