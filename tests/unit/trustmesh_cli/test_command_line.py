"""The command line itself: help at once, exit codes, one sentence for every problem."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from trustmesh_cli.commands.status import _span
from trustmesh_cli.main import _COMMANDS, cli, guarded, main, run
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.supervisor.control import short
from trustmesh_cli.supervisor.lock import Lock

SOURCES = Path(__file__).parents[3]
HEAVY = {"grpc", "sqlalchemy", "pydantic", "cryptography", "google.protobuf", "rich", "asyncio", "trustmesh_chassis"}


@pytest.mark.parametrize(
    "words", [[], *([name] for name in _COMMANDS), ["mesh", "status"], ["mesh", "config"], ["gateway", "render"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from trustmesh_cli.main import run; assert run({[*words, '--help']}) == 0; print('|'.join(sys.modules))"
    path = {"PYTHONPATH": f"{SOURCES / 'services'}:{SOURCES / 'gen/python'}"}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=path)
    assert not HEAVY & set(answer.stdout.splitlines()[-1].split("|"))


def test_every_command_has_the_summary_of_the_list() -> None:
    context = click.Context(cli)
    for name, summary in _COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200) == summary


def test_help_documents_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n    {code.value}  " in text for code in Exit if code is not Exit.INTERRUPTED)


@pytest.mark.parametrize("words", [["fly"], ["status", "--fly"], ["status", "-o", "xml"], ["up", "--base-port", "1"]])
def test_wrong_command_lines_are_usage_errors(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == Exit.USAGE
    assert capsys.readouterr().err.startswith("error: ")


def test_a_problem_is_one_sentence_with_its_mend(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise Problem("the sky is green", "look again", Exit.DAMAGED)

    assert guarded(fail) == Exit.DAMAGED
    assert capsys.readouterr().err == "error: the sky is green; look again\n"


def test_what_nobody_foresaw_is_a_sentence_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("boom")

    assert guarded(fail) == Exit.FAILURE
    assert "unexpected RuntimeError: boom" in capsys.readouterr().err
    monkeypatch.setenv("TRUSTMESH_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        guarded(fail)


def test_interruption_has_its_own_code() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert guarded(interrupted) == 130


@pytest.mark.parametrize(
    "words", [["status"], ["restart"], ["token"], ["env"], ["demo"], ["mesh", "status"], ["mesh", "config", "kms"]]
)
def test_without_a_mesh_there_is_a_code_and_a_mend(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(tmp_path), *words]) == Exit.NOT_RUNNING
    assert "trustmesh up" in capsys.readouterr().err


def test_down_of_nothing_is_no_mistake(tmp_path: Path) -> None:
    assert run(["--home", str(tmp_path), "down"]) == Exit.OK


def test_serve_of_an_unknown_service_names_the_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(tmp_path), "serve", "kmz"]) == Exit.USAGE
    assert "there is no service 'kmz'; choose one of authz, gateway, kms" in capsys.readouterr().err


def test_check_without_an_installation_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(tmp_path), "check", "-o", "json"]) == Exit.OK
    findings = {each["subject"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["installation"]["state"] == "warning"
    assert "trustmesh init" in findings["installation"]["mend"]


@pytest.fixture
def mute_home(tmp_path: Path) -> Iterator[Path]:
    """A home that a supervisor holds which does not answer."""
    lock = Lock.acquire(tmp_path / "supervisor.lock")
    yield tmp_path
    lock.release()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["status"], Exit.UNHEALTHY, "mesh starting"),
        (["down"], Exit.FAILURE, "try again in a moment"),
        (["restart"], Exit.FAILURE, "the supervisor does not answer on"),
        (["init", "--base-port", "9000"], Exit.CONFLICT, "its ports cannot move; stop it first"),
        (["up"], Exit.OK, "the mesh is running already (process "),
    ],
)
def test_a_supervisor_that_does_not_answer(
    mute_home: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--home", str(mute_home), *words]) == code
    assert said in "".join(capsys.readouterr())


def test_a_restart_that_is_cut_short_is_said(mute_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def hang_up() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)

    with socket.socket(socket.AF_UNIX) as listener:
        with short(mute_home / "supervisor.sock") as name:
            listener.bind(name)
        listener.listen()
        thread = threading.Thread(target=hang_up)
        thread.start()
        assert run(["--home", str(mute_home), "restart"]) == Exit.FAILURE
        thread.join()
    assert "the mesh stopped before all was replaced" in capsys.readouterr().err


def test_the_wait_for_a_mesh_ends(tmp_path: Path) -> None:
    assert run(["--home", str(tmp_path), "status", "--wait", "--timeout", "0.1"]) == Exit.NOT_RUNNING


def test_the_console_script_ends_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["trustmesh", "fly"])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == Exit.USAGE


def test_what_click_complains_of_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise click.FileError("settings", "no such file")

    assert guarded(fail) == Exit.FAILURE
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "shown"), [(None, None), (59.9, "59s"), (61, "1m01s"), (3_661, "1h01m")])
def test_spans_are_for_people(seconds: float | None, shown: str | None) -> None:
    assert _span(seconds) == shown
