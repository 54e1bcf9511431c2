"""The supervisor with real processes: tiny programs that listen, die, sulk and drain."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trustmesh_cli.diagnosis import running
from trustmesh_cli.home import Home
from trustmesh_cli.main import run as trustmesh
from trustmesh_cli.supervisor import control
from trustmesh_cli.supervisor.lock import is_held, named_holder

FAKES = Path(__file__).parent / "fakes" / "mesh.py"
SOURCES = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(check: Callable[[], object], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def answer(port: int) -> int:
    """The pid of who answers on `port`, 0 for nobody."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return int(connection.recv(20) or b"0")
    except OSError:
        return 0


class FakeMesh:
    """The programs of one home, by name, and their supervisor."""

    def __init__(self, home: Path, waves: dict[str, int]) -> None:
        self.home = home
        self.ports = {name: free_port() for name in waves}
        self.words = [f"{name}:{self.ports[name]}:{wave}" for name, wave in waves.items()]
        self.output = home / "output"

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            return subprocess.Popen([*self._command(), *self.words], stdout=output, stderr=output, env=self._environment())

    def start_detached(self) -> subprocess.CompletedProcess[str]:
        command = [*self._command(), "--detach", *self.words]
        return subprocess.run(command, capture_output=True, text=True, env=self._environment(), timeout=60)

    def _command(self) -> list[str]:
        return [sys.executable, str(FAKES), str(self.home)]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": f"{SOURCES / 'services'}:{SOURCES / 'gen/python'}"}

    def pid(self, name: str) -> int:
        return answer(self.ports[name])

    def report(self) -> dict[str, dict[str, object]]:
        answers = list(control.ask(self.home / "supervisor.sock", {"verb": "status"}))
        return {service["name"]: service for service in answers[-1]["services"]}

    def state(self, name: str) -> object:
        try:
            return self.report()[name]["state"]
        except control.Unreachable:
            return None

    def wait_ready(self) -> None:
        eventually(lambda: all(self.state(name) == "ready" for name in self.ports))

    def trustmesh(self, *arguments: str) -> int:
        return trustmesh(["--home", str(self.home), *arguments])

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start()
        try:
            self.wait_ready()
            yield process
        finally:
            process.kill()
            process.wait()
            eventually(lambda: not any(map(self.pid, self.ports)))


@pytest.fixture
def mesh(tmp_path: Path) -> FakeMesh:
    return FakeMesh(tmp_path, {"root": 1, "edge": 0})


def test_what_dies_is_started_again(mesh: FakeMesh) -> None:
    with mesh.running():
        before = mesh.pid("root")
        os.kill(before, signal.SIGKILL)
        eventually(lambda: mesh.pid("root") not in (0, before))
        mesh.wait_ready()
        assert mesh.report()["root"]["restarts"] == 1
        assert mesh.report()["edge"]["restarts"] == 0


def test_a_crash_loop_is_said_with_its_reason_and_ends_by_itself(mesh: FakeMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with mesh.running():
        (mesh.home / "root.crash").touch()
        os.kill(mesh.pid("root"), signal.SIGKILL)
        eventually(lambda: mesh.state("root") == "crash-looping")
        eventually(lambda: mesh.report()["root"]["detail"] == "exit code 1: root has no luck")
        assert mesh.trustmesh("status") == 4
        assert "degraded" in capsys.readouterr().out
        (mesh.home / "root.crash").unlink()
        mesh.wait_ready()


def test_drains_in_waves(mesh: FakeMesh) -> None:
    with mesh.running() as process:
        process.terminate()
        assert process.wait(30) == 0
        assert (mesh.home / "drained").read_text().split() == ["edge", "root"]
        assert not is_held(mesh.home / "supervisor.lock")
        assert not (mesh.home / "supervisor.sock").exists()


def test_down_drains_and_returns_when_all_has_ended(mesh: FakeMesh) -> None:
    with mesh.running() as process:
        assert mesh.trustmesh("down") == 0
        assert not is_held(mesh.home / "supervisor.lock")
        assert process.wait(5) == 0
        assert mesh.trustmesh("down") == 0


def test_who_does_not_drain_is_killed(mesh: FakeMesh) -> None:
    (mesh.home / "root.stubborn").touch()
    with mesh.running() as process:
        process.terminate()
        assert process.wait(30) == 0
        assert "did not drain in" in mesh.output.read_text()


def test_a_second_signal_kills(mesh: FakeMesh) -> None:
    (mesh.home / "edge.stubborn").touch()
    with mesh.running() as process:
        process.send_signal(signal.SIGINT)
        eventually(lambda: mesh.state("edge") == "draining")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_restart_replaces_without_a_gap(mesh: FakeMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with mesh.running():
        before = {name: mesh.pid(name) for name in mesh.ports}
        assert mesh.trustmesh("restart") == 0
        assert "root replaced in" in capsys.readouterr().out
        after = {name: mesh.pid(name) for name in mesh.ports}
        assert all(after[name] not in (0, before[name]) for name in mesh.ports)
        assert {service["restarts"] for service in mesh.report().values()} == {0}
        os.kill(after["root"], signal.SIGKILL)
        mesh.wait_ready()


def test_a_successor_that_fails_leaves_the_old_one(mesh: FakeMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with mesh.running():
        before = mesh.pid("root")
        (mesh.home / "root.crash").touch()
        assert mesh.trustmesh("restart", "root") == 1
        assert "root was not replaced (exit code 1: root has no luck); the process that ran goes on" in capsys.readouterr().err
        assert mesh.pid("root") == before
        assert mesh.state("root") == "ready"


def test_a_successor_that_never_gets_ready_is_ended(
    mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_READY", "2")
    with mesh.running():
        before = mesh.pid("root")
        (mesh.home / "root.mute").touch()
        assert mesh.trustmesh("restart", "root") == 1
        assert "root was not replaced" in capsys.readouterr().err
        eventually(lambda: mesh.pid("root") == before)


def test_check_says_what_the_supervisor_says(mesh: FakeMesh) -> None:
    with mesh.running():
        assert {(each.subject, each.state) for each in running(Home(mesh.home))} == {
            ("service root", "ok"),
            ("service edge", "ok"),
        }
        (mesh.home / "root.crash").touch()
        os.kill(mesh.pid("root"), signal.SIGKILL)
        eventually(lambda: mesh.state("root") == "crash-looping")
        root = next(each for each in running(Home(mesh.home)) if each.subject == "service root")
        assert root.state == "wrong"
        assert root.mend == f"see {mesh.home / 'logs' / 'root'}.log"


def test_restart_ends_the_wait_of_a_crash_loop(mesh: FakeMesh) -> None:
    with mesh.running():
        (mesh.home / "root.crash").touch()
        os.kill(mesh.pid("root"), signal.SIGKILL)
        eventually(lambda: mesh.state("root") == "crash-looping")
        (mesh.home / "root.crash").unlink()
        assert mesh.trustmesh("restart", "root") == 0
        mesh.wait_ready()


def test_restart_of_what_cannot_run_says_why(mesh: FakeMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with mesh.running():
        (mesh.home / "root.crash").touch()
        os.kill(mesh.pid("root"), signal.SIGKILL)
        eventually(lambda: mesh.state("root") == "crash-looping")
        assert mesh.trustmesh("restart", "root") == 1
        assert "it is crash-looping: exit code 1: root has no luck" in capsys.readouterr().err


def test_restart_of_an_unknown_service_names_the_known_ones(mesh: FakeMesh, capsys: pytest.CaptureFixture[str]) -> None:
    with mesh.running():
        assert mesh.trustmesh("restart", "rot") == 1
        assert "there is no service rot; the mesh runs root, edge" in capsys.readouterr().err


def test_a_killed_supervisor_takes_its_children_along_and_its_lock_is_taken_over(mesh: FakeMesh) -> None:
    with mesh.running() as process:
        process.kill()
        process.wait()
        eventually(lambda: not any(map(mesh.pid, mesh.ports)))
        assert named_holder(mesh.home / "supervisor.lock") is not None
    with mesh.running():
        assert f"took over the lock of process {process.pid}, which died" in mesh.output.read_text()


def test_what_a_killed_supervisor_left_is_ended(mesh: FakeMesh) -> None:
    (mesh.home / "root.stubborn").touch()
    process = mesh.start()
    mesh.wait_ready()
    eventually(lambda: str(mesh.pid("root")) in (mesh.home / "supervisor.json").read_text())
    left = mesh.pid("root")
    process.kill()
    process.wait()
    assert mesh.pid("root") == left
    (mesh.home / "root.stubborn").unlink()
    with mesh.running():
        assert mesh.pid("root") not in (0, left)
        assert "ended 1 processes that it left" in mesh.output.read_text()


def test_a_taken_port_is_one_sentence(mesh: FakeMesh) -> None:
    with socket.create_server(("127.0.0.1", mesh.ports["edge"]), reuse_port=True):
        process = mesh.start()
        assert process.wait(30) == 5
    lines = mesh.output.read_text().strip().splitlines()
    assert len(lines) == 1
    assert f"port {mesh.ports['edge']} of edge is taken by " in lines[0]
    assert f"(process {os.getpid()})" in lines[0]
    assert "--base-port" in lines[0]


def test_two_homes_run_side_by_side(tmp_path: Path) -> None:
    meshes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        meshes.append(FakeMesh(tmp_path / name, {"root": 0}))
    one, two = meshes
    with one.running(), two.running() as process:
        process.terminate()
        process.wait(30)
        assert one.state("root") == "ready"


def test_detach_returns_when_ready_and_a_second_one_says_so(mesh: FakeMesh) -> None:
    started = mesh.start_detached()
    try:
        assert started.returncode == 0, started.stderr
        assert started.stdout.startswith("greetings")
        assert all(mesh.pid(name) for name in mesh.ports)
        again = mesh.start_detached()
        assert "running already" in again.stdout
        assert again.returncode == 0
        assert mesh.trustmesh("status", "-o", "json") == 0
    finally:
        assert mesh.trustmesh("down") == 0


def test_detach_that_fails_says_why_and_leaves_nothing(mesh: FakeMesh) -> None:
    (mesh.home / "root.crash").touch()
    failed = mesh.start_detached()
    assert failed.returncode == 4
    assert "the mesh did not become ready: root is crash-looping (exit code 1: root has no luck)" in failed.stderr
    assert not is_held(mesh.home / "supervisor.lock")
    assert not any(map(mesh.pid, mesh.ports))


def test_who_never_gets_ready_is_named(mesh: FakeMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_READY", "2")
    (mesh.home / "root.mute").touch()
    failed = mesh.start_detached()
    assert failed.returncode == 4
    assert "root is starting" in failed.stderr


def test_logs_are_kept_by_service(mesh: FakeMesh) -> None:
    with mesh.running():
        log = mesh.home / "logs" / "root.log"
        assert json.loads(log.read_text().splitlines()[0])["message"] == "root starts"
        assert log.stat().st_mode & 0o777 == 0o600


def test_status_without_a_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trustmesh(["--home", str(tmp_path), "status"]) == 3
    assert capsys.readouterr().err == "error: the mesh is not running; start it with `trustmesh up`\n"


def test_the_control_socket_is_the_owners_alone(mesh: FakeMesh) -> None:
    with mesh.running():
        assert (mesh.home / "supervisor.sock").stat().st_mode & 0o777 == 0o600
        assert list(control.ask(mesh.home / "supervisor.sock", {"verb": "sing"})) == [
            {"error": "unknown request 'sing'", "done": True}
        ]
