"""Stubs for other services: `xds:///` channels that carry the call's deadline, token and trace along.

Where a service is, whether it is retried, how many calls it may get and who it must prove to be: all of that is xDS data
that the registry computes from the contract, so there is nothing to configure here.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio

from trustmesh_chassis.call import current

Stub = TypeVar("Stub")


def write_bootstrap(file: Path, node: str, service: str, registry: str, identity: Path, poll: float) -> None:
    """Write the xDS bootstrap (gRFC A27, A65) of this process: the registry's address and where the identity's PEM files are.

    `identity` is the directory of tls.crt, tls.key and roots.pem; `poll` how often they are read again, in seconds.
    """
    pem = {
        "certificate_file": str(identity / "tls.crt"),
        "private_key_file": str(identity / "tls.key"),
        "ca_certificate_file": str(identity / "roots.pem"),
        "refresh_interval": f"{poll}s",
    }
    bootstrap = {
        "xds_servers": [
            {
                "server_uri": f"dns:///{registry}",
                "channel_creds": [{"type": "tls", "config": pem}],
                "server_features": ["xds_v3"],
            }
        ],
        "node": {"id": node, "cluster": service},
        "certificate_providers": {"default": {"plugin_name": "file_watcher", "config": pem}},
    }
    file.write_text(json.dumps(bootstrap, indent=2))
    os.environ["GRPC_XDS_BOOTSTRAP"] = str(file)


class Clients:
    """Channels of this process, one for each service, made at first use."""

    def __init__(self, fallback: grpc.ChannelCredentials) -> None:
        """`fallback` is used where xDS says nothing of TLS; it must not be plaintext."""
        self._credentials = grpc.xds_channel_credentials(fallback)
        self._channels: dict[str, grpc.aio.Channel] = {}

    def stub(self, stub: Callable[[grpc.aio.Channel], Stub], service: str) -> Stub:
        """A stub of `service`, for example `clients.stub(KeyServiceStub, "kms")`."""
        if service not in self._channels:
            self._channels[service] = grpc.aio.secure_channel(
                f"xds:///{service}", self._credentials, interceptors=[PropagateUnary(), PropagateStream()]
            )
        return stub(self._channels[service])

    async def close(self) -> None:
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))


class PropagateUnary(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends the current call's deadline, token, request id and trace with a unary call."""

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(_propagated(client_call_details), request)


class PropagateStream(grpc.aio.UnaryStreamClientInterceptor):
    """The same for a call with a stream of responses."""

    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(_propagated(client_call_details), request)


def _propagated(details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
    call = current.get()
    if call is None:
        return details
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    metadata.add("x-request-id", call.request_id)
    if call.traceparent is not None:
        metadata.add("traceparent", call.traceparent)
    if call.unverified_authorization is not None and call.principal is not None:
        metadata.add("authorization", call.unverified_authorization)
    timeout = details.timeout
    if call.deadline is not None:
        remaining = max(0.0, call.deadline - asyncio.get_running_loop().time())
        timeout = remaining if timeout is None else min(timeout, remaining)
    return grpc.aio.ClientCallDetails(
        method=details.method,
        timeout=timeout,
        metadata=metadata,
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
    )
