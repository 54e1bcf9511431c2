"""What a person sees when an installation is broken: one sentence, the right code, nothing left running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trustmesh_cli.layout import SERVICES
from trustmesh_cli.supervisor.lock import is_held
from trustmesh_cli.supervisor.processes import is_taken

Trustmesh = Callable[..., subprocess.CompletedProcess[str]]


def free_base_port() -> int:
    offsets = [offset for service in SERVICES for offset in service.offsets]
    for base in range(10_000, 50_000, 5_000):
        if not any(is_taken(base + offset) for offset in offsets):
            return base
    raise AssertionError("no room for a mesh on this machine")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def trustmesh(home: Path) -> Iterator[Trustmesh]:
    """Runs the command on a new installation with ports of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "trustmesh_cli", "--home", str(home), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    assert run("init", "--base-port", str(free_base_port())).returncode == 0
    yield run
    run("down")


def refused(trustmesh: Trustmesh, home: Path, code: int) -> str:
    """What `up` says when it refuses."""
    answer = trustmesh("up", "--detach")
    assert answer.returncode == code, answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not is_held(home / "supervisor.lock")
    return answer.stderr


def test_a_damaged_database(trustmesh: Trustmesh, home: Path) -> None:
    database = home / "services" / "petstore" / "data.db"
    database.parent.mkdir(exist_ok=True)
    database.write_bytes(os.urandom(20_000))
    said = refused(trustmesh, home, 4)
    assert f"The database {database} is damaged" in said
    checked = trustmesh("check")
    assert checked.returncode == 4
    assert f"bring {database} back from a backup" in checked.stdout


def test_an_unknown_setting(trustmesh: Trustmesh, home: Path) -> None:
    file = home / "trustmesh.yaml"
    file.write_text(file.read_text().replace("services: {}", "services:\n  kms:\n    log_levle: debug"))
    assert "services.kms.log_levle: unknown setting; did you mean log_level?" in refused(trustmesh, home, 6)
    assert "did you mean log_level?" in trustmesh("check").stdout


def test_settings_that_are_no_yaml(trustmesh: Trustmesh, home: Path) -> None:
    (home / "trustmesh.yaml").write_text("mesh: [")
    assert "is not valid YAML" in refused(trustmesh, home, 6)
    assert trustmesh("check").returncode == 4


def test_demo_accounts_that_cannot_be_read(trustmesh: Trustmesh, home: Path) -> None:
    (home / "demo.json").write_text("{")
    assert "remove it and run `trustmesh init`" in refused(trustmesh, home, 6)
    (home / "demo.json").unlink()
    assert trustmesh("init").returncode == 0
    assert trustmesh("check").returncode == 0


def test_a_root_key_of_another_root(trustmesh: Trustmesh, home: Path) -> None:
    (home / "offline" / "root.key").write_text("not a key")
    assert "the offline root" in refused(trustmesh, home, 6)


def test_roots_that_are_no_certificates(trustmesh: Trustmesh, home: Path) -> None:
    (home / "trust" / "roots.pem").write_text("not a certificate")
    checked = trustmesh("check")
    assert checked.returncode == 4
    assert "roots.pem cannot be used" in checked.stdout


def test_a_taken_port(trustmesh: Trustmesh, home: Path) -> None:
    base = int((home / "trustmesh.yaml").read_text().partition("base_port: ")[2].split()[0])
    with socket.create_server(("127.0.0.1", base + 443)):
        said = refused(trustmesh, home, 5)
        assert f"port {base + 443} of gateway is taken by" in said
        assert f"(process {os.getpid()})" in said
        assert f"port {base + 443} of gateway is taken" in trustmesh("check").stdout


def test_a_gateway_of_another_mesh(trustmesh: Trustmesh, home: Path) -> None:
    answer = trustmesh("token")
    assert answer.returncode == 3
    assert "cannot be reached" in answer.stderr


def test_postgres(trustmesh: Trustmesh, home: Path) -> None:
    """The whole mesh on PostgreSQL, and back on SQLite: each has the demo accounts."""
    for storage in ("--postgres", "--sqlite"):
        up = trustmesh("up", "--detach", storage)
        assert up.returncode == 0, up.stderr
        walk = trustmesh("demo")
        assert walk.returncode == 0, walk.stdout
        assert trustmesh("down").returncode == 0
        assert not is_held(home / "supervisor.lock")
