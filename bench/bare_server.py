"""The peer of the policed call: a plain grpc.aio server over the same mTLS that parses the same request, does the same AES-GCM
and serialises the same answer. No policy, no token, no validation, no audit, no spans.

`python -m bench.bare_server PORT IDENTITY_DIRECTORY`
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from grpc_health.v1 import health, health_pb2_grpc

from trustmesh.kms.v1 import crypto_service_pb2 as pb
from trustmesh.kms.v1 import crypto_service_pb2_grpc as rpc

VERSION = "orgs/bench/keys/bare/versions/1"


class Bare(rpc.CryptoServiceServicer):
    """Encrypts with a key of its own."""

    def __init__(self) -> None:
        self._aead = AESGCM(os.urandom(32))

    async def Encrypt(self, request: pb.EncryptRequest, context: Any) -> pb.EncryptResponse:
        nonce = os.urandom(12)
        sealed = self._aead.encrypt(nonce, request.plaintext, request.additional_authenticated_data)
        return pb.EncryptResponse(version=VERSION, ciphertext=nonce + sealed)


async def serve(port: int, identity: Path) -> grpc.aio.Server:
    """A started server with the certificate in `identity`; it demands one of the same roots from its clients."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    rpc.add_CryptoServiceServicer_to_server(Bare(), server)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    pair = ((identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes())
    roots = (identity / "roots.pem").read_bytes()
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair], roots, require_client_auth=True))
    await server.start()
    return server


async def main(port: int, identity: Path) -> None:
    server = await serve(port, identity)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    os.write(int(os.environ["TRUSTMESH_NOTIFY_FD"]), b"READY=1\n")
    await stop.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
