"""Leaves of two seconds, rotating on both sides under load: no call fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from trustmesh_chassis.identity import Generation, Identity, IdentityAgent, Issued, IssuerUnavailable, PkiIssuer, SpiffeId
from trustmesh_chassis.identity.agent import Enrolment
from trustmesh_chassis.identity.request import Names, new_key, request_for
from trustmesh_chassis.service import utc_now
from trustmesh_pki.operations import Issuance
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust

SECONDS = 6.0


class Now:
    """The system's clock, also where a test's clock is expected."""

    def __call__(self) -> datetime:
        return utc_now()


class InProcess:
    """An issuer without a wire."""

    def __init__(self, trust: TestTrust, service: str) -> None:
        self._trust = trust
        self._service = service

    async def join(self, csr_pem: str) -> Issued:
        return _issued(await self._trust.authorities.issue_own(self._service, csr_pem))

    def joined(self) -> None:
        return None

    async def renew(self, csr_pem: str, current: Generation) -> Issued:
        return await self.join(csr_pem)

    async def roots(self, current: Generation) -> bytes:
        return (await self._trust.authorities.trust_bundle(TRUST_DOMAIN)).pem.encode()


def _issued(issuance: Issuance) -> Issued:
    return Issued(issuance.chain_pem.encode(), issuance.bundle.pem.encode())


@asynccontextmanager
async def rotating(trust: TestTrust, service: str, root: Path) -> AsyncIterator[tuple[Identity, list[str]]]:
    """An identity whose agent runs."""
    events: list[str] = []
    enrolment = Enrolment(SpiffeId(TRUST_DOMAIN, service), Names(("localhost",)), root / service)
    issuer = InProcess(trust, service)
    agent = await IdentityAgent.start(enrolment, issuer, utc_now, jitter=lambda: 0.0, observe=events.append)
    running = asyncio.create_task(agent.run())
    yield agent.identity, events
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def serving(identity: Identity) -> AsyncIterator[str]:
    """A gRPC server that names its caller and ends connections every half second."""

    async def who(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return str(identity.peer_service(context.auth_context())).encode()

    options = [("grpc.max_connection_age_ms", 500), ("grpc.max_connection_age_grace_ms", 500)]
    server = grpc.aio.server(options=options)
    handlers: dict[str, Any] = {"Who": grpc.unary_unary_rpc_method_handler(who)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Who", handlers),))
    port = server.add_secure_port("127.0.0.1:0", identity.server_credentials())
    await server.start()
    yield f"localhost:{port}"
    await server.stop(1)


async def test_no_call_fails_while_both_sides_rotate(tmp_path: Path) -> None:
    clock: Any = Now()
    trust = await TestTrust.start(clock=clock, leaf_lifetime=timedelta(seconds=2))
    async with (
        rotating(trust, "kms", tmp_path) as (server, served),
        rotating(trust, "petstore", tmp_path) as (client, called),
        serving(server) as address,
    ):
        end = asyncio.get_running_loop().time() + SECONDS
        calls = await asyncio.gather(*(call_until(end, address, client) for _ in range(4)))
    assert min(calls) > 100
    assert served.count("renewed") >= 4
    assert called.count("renewed") >= 4
    assert "failed" not in served + called


async def call_until(end: float, address: str, client: Identity) -> int:
    """Call without pause, on a new channel for each generation; raises on the first failure."""
    calls = 0
    while asyncio.get_running_loop().time() < end:
        current = client.generation
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.secure_channel(address, client.channel_credentials(), options=options) as channel:
            who: Any = channel.unary_unary("/test.Who/Who")
            while client.generation is current and asyncio.get_running_loop().time() < end:
                assert await who(b"", timeout=5) == b"petstore"
                calls += 1
    return calls


async def test_another_service_of_the_mesh_is_not_pki(tmp_path: Path) -> None:
    """Whoever listens at pki's address must hold pki's name, not just a certificate of the mesh."""
    clock: Any = Now()
    trust = await TestTrust.start(clock=clock)
    async with rotating(trust, "kms", tmp_path) as (identity, _), serving(identity) as address:
        (tmp_path / "roots.pem").write_bytes(identity.generation.roots_pem)
        (tmp_path / "join-token").write_text("A" * 43)
        petstore = SpiffeId(TRUST_DOMAIN, "petstore")
        files = {"join_token": tmp_path / "join-token", "pinned_roots": tmp_path / "roots.pem"}
        issuer = PkiIssuer(petstore, address, address, **files)
        with pytest.raises(IssuerUnavailable, match="UNAVAILABLE"):
            await issuer.join(request_for(new_key(), petstore, Names()))
        with pytest.raises(IssuerUnavailable, match="UNAVAILABLE"):
            await issuer.roots(identity.generation)
        assert (tmp_path / "join-token").exists()
