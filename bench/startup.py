"""(d) From `trustmesh up` to ready, and what the whole mesh then holds in memory (PSS, Envoy and supervisor included)."""

from __future__ import annotations

import time
from pathlib import Path

from bench.figures import Figure
from bench.mesh import Mesh, free_base_port

_SETTLED = 3.0


def measure(directory: Path, rounds: int) -> list[Figure]:
    """Each round is a new installation, started, stopped, and started again."""
    first, again, memory = [], [], []
    parts: dict[str, list[float]] = {}
    for number in range(rounds):
        mesh = Mesh(directory / f"up-{number}", free_base_port())
        try:
            first.append(_seconds_to_ready(mesh))
            mesh.run("down")
            again.append(_seconds_to_ready(mesh))
            time.sleep(_SETTLED)
            status = mesh.status()
            memory.append(float(status["memory_mb"]))
            for service in status["services"]:
                parts.setdefault(service["name"], []).append(float(service["memory_mb"]))
        finally:
            mesh.run("down", check=False)
    return [
        Figure("d.up.first", "`up` to ready, first start (trust, databases, demo)", "s", tuple(first), target=4.0),
        Figure("d.up.again", "`up` to ready, later starts", "s", tuple(again), target=4.0),
        Figure("d.memory", "the whole mesh, idle", "MB PSS", tuple(memory), target=400.0),
        *(Figure(f"d.memory.{name}", f"of it {name}", "MB PSS", tuple(values)) for name, values in sorted(parts.items())),
    ]


def _seconds_to_ready(mesh: Mesh) -> float:
    started = time.perf_counter()
    mesh.run("up", "--detach", "--timeout", "100")
    return time.perf_counter() - started
