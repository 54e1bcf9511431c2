"""The identity on real connections: who gets in, who is seen, and what happens when certificates and roots change."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trustmesh_chassis.identity import Identity, SpiffeId
from trustmesh_chassis.identity.generation import store
from trustmesh_chassis.identity.identity import NewerGeneration
from trustmesh_chassis.service import utc_now
from trustmesh_pki import certificates, offline
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust
from trustmesh_pki.trust import pem_of

MakeIdentity = Any  # of this folder's conftest
MakeGeneration = Any


@asynccontextmanager
async def grpc_server(identity: Identity, credentials: grpc.ServerCredentials, *options: tuple[str, int]) -> AsyncIterator[str]:
    """A server whose one method answers with the name of its caller."""

    async def who(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return str(identity.peer_service(context.auth_context())).encode()

    server = grpc.aio.server(options=list(options))
    handlers: dict[str, Any] = {"Who": grpc.unary_unary_rpc_method_handler(who)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Who", handlers),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"localhost:{port}"
    await server.stop(None)


async def who(address: str, credentials: grpc.ChannelCredentials) -> str:
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        call: Any = channel.unary_unary("/test.Who/Who")
        return bytes(await call(b"", timeout=5)).decode()


async def test_grpc_sees_the_calling_service(make_identity: MakeIdentity) -> None:
    server, client = await make_identity("kms"), await make_identity("petstore")
    async with grpc_server(server, server.server_credentials()) as address:
        assert await who(address, client.channel_credentials()) == "petstore"


async def test_grpc_turns_away_strangers_and_the_anonymous(make_identity: MakeIdentity, stranger: TestTrust) -> None:
    server, other = await make_identity("kms"), await make_identity("petstore", stranger)
    roots, mine = server.generation.roots_pem, other.generation
    async with grpc_server(server, server.server_credentials()) as address:
        for credentials in (
            grpc.ssl_channel_credentials(roots),
            grpc.ssl_channel_credentials(roots, mine.key_pem, mine.chain_pem),
            other.channel_credentials(),
        ):
            with pytest.raises(grpc.aio.AioRpcError, match=r"(?i)unavailable"):
                await who(address, credentials)


async def test_the_open_port_asks_for_no_certificate(make_identity: MakeIdentity) -> None:
    server = await make_identity("pki")
    async with grpc_server(server, server.open_server_credentials()) as address:
        assert await who(address, grpc.ssl_channel_credentials(server.generation.roots_pem)) == "None"


def crafted(
    trust: TestTrust, issuer: certificates.Authority, *names: x509.GeneralName, subject: str = ""
) -> grpc.ChannelCredentials:
    """A client certificate of our own authority with the wrong names in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)] if subject else [])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(minutes=1))
        .not_valid_after(utc_now() + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(list(names)), critical=not subject)
        .sign(issuer.key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = pem_of(leaf) + pem_of(issuer.certificate)
    return grpc.ssl_channel_credentials(pem_of(trust.root.certificate).encode(), pem, chain.encode())


KMS, PKI = (x509.UniformResourceIdentifier(f"spiffe://trustmesh.local/svc/{service}") for service in ("kms", "pki"))


@pytest.mark.parametrize(
    "names",
    [
        (KMS, PKI),
        (KMS, x509.UniformResourceIdentifier("https://elsewhere.example")),
        (x509.UniformResourceIdentifier("spiffe://partner.example/svc/pki"),),
        (x509.DNSName("pki.trustmesh.local"),),
    ],
    ids=["two SPIFFE IDs", "a second URI", "another trust domain", "DNS name and common name only"],
)
async def test_only_one_spiffe_id_of_our_domain_is_a_service(
    make_identity: MakeIdentity, trust: TestTrust, names: tuple[x509.GeneralName, ...]
) -> None:
    server = await make_identity("kms")
    key = ec.generate_private_key(ec.SECP256R1())
    csr = certificates.request_intermediate(TRUST_DOMAIN, key, "crafty")
    signed = offline.sign_intermediate(trust.root, pem_of(csr), now=trust.clock())
    issuer = certificates.Authority(x509.load_pem_x509_certificate(signed.encode()), key)
    async with grpc_server(server, server.server_credentials()) as address:
        assert await who(address, crafted(trust, issuer, KMS)) == "kms"
        assert await who(address, crafted(trust, issuer, *names, subject="pki")) == "None"


async def test_grpc_serves_the_new_certificate_on_new_connections(
    make_identity: MakeIdentity, make_generation: MakeGeneration
) -> None:
    server = await make_identity("kms")
    async with grpc_server(server, server.server_credentials()) as address:
        before = await presented(address)
        assert await presented(address) == before
        server.adopt(await make_generation("kms"))
        assert await presented(address) == server.generation.certificate.serial_number != before


async def test_grpc_is_told_of_a_generation_once(make_identity: MakeIdentity, make_generation: MakeGeneration) -> None:
    server = await make_identity("kms")
    newer = NewerGeneration(server)
    assert newer() is None
    server.adopt(await make_generation("kms"))
    assert isinstance(newer(), grpc.ServerCertificateConfiguration)
    assert newer() is None


async def presented(address: str) -> int:
    """The serial number of the certificate that a server shows."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])

    def connect() -> int:
        with socket.create_connection((host, int(port)), 5) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
            der = tls.getpeercert(True)
            assert der is not None
            return x509.load_der_x509_certificate(der).serial_number

    return await asyncio.to_thread(connect)


@asynccontextmanager
async def https_server(context: ssl.SSLContext, identity: Identity) -> AsyncIterator[str]:
    """A TLS server that writes the name of its caller and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        certificate = writer.get_extra_info("ssl_object").getpeercert()
        writer.write(str(identity.peer_of_certificate(certificate or {})).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"localhost:{server.sockets[0].getsockname()[1]}"


async def hello(address: str, context: ssl.SSLContext) -> str:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    try:
        text = (await asyncio.wait_for(reader.read(), 5)).decode()
    finally:
        writer.close()
    if not text:
        raise ConnectionError("closed")
    return text


async def test_https_sees_the_calling_service_and_turns_away_others(make_identity: MakeIdentity, stranger: TestTrust) -> None:
    server, client = await make_identity("authz"), await make_identity("gateway")
    other = await make_identity("gateway", stranger)
    anonymous = ssl.create_default_context(cadata=server.generation.roots_pem.decode())
    foreign = ssl.create_default_context(cadata=server.generation.roots_pem.decode())
    foreign.load_cert_chain(other.directory / "tls.crt", other.directory / "tls.key")
    async with https_server(server.ssl_context(), server) as address:
        assert await hello(address, client.client_context()) == "gateway"
        for context in (anonymous, foreign):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await hello(address, context)


async def test_the_admin_endpoint_serves_the_anonymous_too(make_identity: MakeIdentity) -> None:
    server = await make_identity("authz")
    anonymous = ssl.create_default_context(cadata=server.generation.roots_pem.decode())
    async with https_server(server.admin_context(), server) as address:
        assert await hello(address, anonymous) == "None"
        assert await hello(address, server.client_context()) == "authz"


async def test_https_is_tls_1_3_only(make_identity: MakeIdentity) -> None:
    server, client = await make_identity("authz"), await make_identity("gateway")
    old = client.client_context()
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with https_server(server.ssl_context(), server) as address:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await hello(address, old)


async def test_https_follows_new_certificates_and_forgets_retired_roots(
    make_identity: MakeIdentity, make_generation: MakeGeneration, stranger: TestTrust
) -> None:
    server, client = await make_identity("authz"), await make_identity("gateway")
    async with https_server(server.ssl_context(), server) as address:
        assert await hello(address, client.client_context()) == "gateway"
        server.adopt(await make_generation("authz", stranger))
        assert await presented(address) == server.generation.certificate.serial_number
        new = await make_identity("gateway", stranger)
        assert await hello(address, new.client_context()) == "gateway"
        with_new_roots = new.client_context()
        with_new_roots.load_cert_chain(client.directory / "tls.crt", client.directory / "tls.key")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await hello(address, with_new_roots)


TLS_1_2 = """
import asyncio, socket, ssl, sys
from datetime import UTC, datetime
from pathlib import Path
from trustmesh_chassis.identity import Identity, SpiffeId
from trustmesh_chassis.identity.generation import load
import grpc, grpc.aio

root = Path(sys.argv[1])
spiffe_id = SpiffeId("trustmesh.local", "kms")
identity = Identity(spiffe_id, root, load(root / "current", spiffe_id, datetime.now(UTC)))

def attempt(port, version):
    context = identity.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection(("localhost", port), 5) as plain:
            return context.wrap_socket(plain, server_hostname="localhost").version()
    except OSError:
        return "refused"

async def main():
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", identity.server_credentials())
    await server.start()
    print(*[await asyncio.to_thread(attempt, port, version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)])
    context = identity.ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    connected = []
    old = await asyncio.start_server(lambda reader, writer: connected.append(writer), "127.0.0.1", 0, ssl=context)
    channel = grpc.aio.secure_channel(f"localhost:{old.sockets[0].getsockname()[1]}", identity.channel_credentials())
    try:
        await channel.unary_unary("/test.Who/Who")(b"", timeout=5)
    except grpc.aio.AioRpcError as error:
        print(error.code().name, len(connected))
    await channel.close()
    await server.stop(None)

asyncio.run(main())
"""


async def test_grpc_is_tls_1_3_only(make_generation: MakeGeneration, tmp_path: Path) -> None:
    """In a process of its own, since gRPC reads its cipher suites once."""
    store(tmp_path / "identity", await make_generation("kms"))
    script = [sys.executable, "-c", TLS_1_2, str(tmp_path / "identity")]
    environment = {"PYTHONPATH": ":".join(sys.path), "GRPC_VERBOSITY": "NONE"}
    result = await asyncio.to_thread(subprocess.run, script, capture_output=True, text=True, timeout=30, env=environment)
    assert result.stdout.split() == ["refused", "TLSv1.3", "UNAVAILABLE", "0"], result.stderr


def test_an_older_tls_or_no_certificate_is_nobody(tmp_path: Path) -> None:
    identity = Identity.__new__(Identity)
    identity.spiffe_id = SpiffeId(TRUST_DOMAIN, "kms")
    uri = b"spiffe://trustmesh.local/svc/pki"
    assert identity.peer_service({"peer_uri": [uri], "ssl_tls_version": [b"TLSv1.3"]}) == "pki"
    assert identity.peer_service({"peer_uri": [uri], "ssl_tls_version": [b"TLSv1.2"]}) is None
    assert identity.peer_service({"ssl_tls_version": [b"TLSv1.3"]}) is None
    assert identity.peer_service({}) is None
