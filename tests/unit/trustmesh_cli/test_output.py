"""Tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json

import pytest
import yaml

from trustmesh_cli.output import show, table


def test_columns_are_aligned_and_absent_values_dashed() -> None:
    rows: list[dict[str, object]] = [
        {"name": "kms", "ports": [1, 2], "share": 0.25},
        {"name": "registry", "ports": [], "share": None},
    ]
    lines = table(rows, ("name", "ports", "share")).splitlines()
    assert [line.split() for line in lines[1:]] == [["kms", "1,", "2", "0.2"], ["registry", "-", "-"]]
    assert lines[1].index("1, 2") == lines[2].index("-")


def test_states_are_coloured() -> None:
    assert "\x1b[32mready\x1b[0m" in table([{"state": "ready"}], ("state",))


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_get_the_whole_value(output: str, read: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(read)
    show({"a": [1, {"b": None}]}, output, lambda: "never")
    assert read(capsys.readouterr().out) == {"a": [1, {"b": None}]}


def test_people_get_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    show({}, "table", lambda: "the table")
    assert capsys.readouterr().out == "the table\n"
