"""Starts a service, watches over it, and drains it so that no call is lost.

Start: identity, clients, the application, the servers, then registration. Ready: every check passes. Drain: NOT_SERVING,
deregistered, a moment for the mesh to notice, then no new calls and a grace for those under way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from random import SystemRandom
from typing import Any

import grpc.aio

from trustmesh.config.v1.config_service_pb2_grpc import ConfigServiceStub
from trustmesh.registry.v1 import registry_service_pb2, service_pb2
from trustmesh.registry.v1.registry_service_pb2_grpc import RegistryServiceStub
from trustmesh_chassis import health as grpc_health
from trustmesh_chassis.admin import Health, admin_app
from trustmesh_chassis.audit.record import composer
from trustmesh_chassis.audit.spool import AuditSpool
from trustmesh_chassis.authorization import GATEWAY
from trustmesh_chassis.clients import Clients, write_bootstrap
from trustmesh_chassis.configuration import Configuration
from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.identity import Identity, IdentityAgent, join_mesh
from trustmesh_chassis.pipeline import Pipeline
from trustmesh_chassis.reachable import Reachable, listening
from trustmesh_chassis.redaction import keep_key, redactor
from trustmesh_chassis.registration import Registration
from trustmesh_chassis.service import Application, ForeignService, Runtime, ServiceDefinition, instance_id, utc_now
from trustmesh_chassis.settings import ServiceSettings
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.tokens import TokenVerifier
from trustmesh_chassis.transport.binding import BoundMethod, bind, closure
from trustmesh_chassis.transport.grpcio import Spans, make_server
from trustmesh_chassis.validation import compile_validation
from trustmesh_chassis.web import WebServer, only_for
from trustmesh_contract.contract import read_policy

log = logging.getLogger(__name__)

REGISTRY = "registry"
JWKS_KEY = "authz/jwks"
READY_POLL_SECONDS = 0.05


async def serve(
    definition: ServiceDefinition[Any], settings: ServiceSettings, stop: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Serve until `stop` is set or a part fails; raises that part's exception."""
    name = definition.name
    directory = settings.directory(name)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        agent = await _unless(stop, (definition.identity or _join(name))(settings, utc_now))
        if agent is None:
            return
        identity = agent.identity
        instance = instance_id(name)
        write_bootstrap(
            directory / "xds-bootstrap.json", instance, name, settings.registry, identity.directory, settings.certificate_poll
        )
        clients = Clients(identity.channel_credentials())
        stack.push_async_callback(clients.close)
        registry = listening(settings.registry)
        configuration = Configuration(clients.stub(ConfigServiceStub, REGISTRY), directory / "configuration.json", registry)
        verifier = TokenVerifier(settings.token_issuer, settings.audience, utc_now)
        configuration.listen(JWKS_KEY, verifier.use_jwks)

        runtime = Runtime(name, settings, utc_now, clients, configuration, identity)
        application = await definition.build(settings, runtime)
        if application.close is not None:
            stack.push_async_callback(application.close)
        spool = AuditSpool(directory / "audit")
        stack.push_async_callback(spool.close)
        metrics = Metrics(name)
        metrics.gauge("trustmesh_identity_seconds_left", "Until the certificate ends.", lambda: agent.seconds_left)
        registration = _registration(name, instance, settings, application, clients, registry)
        health = Health(name, _checks(application, agent, verifier, registration))
        pipeline = Pipeline(
            verify=verifier.verify,
            validate=compile_validation(),
            compose=composer(name, utc_now, redactor(keep_key(directory / "audit" / "redaction.key"))),
            append=spool.append,
            metrics=metrics,
        )

        servers = await _start_servers(settings, application, pipeline, identity, health, stack)
        admin = WebServer(
            admin_app(health, metrics, stop.set),
            "127.0.0.1",
            settings.private_port,
            identity.admin_context(),
            identity.peer_of_certificate,
        )
        await admin.start()
        stack.push_async_callback(admin.stop)

        watch = [agent.run(), configuration.run(), *(make() for make in application.background)]
        if registration is not None:
            watch.append(registration.run())
        health.serving = True
        await _watch_over(watch, stop, _announce(health, on_ready))
        await _drain(settings, health, registration, servers)


async def _unless(stop: asyncio.Event, joining: Awaitable[IdentityAgent]) -> IdentityAgent | None:
    """The agent that is joining, or None when `stop` is set before."""
    task, stopping = asyncio.ensure_future(joining), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return None


def _join(service: str) -> Callable[[ServiceSettings, Callable[[], Any]], Coroutine[Any, Any, IdentityAgent]]:
    async def join(settings: ServiceSettings, clock: Callable[[], Any]) -> IdentityAgent:
        return await join_mesh(service, settings, clock)

    return join


def _checks(
    application: Application, agent: IdentityAgent, verifier: TokenVerifier, registration: Registration | None
) -> dict[str, Any]:
    async def keys() -> None:
        if not verifier.keys:
            raise Unavailable("the keys of access tokens have not arrived yet; is authz up?")

    checks: dict[str, Any] = {"identity": agent.check, **application.checks}
    if application.servicers:
        checks["token keys"] = keys
    if registration is not None:
        checks["registration"] = registration.check
    return checks


async def _start_servers(
    settings: ServiceSettings,
    application: Application,
    pipeline: Pipeline,
    identity: Identity,
    health: Health,
    stack: AsyncExitStack,
) -> list[grpc.aio.Server]:
    spans = _spans(settings, identity.service)
    foreign = [
        *application.foreign,
        ForeignService(
            grpc_health.DESCRIPTOR,
            grpc_health.HealthServicer(health, frozenset(descriptor.full_name for descriptor, _ in application.servicers)),
            grpc_health.POLICIES,
        ),
    ]
    methods = [bound for descriptor, servicer in application.servicers for bound in bind(pipeline, descriptor, servicer)]
    methods += [bound for each in foreign for bound in _bind_foreign(pipeline, each)]
    listeners: list[tuple[Sequence[BoundMethod], int, grpc.ServerCredentials]] = [
        (methods, settings.public_port, identity.server_credentials())
    ]
    if application.open_servicers:
        methods = [bound for descriptor, servicer in application.open_servicers for bound in bind(pipeline, descriptor, servicer)]
        port = int(settings.join.rpartition(":")[2])
        listeners.append((methods, port, identity.open_server_credentials()))
    servers = []
    for served, port, credentials in listeners:
        server = make_server(
            served,
            identity.peer_service,
            spans,
            concurrency=settings.concurrency,
            max_connection_age=settings.max_connection_age,
        )
        stack.push_async_callback(server.stop, settings.drain_grace)  # where a part failed, calls under way end all the same
        address = f"{settings.host}:{port}"
        try:
            server.add_secure_port(address, credentials)
        except RuntimeError:
            raise Unavailable(f"{address} cannot be had; is another process listening on it?") from None
        await server.start()
        servers.append(server)
    if application.http is not None:
        web = WebServer(
            only_for(application.http, GATEWAY),
            settings.host,
            settings.web_port,
            identity.ssl_context(),
            identity.peer_of_certificate,
        )
        await web.start()
        stack.push_async_callback(web.stop)
    return servers


def _bind_foreign(pipeline: Pipeline, foreign: ForeignService) -> list[BoundMethod]:
    policies = {name: read_policy(f"{foreign.descriptor.full_name}.{name}", each) for name, each in foreign.policies.items()}
    return bind(pipeline, foreign.descriptor, foreign.servicer, policies)


def _spans(settings: ServiceSettings, service: str) -> Spans | None:
    if not settings.trace_endpoint:
        return None
    from trustmesh_chassis.telemetry.spans import SampledSpans, otlp_exporter, tracer_provider

    provider = tracer_provider(service, otlp_exporter(settings.trace_endpoint))
    return SampledSpans(provider, settings.trace_sampling, SystemRandom())


def _registration(
    name: str, instance: str, settings: ServiceSettings, application: Application, clients: Clients, registry: Reachable
) -> Registration | None:
    descriptors = [descriptor for descriptor, _ in application.servicers]
    if not descriptors and not application.foreign:
        return None
    files = closure([descriptor.file for descriptor in descriptors])
    request = registry_service_pb2.RegisterInstanceRequest(
        parent=f"services/{name}",
        instance_id=instance,
        instance=service_pb2.Instance(
            address=settings.advertised_address,
            port=settings.public_port,
            http_port=settings.web_port if application.http is not None else 0,
        ),
        descriptors=files.SerializeToString(),
        grpc_services=[descriptor.full_name for descriptor in descriptors],
    )
    return Registration(clients.stub(RegistryServiceStub, REGISTRY), request, registry)


async def _announce(health: Health, on_ready: Callable[[], None]) -> None:
    ready, parts = await health.report()
    while not ready:
        await asyncio.sleep(READY_POLL_SECONDS)
        ready, parts = await health.report()
    log.info("ready", extra={"checks": sorted(parts)})
    on_ready()


async def _watch_over(
    parts: Sequence[Coroutine[Any, Any, None]], stop: asyncio.Event, announce: Coroutine[Any, Any, None]
) -> None:
    """Run `parts` until `stop`; the first that fails ends the others and is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    announcing, stopping = asyncio.create_task(announce), asyncio.create_task(stop.wait())
    try:
        pending: set[asyncio.Task[Any]] = {*tasks, announcing, stopping}
        while not stopping.done():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in (*tasks, announcing, stopping):
            task.cancel()
        await asyncio.gather(*tasks, announcing, stopping, return_exceptions=True)


async def _drain(
    settings: ServiceSettings, health: Health, registration: Registration | None, servers: Sequence[grpc.aio.Server]
) -> None:
    health.serving = False
    if registration is not None:
        await registration.end()
    await asyncio.sleep(settings.drain_delay)
    await asyncio.gather(*(server.stop(settings.drain_grace) for server in servers))
    log.info("drained")
