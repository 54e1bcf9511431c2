"""Each Envoy has a directory of its own."""

from __future__ import annotations

import os
from pathlib import Path

from trustmesh_gateway.place import own_directory


def test_the_directories_of_living_processes_stay(tmp_path: Path) -> None:
    others = [tmp_path / str(os.getppid()), tmp_path / "1", tmp_path / "4999999"]
    for other in others:
        other.mkdir()
    directory = own_directory(tmp_path, os.getpid())
    assert directory.is_dir()
    assert [other.exists() for other in others] == [True, True, False]


def test_what_an_earlier_process_of_this_pid_left_is_removed(tmp_path: Path) -> None:
    (own_directory(tmp_path, os.getpid()) / "old").touch()
    assert list(own_directory(tmp_path, os.getpid()).iterdir()) == []
