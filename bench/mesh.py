"""A mesh of its own for the benchmarks, and processes beside it."""

from __future__ import annotations

import json
import os
import random
import select
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from bench.load import ROOT, Target, on_core

ORG = "demo"
_READY = 60.0
_GENEROUS = {"principal": "100000000/minute", "organisation": "100000000/minute", "address": "100000000/minute"}
# The ratelimit service is asked as always, but never says no.
_LIMITS = dict.fromkeys(("READ", "WRITE", "CRYPTO", "AUTHENTICATION", "EXPENSIVE"), _GENEROUS)


@dataclass(frozen=True)
class Mesh:
    """A mesh's home and base port. It is as a user would start it, but for limits on how often a caller may call."""

    home: Path
    base_port: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "TRUSTMESH_HOME": str(self.home),
            "TRUSTMESH_BASE_PORT": str(self.base_port),
            "TRUSTMESH_RATELIMIT__CLASSES": json.dumps(_LIMITS),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'services'}:{ROOT / 'gen' / 'python'}",
        }

    def run(self, *arguments: str, check: bool = True) -> str:
        """Run the CLI on this mesh; its standard output."""
        ended = subprocess.run(
            [sys.executable, "-m", "trustmesh_cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        if check and ended.returncode:
            raise RuntimeError(f"trustmesh {' '.join(arguments)}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    @cached_property
    def demo(self) -> dict[str, Any]:
        demo: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return demo

    @property
    def roots(self) -> Path:
        return Path(self.demo["ca_file"])

    def identity(self, service: str) -> Path:
        """The directory of the service's certificate, key and roots."""
        return self.home / "services" / service / "identity" / "current"

    def http(self) -> httpx.Client:
        context = ssl.create_default_context(cadata=self.roots.read_text())
        return httpx.Client(base_url=self.demo["gateway"], verify=context, timeout=20)

    def token(self) -> str:
        """An access token of the client that may do everything in the demo organisation."""
        client = self.demo["clients"][0]
        with self.http() as http:
            answer = http.post(
                "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client["client_id"], client["client_secret"])
            )
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def make_key(self, key_id: str) -> str:
        """A new AES_256_GCM key; its name."""
        with self.http() as http:
            answer = http.post(
                f"/service/v1/orgs/{ORG}/keys",
                params={"key_id": key_id},
                json={"purpose": "KEY_PURPOSE_ENCRYPT_DECRYPT", "algorithm": "KEY_ALGORITHM_AES_256_GCM"},
                headers={"authorization": f"Bearer {self.token()}"},
            )
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        name: str = answer.json()["name"]
        return name

    def direct(self, port: int, token: str) -> Target:
        """Straight to a kms at `port`, as the gateway calls it."""
        return Target(port, "kms.trustmesh.local", self.roots, self.identity("gateway"), token)

    def through_gateway(self, token: str) -> Target:
        return Target(self.base_port + 443, "localhost", self.roots, None, token)

    def status(self) -> dict[str, Any]:
        """What the supervisor says of the mesh and its services."""
        status: dict[str, Any] = json.loads(self.run("status", "-o", "json"))
        return status


@contextmanager
def running_mesh(home: Path) -> Iterator[Mesh]:
    """A mesh on `home`, ready; stopped at the end."""
    mesh = Mesh(home, free_base_port())
    try:
        mesh.run("up", "--detach", "--timeout", "100")
        yield mesh
    finally:
        mesh.run("down", check=False)


@dataclass(frozen=True)
class Beside:
    """A process that was started beside the mesh."""

    pid: int

    def cpu_seconds(self) -> float:
        """Time on a processor so far, all threads, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def beside(
    mesh: Mesh, command: Sequence[str], *, core: int | None, environment: Mapping[str, str] | None = None
) -> Iterator[Beside]:
    """A Python process on `core` that has said it is ready; ended by SIGTERM."""
    read, write = os.pipe()
    process = subprocess.Popen(
        on_core(core, [sys.executable, *command]),
        env={**mesh.environment, **(environment or {}), "TRUSTMESH_NOTIFY_FD": str(write)},
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        _await_ready(read, command)
        yield Beside(process.pid)
    finally:
        os.close(read)
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(pipe: int, command: Sequence[str]) -> None:
    deadline, said = time.monotonic() + _READY, b""
    while b"READY=1" not in said:
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(pipe, 4096) if readable else b""
        if not chunk:
            raise RuntimeError(f"{' '.join(command)} did not become ready")
        said += chunk


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_base_port() -> int:
    """A base port under which nothing listens where a mesh would."""
    bases = list(range(21_000, 29_000, 1_000))
    random.shuffle(bases)
    offsets = [offset + plus for offset in (80, 180, 380, 381, 442, 443, 480, 681, 980) for plus in (0, 1000, 2000)]
    for base in bases:
        if all(_is_free(base + offset) for offset in offsets):
            return base
    raise RuntimeError("no room for a mesh on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
