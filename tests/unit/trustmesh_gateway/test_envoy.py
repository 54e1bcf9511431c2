"""Finding Envoy, and reading what it says."""

from __future__ import annotations

import importlib.metadata
import logging
from pathlib import Path

import pytest

from trustmesh_gateway import envoy


def test_the_binary_is_found_in_the_wheels_list_of_files() -> None:
    assert envoy.binary().name == "envoy"
    assert envoy.binary().stat().st_size > 1 << 20


@pytest.mark.parametrize("installed", [None, []])
def test_without_the_wheel_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, installed: list[Path] | None) -> None:
    def files(name: str) -> list[Path]:
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(importlib.metadata, "files", files)
    with pytest.raises(envoy.EnvoyFailed, match="make env"):
        envoy.binary()


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('{"level":"warning","logger":"main","message":"a"}', (logging.WARNING, "main: a")),
        ('{"level":"error","logger":"lua","message":"b"}', (logging.ERROR, "lua: b")),
        ('{"level":"trace","logger":"x","message":"c"}', (logging.WARNING, "x: c")),
        ("[2026][critical] not read yet", (logging.WARNING, "[2026][critical] not read yet")),
    ],
)
def test_a_log_line_keeps_its_level(line: str, read: tuple[int, str]) -> None:
    assert envoy.read_line(line) == read
