"""Where certificates come from: the port of the agent, and pki behind it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import grpc
import grpc.aio

from trustmesh.pki.v1 import identity_pb2, identity_service_pb2, join_service_pb2, trust_bundle_service_pb2
from trustmesh.pki.v1.identity_service_pb2_grpc import IdentityServiceStub
from trustmesh.pki.v1.join_service_pb2_grpc import JoinServiceStub
from trustmesh.pki.v1.trust_bundle_service_pb2_grpc import TrustBundleServiceStub
from trustmesh_chassis.identity.generation import Generation
from trustmesh_chassis.identity.spiffe import SpiffeId

TIMEOUT_SECONDS = 5.0
PKI = "pki"

Answer = TypeVar("Answer")


class IssuerUnavailable(Exception):
    """The issuer did not answer, or refused; the text says what happened. Trying again may help."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate chain (leaf first) and the roots to trust with it, as PEM; not verified yet."""

    chain_pem: bytes
    roots_pem: bytes


class IdentityMissing(Exception):
    """There is neither a valid identity nor a join token; the text says where they were looked for, and the mend."""


class Issuer(Protocol):
    """Gives a service its certificates. Every method that asks for one raises IssuerUnavailable."""

    async def join(self, csr_pem: str) -> Issued:
        """The first certificate, for what the service may join with; asked again with the same key, the same one.

        Raises IdentityMissing when there is nothing to join with.
        """
        ...

    def joined(self) -> None:
        """The first certificate is safe on disk: forget what it was joined with."""
        ...

    async def renew(self, csr_pem: str, current: Generation) -> Issued:
        """The next certificate, for the holder of the current one."""
        ...

    async def roots(self, current: Generation) -> bytes:
        """The roots to trust now, as PEM."""
        ...


class PkiIssuer:
    """pki over gRPC: by its addresses, not by xDS, since the registry is itself a service that needs an identity first."""

    def __init__(self, spiffe_id: SpiffeId, address: str, join_address: str, *, join_token: Path, pinned_roots: Path) -> None:
        """`join_token` and `pinned_roots` are the files of the first contact: what admits us, and how we know pki."""
        self._service = spiffe_id.service
        self._join_token = join_token
        self._pinned_roots = pinned_roots
        self._host = SpiffeId(spiffe_id.trust_domain, PKI).host
        self._bundle = f"trustBundles/{spiffe_id.trust_domain}"
        self._address = address
        self._join_address = join_address

    async def join(self, csr_pem: str) -> Issued:
        try:
            token, roots = self._join_token.read_text().strip(), self._pinned_roots.read_bytes()
        except FileNotFoundError as error:
            raise IdentityMissing(
                f"{self._service} has no valid identity and {error.filename} is missing; "
                "run `trustmesh init` where pki lives, or put a new join token there"
            ) from None
        async with self._channel(self._join_address, grpc.ssl_channel_credentials(roots)) as channel:
            request = join_service_pb2.JoinMeshRequest(join_token=token, csr_pem=csr_pem)
            return _issued(await _answer(JoinServiceStub(channel).JoinMesh(request, timeout=TIMEOUT_SECONDS)))

    def joined(self) -> None:
        self._join_token.unlink(missing_ok=True)

    async def renew(self, csr_pem: str, current: Generation) -> Issued:
        async with self._channel(self._address, _mutual(current)) as channel:
            request = identity_service_pb2.RenewIdentityRequest(csr_pem=csr_pem)
            return _issued(await _answer(IdentityServiceStub(channel).RenewIdentity(request, timeout=TIMEOUT_SECONDS)))

    async def roots(self, current: Generation) -> bytes:
        async with self._channel(self._address, _mutual(current)) as channel:
            request = trust_bundle_service_pb2.GetTrustBundleRequest(name=self._bundle)
            bundle = await _answer(TrustBundleServiceStub(channel).GetTrustBundle(request, timeout=TIMEOUT_SECONDS))
            return bundle.roots_pem.encode()

    def _channel(self, address: str, credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
        """A channel to pki alone: its name is checked against the one that only pki's certificate holds."""
        options = [("grpc.ssl_target_name_override", self._host), ("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.secure_channel(address, credentials, options=options)


def _mutual(current: Generation) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(current.roots_pem, current.key_pem, current.chain_pem)


def _issued(answer: identity_pb2.IssuedIdentity) -> Issued:
    return Issued(answer.certificate_chain_pem.encode(), answer.trust_bundle.roots_pem.encode())


async def _answer(call: Awaitable[Answer]) -> Answer:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise IssuerUnavailable(f"{error.code().name}: {error.details()}") from None
