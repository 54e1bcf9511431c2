"""Logs: cut into lines, bounded on disk, readable on a terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

from trustmesh_cli.supervisor.journal import Console, Journal, Lines, LogFile


def test_lines_are_cut_wherever_the_chunks_end() -> None:
    lines = Lines()
    assert list(lines.feed(b"one\ntw")) == [b"one"]
    assert list(lines.feed(b"o\n\n")) == [b"two", b""]
    assert list(lines.feed(b"rest")) == []
    assert list(lines.end()) == [b"rest"]
    assert list(lines.end()) == []


def test_a_line_without_end_is_cut() -> None:
    lines = Lines()
    assert [len(line) for line in lines.feed(b"x" * 70_000)] == [70_000]


def test_a_log_file_is_bounded(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "kms.log", limit=100)
    for number in range(50):
        file.write(b"%03d %s\n" % (number, b"x" * 20))
    file.close()
    kept = sorted(tmp_path.iterdir())
    assert [each.name for each in kept] == ["kms.log", "kms.log.1"]
    assert all(each.stat().st_size <= 100 for each in kept)
    assert b"049" in kept[0].read_bytes()


def test_a_terminal_shows_json_lines_to_people() -> None:
    stream = io.StringIO()
    console = Console(stream, ["kms"], readable=True)
    entry = {"time": "2026-01-01T12:00:00.123+00:00", "level": "warning", "service": "kms", "message": "sealed", "key": "a"}
    console.line("kms", json.dumps(entry))
    console.line("kms", "plain")
    access = {"time": "2026-01-01T12:00:01.500Z", "method": "GET", "path": "/service/v1/nodes", "status": 200, "duration_ms": 4}
    console.line("gateway", json.dumps(access))
    text = stream.getvalue()
    assert "GET /service/v1/nodes 200 4 ms" in text
    assert "12:00:00.123" in text
    assert "warni sealed" in text
    assert "key=a" in text
    assert "plain" in text
    assert "{" not in text


def test_elsewhere_every_line_is_json() -> None:
    stream = io.StringIO()
    console = Console(stream, ["kms"])
    console.line("kms", '{"message": "sealed"}')
    console.line("kms", "plain")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {"message": "sealed"}
    assert second == {"service": "kms", "message": "plain"}


def test_a_closed_terminal_is_no_failure() -> None:
    stream = io.StringIO()
    stream.close()
    Console(stream, [], readable=False).line("kms", "nobody reads this")


def test_the_reason_is_the_last_error(tmp_path: Path) -> None:
    journal = Journal("kms", tmp_path, lambda name, line: None)
    assert journal.reason() == ""
    journal.write(b"Traceback")
    assert journal.reason() == "Traceback"
    journal.write(json.dumps({"level": "error", "message": "no database\nmore"}).encode())
    journal.write(json.dumps({"level": "info", "message": "bye"}).encode())
    assert journal.reason() == "no database"
    journal.forget()
    assert journal.reason() == ""
    journal.close()
