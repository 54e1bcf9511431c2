"""Serves servicers for one test as production does: the whole pipeline, real mTLS, real tokens, on a loopback port.

async with served([(DESCRIPTOR, PetServicer(...))], tmp_path) as shop:
    stub = PetServiceStub(shop.channel(shop.issuer.token(orgs=("demo",))))
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from trustmesh_chassis.audit.record import composer
from trustmesh_chassis.identity.spiffe import service_of
from trustmesh_chassis.pipeline import Pipeline
from trustmesh_chassis.redaction import redactor
from trustmesh_chassis.service import utc_now
from trustmesh_chassis.telemetry.metrics import Metrics
from trustmesh_chassis.testing.authority import TRUST_DOMAIN, TestAuthority
from trustmesh_chassis.testing.issuer import AUDIENCE, ISSUER, TestIssuer
from trustmesh_chassis.tokens import TokenVerifier
from trustmesh_chassis.transport.binding import bind
from trustmesh_chassis.transport.grpcio import make_server
from trustmesh_chassis.validation import compile_validation


@dataclass(frozen=True)
class Served:
    """A served application: where it is, who issues its tokens, what it recorded."""

    port: int
    issuer: TestIssuer
    authority: TestAuthority
    records: list[dict[str, Any]]
    _directory: Path
    _stack: AsyncExitStack

    def channel(self, token: str | None = None, *, peer: str = "gateway") -> grpc.aio.Channel:
        """A channel with the certificate of the service `peer` that sends `token` with every call."""
        identity = self.authority.issue(self._directory / peer, peer)
        credentials = grpc.ssl_channel_credentials(
            self.authority.roots_pem, (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
        )
        if token is not None:
            credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))
        channel = grpc.aio.secure_channel(f"localhost:{self.port}", credentials)
        self._stack.push_async_callback(channel.close)
        return channel


@asynccontextmanager
async def served(
    servicers: Sequence[tuple[ServiceDescriptor, object]], directory: Path, service: str = "shop"
) -> AsyncIterator[Served]:
    """Serve `servicers` as `service`; `directory` takes the certificates.

    At the end it raises AssertionError when a call answered with a reason that its policy does not declare.
    """
    issuer, authority = TestIssuer(), TestAuthority()
    verifier = TokenVerifier(ISSUER, AUDIENCE, utc_now)
    verifier.use_jwks(issuer.jwks)
    records: list[dict[str, Any]] = []

    async def append(record: bytes) -> None:
        records.append(json.loads(record))

    def peer_service(context: Mapping[str, Sequence[bytes]]) -> str | None:
        return service_of([uri.decode() for uri in context.get("peer_uri", ())], TRUST_DOMAIN)

    compose = composer(service, utc_now, redactor(b"test"))
    pipeline = Pipeline(verifier.verify, compile_validation(), compose, append, Metrics(service))
    server = make_server([bound for each in servicers for bound in bind(pipeline, *each)], peer_service)
    identity = authority.issue(directory / service, service)
    pair = ((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], authority.roots_pem, True))
    await server.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(server.stop, None)
        yield Served(port, issuer, authority, records, directory, stack)
    assert not pipeline.undeclared, f"reasons without a declaration in their method's policy: {pipeline.undeclared}"
