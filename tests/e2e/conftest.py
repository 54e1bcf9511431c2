"""One real mesh for all end-to-end tests: every service, Envoy in front, started as a person would start it."""

from __future__ import annotations

import json
import os
import random
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pb2

from trustmesh_contract.contract import Contract, read_contract

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the mesh's tests on one worker, so that one mesh serves them all; those that break theirs have their own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("faults" if item.path.name == "test_faults.py" else "mesh"))


@dataclass(frozen=True)
class Mesh:
    """A running mesh as its user sees it: a home and what `demo.json` says."""

    home: Path
    base_port: int
    page_port: int
    """Where a page may be served that the gateway's CORS admits."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings beyond the defaults, as environment variables."""

    @cached_property
    def demo(self) -> dict[str, Any]:
        demo: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return demo

    @property
    def gateway(self) -> str:
        url: str = self.demo["gateway"]
        return url

    @property
    def roots(self) -> bytes:
        return Path(self.demo["ca_file"]).read_bytes()

    def run(self, *arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the CLI on this mesh."""
        return subprocess.run(
            [sys.executable, "-m", "trustmesh_cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "TRUSTMESH_HOME": str(self.home),
            "TRUSTMESH_BASE_PORT": str(self.base_port),
            "TRUSTMESH_REGISTRY__GATEWAY_CORS_ORIGINS": f"['http://localhost:{self.page_port}']",
            **self.settings,
        }

    def client(self, name: str) -> dict[str, str]:
        """One of the demo's clients, by name."""
        return next(client for client in self.demo["clients"] if client["name"] == name)

    @property
    def first(self) -> str:
        """Name of the client that may do everything in the demo organisation."""
        name: str = self.demo["clients"][0]["name"]
        return name

    def token_of(self, client_id: str, client_secret: str) -> str:
        """An access token by the client credentials grant."""
        answer = self.http().post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, client_secret))
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def token(self, name: str) -> str:
        client = self.client(name)
        return self.token_of(client["client_id"], client["client_secret"])

    def http(self, token: str | None = None) -> httpx.Client:
        """An HTTPS client of the gateway."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        context = ssl.create_default_context(cadata=self.roots.decode())
        return httpx.Client(base_url=self.gateway, verify=context, headers=headers, timeout=20)

    def channel(self, token: str | None = None) -> grpc.Channel:
        """A gRPC channel to the gateway that sends the token with every call."""
        credentials = grpc.ssl_channel_credentials(self.roots)
        if token is not None:
            credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))
        return grpc.secure_channel(self.gateway.removeprefix("https://"), credentials)

    def inside(self, service: str, port: int) -> grpc.Channel:
        """A channel straight to a service's port, with the certificate of `service`: a call from inside the mesh."""
        identity = self.home / "services" / service / "identity" / "current"
        credentials = grpc.ssl_channel_credentials(
            self.roots, (identity / "tls.key").read_bytes(), (identity / "tls.crt").read_bytes()
        )
        name = NAMES[port - self.base_port]
        target = ("grpc.ssl_target_name_override", f"{name}.trustmesh.local")
        return grpc.secure_channel(f"127.0.0.1:{port}", credentials, options=[target])


NAMES = {80: "kms", 180: "authz", 380: "pki", 480: "registry", 681: "ratelimit", 980: "petstore"}
OFFSETS = (80, 81, 180, 380, 381, 442, 443, 480, 681, 980, 1080, 1180, 1380, 1442, 1480, 1681, 1980, 2180, 3000)


def free_base_port() -> int:
    """A base port under which nothing listens on any port of a mesh, and which no other worker of this run chooses.

    Ten meshes fit into each range, as no two ports of a mesh differ by a multiple of ten below a hundred; all are below the ports
    that outgoing connections take.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    bases = [start + step for start in (12_000, 16_000, 20_000, 24_000, 28_000) for step in range(0, 100, 10)][number::workers]
    random.shuffle(bases)
    for base in bases:
        if all(_free(base + offset) for offset in OFFSETS):
            return base
    raise AssertionError("no room for a mesh on this machine")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def started(home: Path, **settings: str) -> Iterator[Mesh]:
    """A mesh of its own, up and ready, with `settings` (environment variables) beyond the defaults."""
    running = Mesh(home, base := free_base_port(), base + 3000, settings)
    up = running.run("up", "--detach", check=False)
    try:
        if up.returncode:
            logs = "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted((home / "logs").glob("*")))
            pytest.fail(f"the mesh did not start:\n{up.stdout}\n{up.stderr}\n{logs}")
        yield running
    finally:
        running.run("down", check=False)


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """The mesh, up and ready."""
    with started(tmp_path_factory.mktemp("mesh") / "home") as running:
        yield running


@pytest.fixture(scope="session")
def start_mesh() -> Callable[..., AbstractContextManager[Mesh]]:
    """For tests that need a mesh of their own: `with start_mesh(home, TRUSTMESH_KEY="value") as mesh`."""
    return started


@pytest.fixture(scope="session")
def token(mesh: Mesh) -> str:
    """A token of the client that may do everything in the demo organisation."""
    return mesh.token(mesh.first)


@pytest.fixture(scope="session")
def descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The released artifact."""
    return descriptor_pb2.FileDescriptorSet.FromString((ROOT / "gen" / "descriptors" / "trustmesh.binpb").read_bytes())


@pytest.fixture(scope="session")
def contract(descriptors: descriptor_pb2.FileDescriptorSet) -> Contract:
    return read_contract(descriptors)


@pytest.fixture
def rest(mesh: Mesh, token: str) -> Iterator[Callable[..., Any]]:
    """Call REST as the first client: `rest("POST", "/service/v1/...", {...})` gives the JSON answer of a success."""
    with mesh.http(token) as client:

        def call(verb: str, path: str, body: Any = None) -> Any:
            answer = client.request(verb, path, json=body)
            assert answer.status_code == 200, f"{verb} {path}: {answer.status_code} {answer.text}"
            return answer.json()

        yield call
