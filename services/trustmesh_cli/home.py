"""The home: where an installation keeps its files, and what its trustmesh.yaml says about the whole mesh."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustmesh_cli.problem import Exit, Problem

DEFAULT_BASE_PORT = 8000
DEFAULT_TRUST_DOMAIN = "trustmesh.local"


@dataclass(frozen=True, slots=True)
class Mesh:
    """What trustmesh.yaml says about the mesh as a whole (its `mesh` section)."""

    base_port: int = DEFAULT_BASE_PORT
    trust_domain: str = DEFAULT_TRUST_DOMAIN

    def port(self, offset: int) -> int:
        return self.base_port + offset


@dataclass(frozen=True, slots=True)
class DemoClient:
    """One client of demo.json; `orgs` are the organisations that its tokens act in, as far as the file says."""

    name: str
    client_id: str
    client_secret: str
    scope: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What demo.json says: how to reach the gateway, and as whom."""

    gateway: str
    ca_file: Path
    org: str
    clients: tuple[DemoClient, ...]

    def client(self, name: str | None) -> DemoClient:
        """The client called `name`, the first one for None; raises Problem where there is none."""
        if name is None and self.clients:
            return self.clients[0]
        for client in self.clients:
            if client.name == name:
                return client
        known = ", ".join(client.name for client in self.clients)
        raise Problem(f"demo.json has no client {name!r}", f"choose one of {known}", Exit.USAGE)


@dataclass(frozen=True, slots=True)
class Home:
    """An installation's directory; every path in it has its name here."""

    path: Path

    @property
    def settings_file(self) -> Path:
        return self.path / "trustmesh.yaml"

    @property
    def demo_file(self) -> Path:
        return self.path / "demo.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "supervisor.lock"

    @property
    def state_file(self) -> Path:
        return self.path / "supervisor.json"

    @property
    def control_socket(self) -> Path:
        return self.path / "supervisor.sock"

    @property
    def offline(self) -> Path:
        return self.path / "offline"

    @property
    def roots(self) -> Path:
        return self.path / "trust" / "roots.pem"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    def service(self, name: str) -> Path:
        return self.path / "services" / name

    @property
    def is_initialised(self) -> bool:
        return self.settings_file.exists() and self.roots.exists() and self.demo_file.exists()

    def require(self) -> None:
        """Raises Problem unless the installation was made."""
        if not self.is_initialised:
            raise Problem(
                f"{self.path} holds no installation", "make one with `trustmesh init` or `trustmesh up`", Exit.NOT_RUNNING
            )

    def document(self) -> dict[str, Any]:
        """trustmesh.yaml as it is; raises Problem where it is not valid YAML of the right shape."""
        import yaml

        if not self.settings_file.exists():
            return {}
        try:
            document = yaml.safe_load(self.settings_file.read_text()) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            where = getattr(error, "problem_mark", None)
            line = f" at line {where.line + 1}" if where else ""
            raise Problem(f"{self.settings_file} is not valid YAML{line}", "correct the file", Exit.DAMAGED) from None
        if not isinstance(document, dict) or not all(isinstance(document.get(key) or {}, dict) for key in ("mesh", "services")):
            raise Problem(f"{self.settings_file} must hold the sections 'mesh' and 'services'", "correct the file", Exit.DAMAGED)
        return document

    def mesh(self) -> Mesh:
        """The `mesh` section, with `TRUSTMESH_BASE_PORT` and `TRUSTMESH_TRUST_DOMAIN` over it as for the services themselves."""
        section = self.document().get("mesh") or {}
        port = os.environ.get("TRUSTMESH_BASE_PORT") or section.get("base_port", DEFAULT_BASE_PORT)
        domain = os.environ.get("TRUSTMESH_TRUST_DOMAIN") or section.get("trust_domain", DEFAULT_TRUST_DOMAIN)
        try:
            return Mesh(int(port), str(domain))
        except ValueError:
            raise Problem(f"mesh.base_port is {port!r}", f"give a port number in {self.settings_file}", Exit.DAMAGED) from None

    def demo(self) -> Demo:
        """demo.json; raises Problem where it is missing or not of its shape."""
        self.require()
        try:
            value = json.loads(self.demo_file.read_text())
            clients = tuple(
                DemoClient(each["name"], each["client_id"], each["client_secret"], each["scope"]) for each in value["clients"]
            )
            return Demo(value["gateway"], Path(value["ca_file"]), value["org"], clients)
        except (ValueError, KeyError, TypeError, OSError) as error:
            mend = "remove it and run `trustmesh init`, which writes it again"
            raise Problem(f"{self.demo_file} cannot be used ({type(error).__name__}: {error})", mend, Exit.DAMAGED) from None


def write_private(file: Path, content: str | bytes) -> None:
    """Replace `file` at once with `content`, readable by its owner alone."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(descriptor)
    fresh.rename(file)
