"""Who this process is in the mesh, as the TLS stacks that it uses want to hear it."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc

from trustmesh_chassis.identity.generation import CHAIN, CURRENT, KEY, ROOTS, Generation, store
from trustmesh_chassis.identity.spiffe import SpiffeId, service_of

_TLS_1_3 = b"TLSv1.3"


class Identity:
    """A service's identity. Credentials made from it follow when the agent adopts a new generation."""

    def __init__(self, spiffe_id: SpiffeId, root: Path, generation: Generation) -> None:
        """`root` is the directory of the generations, `generation` the verified one that is `current` there."""
        self.spiffe_id = spiffe_id
        self._root = root
        self._use(generation)

    @property
    def service(self) -> str:
        return self.spiffe_id.service

    @property
    def trust_domain(self) -> str:
        return self.spiffe_id.trust_domain

    @property
    def directory(self) -> Path:
        """Where tls.key, tls.crt and roots.pem of the current generation are, for those who read files."""
        return self._root / CURRENT

    @property
    def generation(self) -> Generation:
        return self._generation

    @property
    def expires(self) -> datetime:
        return self._generation.expires

    def adopt(self, generation: Generation) -> None:
        """Make a verified generation the current one, on disk and for all new connections."""
        store(self._root, generation)
        self._use(generation)

    def server_credentials(self) -> grpc.ServerCredentials:
        """gRPC server credentials that demand a client certificate of a trusted root."""
        return self._dynamic(mutual=True)

    def open_server_credentials(self) -> grpc.ServerCredentials:
        """gRPC server credentials that ask for no client certificate."""
        return self._dynamic(mutual=False)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Client credentials of the current generation. They do not follow: make a new channel after a renewal."""
        current = self._generation
        return grpc.ssl_channel_credentials(current.roots_pem, current.key_pem, current.chain_pem)

    def ssl_context(self) -> ssl.SSLContext:
        """A server's context for TLS 1.3 that demands a client certificate of a trusted root."""
        return self._following(ssl.CERT_REQUIRED)

    def admin_context(self) -> ssl.SSLContext:
        """A server's context for TLS 1.3 that verifies a client certificate where one is shown."""
        return self._following(ssl.CERT_OPTIONAL)

    def client_context(self) -> ssl.SSLContext:
        """A client's context for TLS 1.3 of the current generation; like channel credentials, it does not follow."""
        context = ssl.create_default_context(cadata=self._generation.roots_pem.decode())
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.directory / CHAIN, self.directory / KEY)
        return context

    def peer_service(self, auth_context: Mapping[str, Iterable[bytes]]) -> str | None:
        """The calling service by gRPC's authentication context of a verified connection.

        None without a client certificate, and for one with other URI names than exactly one SPIFFE ID of our trust domain: what
        the common name or DNS names say counts for nothing. None too below TLS 1.3.
        """
        if list(auth_context.get("ssl_tls_version", ())) != [_TLS_1_3]:
            return None
        return service_of([uri.decode() for uri in auth_context.get("peer_uri", ())], self.trust_domain)

    def peer_of_certificate(self, certificate: dict[str, Any]) -> str | None:
        """As `peer_service`, by a verified certificate in the form of `SSLSocket.getpeercert`."""
        names = certificate.get("subjectAltName", ())
        return service_of([value for kind, value in names if kind == "URI"], self.trust_domain)

    def _use(self, generation: Generation) -> None:
        self._generation = generation
        self._mutual = _server_context(self.directory, ssl.CERT_REQUIRED)
        self._optional = _server_context(self.directory, ssl.CERT_OPTIONAL)

    def _dynamic(self, *, mutual: bool) -> grpc.ServerCredentials:
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._generation),
            NewerGeneration(self),  # type: ignore[arg-type]  # the stubs leave out that None means no change
            mutual,
        )

    def _following(self, mode: ssl.VerifyMode) -> ssl.SSLContext:
        context = _server_context(self.directory, mode)

        def newest(connection: ssl.SSLObject, server_name: str | None, outer: ssl.SSLContext) -> None:
            connection.context = self._mutual if mode is ssl.CERT_REQUIRED else self._optional

        context.sni_callback = newest
        return context


class NewerGeneration:
    """What gRPC asks before each handshake: the certificate to serve from now on, or None while nothing changed."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._served = identity.generation

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        current = self._identity.generation
        if current is self._served:
            return None
        self._served = current
        return _configuration(current)


def _configuration(generation: Generation) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(generation.key_pem, generation.chain_pem)], generation.roots_pem)


def _server_context(directory: Path, mode: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # a resumed session would not verify the client's certificate again
    context.load_cert_chain(directory / CHAIN, directory / KEY)
    context.load_verify_locations(directory / ROOTS)
    context.verify_mode = mode
    return context
