"""Runs the benchmarks, prints their table and adds them to the history.

Everything is on loopback and ends by itself. Nothing here is a test: a missed target is a word in the table.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import gateway, policed, push, startup
from bench.figures import Figure, Run, append, read_history, table, write_results
from bench.mesh import Mesh, running_mesh

PARTS = "abcde"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", default=PARTS, help="which of the figures a to e, for example: ad")
    parser.add_argument("--rounds", type=int, default=5, help="how often each figure is measured, all of them in turn")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long one load lasts")
    parser.add_argument("--dry", action="store_true", help="print, and leave the history as it is")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        figures = measure(Path(directory), options.only, options.rounds, options.seconds)
    print("\n".join(table(figures)))
    if not options.dry:
        settings = f"{options.rounds} rounds, {options.seconds:g} s a load"
        append(Run(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", commit(), machine(load), settings, tuple(figures)))
        write_results(read_history())
    return 0


def measure(directory: Path, only: str, rounds: int, seconds: float) -> list[Figure]:
    figures: list[Figure] = []
    on_mesh: dict[str, Callable[[Mesh], list[Figure]]] = {
        "a": lambda mesh: policed.measure(mesh, rounds, seconds),
        "b": lambda mesh: gateway.measure(mesh, rounds, seconds),
        "c": lambda mesh: policed.measure_batches(mesh, rounds, seconds),
        "e": lambda mesh: push.measure(mesh, rounds),
    }
    if "d" in only:
        figures += startup.measure(directory, min(rounds, 3))
    wanted = [part for part in on_mesh if part in only]
    if wanted:
        with running_mesh(directory / "home") as mesh:
            for part in wanted:
                figures += on_mesh[part](mesh)
    return sorted(figures, key=lambda figure: figure.id[0])


def commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "services", "gen", "requirements.lock")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def machine(load: float) -> str:
    """Cores, interpreter, and how busy the machine was with other things before."""
    return f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}, load {load:.1f} before"


if __name__ == "__main__":
    sys.exit(main())
