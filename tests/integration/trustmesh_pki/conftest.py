"""pki as a process of its own, on a home of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from trustmesh_chassis.identity import PkiIssuer, SpiffeId
from trustmesh_chassis.service import utc_now
from trustmesh_pki import offline
from trustmesh_pki.testing import TRUST_DOMAIN

SERVE = """
import sys
from pathlib import Path
from trustmesh_chassis.process import run
from trustmesh_pki.app import SERVICE
sys.exit(run(SERVICE, Path(sys.argv[1])))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Mesh:
    """A home, and the process that serves pki on it."""

    home: Path
    settings: dict[str, float] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    join_port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def enrol(self, *services: str) -> None:
        offline.initialize_trust(self.home, TRUST_DOMAIN, services, utc_now)

    def start(self) -> None:
        addresses = {"pki_address": f"localhost:{self.port}", "join_address": f"localhost:{self.join_port}"}
        own = {"port": self.port, "admin_port": self.admin_port, "drain_delay": 0.0, **self.settings}
        (self.home / "trustmesh.yaml").write_text(yaml.safe_dump({"mesh": addresses, "services": {"pki": own}}))
        environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "GRPC_VERBOSITY": "NONE"}
        with (self.home / "pki.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.home)], stderr=log, stdout=log, env=environment
            )

    def end(self, by: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(by)
        return self.process.wait(20)

    def issuer(self, service: str) -> PkiIssuer:
        return PkiIssuer(
            SpiffeId(TRUST_DOMAIN, service),
            f"localhost:{self.port}",
            f"localhost:{self.join_port}",
            join_token=self.home / "services" / service / "join-token",
            pinned_roots=self.home / "trust" / "roots.pem",
        )


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Mesh]:
    """A mesh whose pki is not started yet."""
    mesh = Mesh(tmp_path)
    yield mesh
    if mesh.process is not None and mesh.process.poll() is None:
        mesh.end(signal.SIGKILL)
