"""Makes an installation and keeps it whole; every step may be repeated."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

from trustmesh_cli import foundation
from trustmesh_cli.home import DemoClient, Home, Mesh, write_private
from trustmesh_cli.layout import GATEWAY_HTTPS, GATEWAY_PLAIN, NAMES
from trustmesh_cli.problem import Exit, Problem

ORG = "demo"
PLATFORM = "platform"
SECRET_BYTES = 32

_SETTINGS = """\
# Settings of this installation, validated when a service starts. `mesh` is for every service, `services.<name>` for one; the
# environment goes before this file: TRUSTMESH_<KEY> and TRUSTMESH_<NAME>__<KEY>. A secret is given as <key>_file, the path of a
# file that holds it.
mesh:
  base_port: {base_port}
  trust_domain: {trust_domain}
services: {{}}
# What `trustmesh up` was asked for last.
up:
  storage: sqlite
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A demo client: what it is for, what it may do, and in which organisations."""

    name: str
    purpose: str
    scope: str
    orgs: tuple[str, ...]

    @property
    def client_id(self) -> str:
        return f"{self.orgs[0]}.{self.name}"


ACCOUNTS = (
    Account("demo", "May do everything in the demo organisation", "*", (ORG,)),
    Account("viewer", "May look at keys and pets", "kms.keys.get kms.keys.list petstore.pets.get petstore.pets.list", (ORG,)),
    Account("operator", "May do everything with the mesh itself", "*", (PLATFORM,)),
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What trustmesh.yaml remembers of `up`'s options; `storage` is sqlite or postgres."""

    storage: str


def remember(home: Home, base_port: int | None, postgres: bool | None) -> Choices:
    """Write trustmesh.yaml, or change it where an option was given; what it says then. Comments in it stay."""
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not home.settings_file.exists():
        mesh = home.mesh()
        home.settings_file.write_text(_SETTINGS.format(base_port=mesh.base_port, trust_domain=mesh.trust_domain))
    if base_port is not None:
        _change(home, "mesh", "base_port", str(base_port))
        os.environ.pop("TRUSTMESH_BASE_PORT", None)  # the option goes before it, for the services too
    if postgres is not None:
        _change(home, "up", "storage", "postgres" if postgres else "sqlite")
    storage = (home.document().get("up") or {}).get("storage", "sqlite")
    if storage not in ("sqlite", "postgres"):
        raise Problem(f"up.storage is {storage!r} in {home.settings_file}", "write sqlite or postgres", Exit.DAMAGED)
    return Choices(storage)


def _change(home: Home, section: str, key: str, value: str) -> None:
    """Set `section.key` in trustmesh.yaml without touching the rest of its text."""
    document = home.document()
    if str((document.get(section) or {}).get(key)).lower() == value:
        return
    text = home.settings_file.read_text()
    changed, count = re.subn(rf"(?m)^(\s+{key}:[ \t]*)[^\s#]+", rf"\g<1>{value}", text, count=1)
    if not count:
        changed, count = re.subn(rf"(?m)^({section}:)[ \t]*$", rf"\g<1>\n  {key}: {value}", text, count=1)
    if not count:
        changed = f"{text.rstrip()}\n{section}:\n  {key}: {value}\n"
    home.settings_file.write_text(changed)


def renew_trust(home: Home, mesh: Mesh, storage: str) -> None:
    """A new join token for a service whose certificate ended while it slept, and an intermediate before the last one ends."""
    now = datetime.now(UTC)
    foundation.lay(home, mesh, foundation.lapsed(home, mesh, NAMES, now), storage, lambda: now)


def ensure(home: Home, mesh: Mesh, storage: str) -> None:
    """Make what is missing: trust roots, join tokens, demo accounts. `storage` is where authz keeps its clients."""
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    foundation.lay(home, mesh, NAMES, storage, lambda: datetime.now(UTC))
    clients = _write_demo(home, mesh)
    foundation.seed(home, [(account, clients[account.name]) for account in ACCOUNTS], storage)


def _write_demo(home: Home, mesh: Mesh) -> dict[str, DemoClient]:
    """demo.json with the secrets that it has already, and new ones for accounts that it lacks."""
    known = {client.name: client.client_secret for client in home.demo().clients} if home.demo_file.exists() else {}
    clients = {
        account.name: DemoClient(
            account.name,
            account.client_id,
            known.get(account.name) or foundation.new_secret(secrets.token_bytes(SECRET_BYTES)),
            account.scope,
        )
        for account in ACCOUNTS
    }
    demo = {
        "gateway": f"https://localhost:{mesh.port(GATEWAY_HTTPS)}",
        "ca_file": str(home.roots),
        "org": ORG,
        "clients": [
            {"name": each.name, "client_id": each.client_id, "client_secret": each.client_secret, "scope": each.scope}
            for each in clients.values()
        ],
        "users": [],
    }
    text = json.dumps(demo, indent=2) + "\n"
    if not home.demo_file.exists() or home.demo_file.read_text() != text:
        write_private(home.demo_file, text)
    return clients


def ensure_in_child(home: Home, mesh: Mesh, storage: str) -> None:
    """`ensure` in a child process, so that this one stays fit to fork: without threads, without open databases."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with os.fdopen(write, "w") as report:
            try:
                ensure(home, mesh, storage)
                report.write("done")
            except Problem as problem:
                report.write(json.dumps([problem.sentence, problem.mend, problem.code]))
            except BaseException as error:
                traceback.print_exc()
                report.write(json.dumps([f"the installation cannot be made ({type(error).__name__}: {error})", "", Exit.DAMAGED]))
            report.flush()
            sys.stderr.flush()
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as report:
        answer = report.read()
    os.waitpid(child, 0)
    if answer != "done":
        sentence, mend, code = json.loads(answer) if answer else ("the installation cannot be made", "", Exit.DAMAGED)
        raise Problem(sentence, mend, Exit(code))


def welcome(home: Home, mesh: Mesh) -> str:
    """The closing table of `up`: addresses, accounts, and what to try."""
    gateway = f"https://localhost:{mesh.port(GATEWAY_HTTPS)}"
    accounts = "\n".join(f"  {client.name:<10} {client.scope}" for client in home.demo().clients)
    command = _command(home)
    return dedent("""\

        The mesh is ready.

          gateway    {gateway}   (gRPC, gRPC-Web and REST; CA: {roots})
          plain      http://localhost:{plain}
          logs       {logs}

        Demo clients (ids and secrets in {demo}):
        {accounts}

        Keys unseal by themselves from a file in the home: for development only.

        Try:
          {command} demo
          {command} status
          {command} mesh status
          eval "$({command} env)"
          curl --cacert "$TRUSTMESH_CA" -H "Authorization: Bearer $TRUSTMESH_TOKEN" {gateway}/service/v1/orgs/{org}/keys
        """).format(
        gateway=gateway,
        roots=home.roots,
        plain=mesh.port(GATEWAY_PLAIN),
        logs=home.logs,
        demo=home.demo_file,
        accounts=accounts,
        command=command,
        org=ORG,
    )


def _command(home: Home) -> str:
    """How this command is called from here, for this home."""
    beside = Path(sys.executable).with_name("trustmesh")
    name = "trustmesh" if shutil.which("trustmesh") or not beside.exists() else os.path.relpath(beside)
    return name if home.path == Path(".trustmesh").absolute() else f"{name} --home {home.path}"
