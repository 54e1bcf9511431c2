"""The long versions of tests/e2e/test_faults.py, on meshes of their own: `python -m bench.soak [--minutes 10] [--restarts 10]`.

Certificates of sixty seconds rotate under load for `--minutes`; then the registry hangs for a minute; then everything is replaced
`--restarts` times. One line for each; the exit code is 1 when a call failed or something acknowledged was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.faultload import SERVICES, Load
from trustmesh_cli.supervisor import control

LEAF_SECONDS = 60
HANG_SECONDS = 60


class Mesh:
    """A mesh in `home`, run by the command line as a person would."""

    def __init__(self, home: Path, base_port: int, settings: Mapping[str, str]) -> None:
        self.home = home
        given = {"BASE_PORT": str(base_port), "HOME": str(home), **settings}
        self._environment = os.environ | {f"TRUSTMESH_{name}": value for name, value in given.items()}

    def run(self, *arguments: str) -> None:
        """Run one command; raises CalledProcessError."""
        subprocess.run([sys.executable, "-m", "trustmesh_cli", *arguments], env=self._environment, check=True, stdout=sys.stderr)

    def generations(self) -> dict[str, str]:
        """The current generation of each service's identity."""
        return {link.parents[1].name: link.readlink().name for link in self.home.glob("services/*/identity/current")}

    def pid(self, name: str) -> int:
        answer = next(control.ask(self.home / "supervisor.sock", {"verb": "status"}))
        return next(int(service["pid"]) for service in answer["services"] if service["name"] == name)


@contextmanager
def running(base_port: int, settings: Mapping[str, str]) -> Iterator[Mesh]:
    """A new mesh with `settings`, gone afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        mesh = Mesh(Path(directory) / "home", base_port, settings)
        mesh.run("up", "--detach")
        try:
            yield mesh
        finally:
            mesh.run("down")


def rotate(mesh: Mesh, minutes: float) -> str:
    """Load while certificates rotate; how many generations each service had."""
    seen = {name: {generation} for name, generation in mesh.generations().items()}
    deadline = time.monotonic() + minutes * 60
    while time.monotonic() < deadline:
        time.sleep(1)
        for name, generation in mesh.generations().items():
            seen.setdefault(name, set()).add(generation)
    return "certificates " + json.dumps({name: len(generations) for name, generations in sorted(seen.items())})


def hang(mesh: Mesh) -> str:
    """Load while the registry hangs."""
    registry = mesh.pid("registry")
    os.kill(registry, signal.SIGSTOP)
    try:
        time.sleep(HANG_SECONDS)
    finally:
        os.kill(registry, signal.SIGCONT)
    time.sleep(10)
    return f"registry hung {HANG_SECONDS} s"


def restart(mesh: Mesh, times: int) -> str:
    """Load while everything is replaced."""
    for _ in range(times):
        mesh.run("restart")
    return f"replaced {times} times"


def measured(mesh: Mesh, title: str, fault: Callable[[], str], apart: str = "") -> bool:
    """Run `fault` under load and print what came of it; whether no call failed and nothing was lost.

    `apart` is a service that is not called from inside, because it is the one that cannot answer.
    """
    with Load(mesh.home, pause=0.005, inside=[name for name in SERVICES if name != apart]) as load:
        detail = fault()
    lost = load.lost()
    sys.stdout.write(f"{title}: {load.summary()}; {len(lost)} lost; {detail}\n")
    for problem in [*load.failures[:20], *lost[:20]]:
        sys.stdout.write(f"  {problem}\n")
    sys.stdout.flush()
    return not load.failures and not lost


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--base-port", type=int, default=30_000)
    arguments = parser.parse_args()
    fine = []
    with running(arguments.base_port, {"PKI__LEAF_LIFETIME": str(LEAF_SECONDS)}) as mesh:
        fine.append(measured(mesh, "rotation", lambda: rotate(mesh, arguments.minutes)))
    with running(arguments.base_port, {}) as mesh:
        fine.append(measured(mesh, "hung registry", lambda: hang(mesh), apart="registry"))
        fine.append(measured(mesh, "rolling restart", lambda: restart(mesh, arguments.restarts)))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
