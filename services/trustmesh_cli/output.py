"""Answers on standard output: a table for people, JSON or YAML for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

Row = Mapping[str, object]
Command = TypeVar("Command", bound=Callable[..., Any])

_COLOURS = {
    "ready": "green", "ok": "green", "acked": "green",
    "starting": "yellow", "waiting": "yellow", "restarting": "yellow", "draining": "yellow", "warning": "yellow",
    "crash-looping": "red", "unhealthy": "red", "failed": "red", "wrong": "red", "nacked": "red", "degraded": "red",
}  # fmt: skip


def output_option(command: Command) -> Command:
    """Adds `-o json|yaml|table`, passed as `output`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        help="Table for people, json or yaml for programs.",
    )(command)


def show(value: object, output: str, table: Callable[[], str]) -> None:
    """Print `value` as JSON or YAML, or what `table` makes of it."""
    if output == "json":
        click.echo(json.dumps(value, indent=2, default=str))
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False).rstrip())
    else:
        click.echo(table())


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """The rows' `columns` aligned, with a heading; states are coloured where the terminal shows colours."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    headings = [column.upper().replace("_", " ") for column in columns]
    widths = [max(map(len, each)) for each in zip(headings, *cells, strict=True)]
    lines = [click.style(_line(headings, widths), bold=True)]
    for row in cells:
        padded = _line(row, widths)
        for word in row:
            if word in _COLOURS:
                padded = padded.replace(word, click.style(word, fg=_COLOURS[word]), 1)
        lines.append(padded)
    return "\n".join(lines)


def note(sentence: str) -> None:
    """Something the person should know that is not the answer: to standard error."""
    click.echo(sentence, err=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
