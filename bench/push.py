"""(e) From the registration of an instance to the first call that it answers, at Envoy and at an `xds:///` client."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from bench import bare_server
from bench.figures import Figure
from bench.mesh import Mesh, free_port
from trustmesh.kms.v1 import crypto_service_pb2 as crypto
from trustmesh.kms.v1 import crypto_service_pb2_grpc, key_service_pb2, seal_service_pb2
from trustmesh.registry.v1 import registry_service_pb2 as registry
from trustmesh.registry.v1 import service_pb2
from trustmesh.registry.v1.registry_service_pb2_grpc import RegistryServiceStub
from trustmesh_chassis.clients import write_bootstrap
from trustmesh_chassis.transport.binding import closure

_PATIENCE = 20.0
_GONE = 40
_SERVICES = [
    key_service_pb2.DESCRIPTOR.services_by_name["KeyService"],
    crypto.DESCRIPTOR.services_by_name["CryptoService"],
    seal_service_pb2.DESCRIPTOR.services_by_name["SealService"],
]


def measure(mesh: Mesh, rounds: int) -> list[Figure]:
    """A second instance of kms comes and goes; its answers are told from the first's by the key version that they name."""
    key = mesh.make_key("pushed")
    token = mesh.token()
    seen = asyncio.run(_measure(mesh, key, token, rounds))
    return [
        Figure("e.envoy", "registration to the first call answered, at Envoy", "ms", tuple(seen["envoy"])),
        Figure("e.xds", "registration to the first call answered, at an xds:/// client", "ms", tuple(seen["xds"])),
    ]


async def _measure(mesh: Mesh, key: str, token: str, rounds: int) -> dict[str, list[float]]:
    channels = {"envoy": _gateway_channel(mesh), "xds": _xds_channel(mesh)}
    stubs = {name: crypto_service_pb2_grpc.CryptoServiceStub(channel) for name, channel in channels.items()}
    request, metadata = crypto.EncryptRequest(name=key, plaintext=b"pushed"), (("authorization", f"Bearer {token}"),)

    async def is_new(way: str) -> bool:
        answer = await stubs[way].Encrypt(request, metadata=metadata, timeout=10, wait_for_ready=True)
        return bool(answer.version == bare_server.VERSION)

    async def until_seen(way: str, since: float) -> float:
        async with asyncio.timeout(_PATIENCE):
            while not await is_new(way):
                pass
        return (time.perf_counter() - since) * 1e3

    async def until_gone(way: str) -> None:
        async with asyncio.timeout(_PATIENCE):
            answers = 0
            while answers < _GONE:
                answers = 0 if await is_new(way) else answers + 1

    seen: dict[str, list[float]] = {name: [] for name in stubs}
    registrar = _channel(mesh, mesh.base_port + 480, "registry", "kms")
    membership: Any = RegistryServiceStub(registrar)
    port = free_port()
    server = await bare_server.serve(port, mesh.identity("kms"))
    try:
        await asyncio.gather(*(is_new(way) for way in stubs))
        for number in range(rounds):
            name = f"bench-{number}"
            since = time.perf_counter()
            waits = [asyncio.create_task(until_seen(way, since)) for way in stubs]
            await membership.RegisterInstance(_registration(name, port), timeout=10)
            for way, taken in zip(stubs, await asyncio.gather(*waits), strict=True):
                seen[way].append(taken)
            gone = registry.DeregisterInstanceRequest(name=f"services/kms/instances/{name}")
            await membership.DeregisterInstance(gone, timeout=10)
            await asyncio.gather(*(until_gone(way) for way in stubs))
    finally:
        await asyncio.gather(*(channel.close() for channel in (*channels.values(), registrar)))
        await server.stop(0)
    return seen


def _registration(name: str, port: int) -> registry.RegisterInstanceRequest:
    return registry.RegisterInstanceRequest(
        parent="services/kms",
        instance_id=name,
        instance=service_pb2.Instance(address="127.0.0.1", port=port),
        descriptors=closure([each.file for each in _SERVICES]).SerializeToString(),
        grpc_services=[each.full_name for each in _SERVICES],
    )


def _gateway_channel(mesh: Mesh) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(f"localhost:{mesh.base_port + 443}", grpc.ssl_channel_credentials(mesh.roots.read_bytes()))


def _xds_channel(mesh: Mesh) -> grpc.aio.Channel:
    identity = mesh.identity("gateway")
    write_bootstrap(mesh.home / "bench-bootstrap.json", "bench", "gateway", f"localhost:{mesh.base_port + 480}", identity, 1.0)
    return grpc.aio.secure_channel("xds:///kms", grpc.xds_channel_credentials(_credentials(identity)))


def _channel(mesh: Mesh, port: int, service: str, caller: str) -> grpc.aio.Channel:
    name = ("grpc.ssl_target_name_override", f"{service}.trustmesh.local")
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", _credentials(mesh.identity(caller)), options=[name])


def _credentials(identity: Path) -> grpc.ChannelCredentials:
    pem = ((identity / file).read_bytes() for file in ("roots.pem", "tls.key", "tls.crt"))
    return grpc.ssl_channel_credentials(*pem)
