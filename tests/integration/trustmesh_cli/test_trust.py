"""What the supervisor renews while a mesh runs."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trustmesh_cli import foundation, installation
from trustmesh_cli.home import Home, Mesh
from trustmesh_cli.supervisor.journal import Console
from trustmesh_cli.supervisor.supervise import Hooks, Places, Supervisor
from trustmesh_cli.supervisor.unit import Patience


def test_a_service_without_certificate_and_token_gets_a_token(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    mesh = Mesh()
    installation.ensure(home, mesh, "sqlite")
    token = home.service("kms") / "join-token"
    first = token.read_text()
    installation.renew_trust(home, mesh, "sqlite")
    assert token.read_text() == first
    token.unlink()
    installation.renew_trust(home, mesh, "sqlite")
    assert token.read_text() != first


async def test_upkeep_goes_on_after_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[int] = []

    def upkeep() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise OSError("disk full")

    output = io.StringIO()
    places = Places(tmp_path / "s.sock", tmp_path / "state.json", tmp_path / "logs")
    hooks = Hooks(lambda wrong: None, lambda program: None, upkeep)  # type: ignore[arg-type, return-value]  # no program to probe
    supervisor = Supervisor([], places, Console(output, []), hooks, Patience(upkeep=0.01), {})
    running = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(10):
        while len(calls) < 3:
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    assert "upkeep: disk full" in output.getvalue()


def test_lapsed_names_nobody_in_a_new_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    installation.ensure(home, Mesh(), "sqlite")
    assert foundation.lapsed(home, Mesh(), ["kms", "authz"], datetime.now(UTC)) == []
