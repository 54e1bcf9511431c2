"""What is known about processes, ports and locks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from trustmesh_cli.supervisor.lock import AlreadyHeld, Lock, is_held, named_holder
from trustmesh_cli.supervisor.processes import ProcessId, descendants, identify, is_taken, listener, memory, start_ticks
from trustmesh_cli.supervisor.supervise import end_leftovers


def test_a_process_is_told_from_a_later_one_with_its_pid() -> None:
    me = identify(os.getpid())
    assert me.is_alive()
    assert not ProcessId(me.pid, me.started - 1).is_alive()


def test_a_process_that_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert start_ticks(ended.pid) is None
    with pytest.raises(ProcessLookupError):
        identify(ended.pid)


@pytest.mark.parametrize("reuse", [False, True])
def test_a_port_that_somebody_listens_on_is_taken(reuse: bool) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=reuse) as server:
        port = server.getsockname()[1]
        assert is_taken(port)
        assert f"(process {os.getpid()})" in str(listener(port))
    assert not is_taken(port)
    assert listener(port) is None


def test_children_are_found_and_weighed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        family = descendants([os.getpid()])
        assert {os.getpid(), child.pid} <= family
        assert memory(family) > memory([child.pid]) > 0
    finally:
        child.communicate(b"\n")


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not is_held(file)
    lock = Lock.acquire(file)
    assert lock.stale is None
    assert is_held(file)
    with pytest.raises(AlreadyHeld) as caught:
        Lock.acquire(file)
    assert caught.value.holder == identify(os.getpid())
    lock.release()
    assert not is_held(file)
    assert named_holder(file) is None


def test_a_lock_whose_holder_died_is_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text(json.dumps({"pid": 123456, "started": 1}))
    lock = Lock.acquire(file)
    assert lock.stale == ProcessId(123456, 1)
    lock.release()


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"pid": "x"}'])
def test_a_damaged_lock_names_nobody(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lock"
    file.write_text(text)
    lock = Lock.acquire(file)
    assert lock.stale is None
    lock.release()


def test_only_recorded_processes_are_ended(tmp_path: Path) -> None:
    state = tmp_path / "supervisor.json"
    assert end_leftovers(state) == []
    left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    other = identify(os.getpid())
    mine = identify(left.pid)
    children = [{"pid": mine.pid, "started": mine.started}, {"pid": other.pid, "started": other.started - 1}]
    state.write_text(json.dumps({"children": children}))
    assert end_leftovers(state) == [left.pid]
    assert left.wait() == -9
    assert left.stdin is not None
    left.stdin.close()
    assert not state.exists()
