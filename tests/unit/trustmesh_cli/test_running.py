"""How the start of a session ends that does not end well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from trustmesh_cli.diagnosis import demo
from trustmesh_cli.home import Home
from trustmesh_cli.problem import Problem
from trustmesh_cli.running import Environments, Session, explain, run_session
from trustmesh_cli.supervisor.background import Starter
from trustmesh_cli.supervisor.child import identify_child
from trustmesh_cli.supervisor.lock import is_held
from trustmesh_cli.supervisor.program import Program
from trustmesh_cli.supervisor.unit import Patience


def breaking() -> AbstractContextManager[Environments]:
    raise RuntimeError("no luck")


async def well(program: Program) -> str:
    return ""


SESSION = Session([], breaking, well, lambda: "", {}, Patience())


def test_the_starter_is_told_what_nobody_foresaw(tmp_path: Path) -> None:
    read, write = os.pipe()
    with pytest.raises(RuntimeError):
        run_session(Home(tmp_path), SESSION, Starter(write))
    with os.fdopen(read) as told, pytest.raises(Problem, match="RuntimeError: no luck"):
        explain(json.load(told), Home(tmp_path))
    assert not is_held(tmp_path / "supervisor.lock")


def test_a_supervisor_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="ended without a word"):
        explain(None, Home(tmp_path))


def test_demo_accounts_that_are_missing(tmp_path: Path) -> None:
    assert demo(Home(tmp_path)).state == "wrong"


def test_a_child_that_died_at_once_started_at_no_time() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert identify_child(ended.pid).started == -1
