"""`trustmesh down`."""

from __future__ import annotations

import time

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import note
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.supervisor import control
from trustmesh_cli.supervisor.lock import is_held

_LONGEST = 60.0


@click.command("down", short_help="Drain and stop the mesh.")
@click.pass_obj
def command(home: Home) -> int:
    """Drain every service and stop the mesh.

    The gateway goes first, so that no new call comes, and the certificate authority last. A mesh that is not running is no
    mistake: the exit code is 0.
    """
    if not is_held(home.lock_file):
        note("the mesh is not running")
        return Exit.OK
    try:
        for _ in control.ask(home.control_socket, {"verb": "down"}, timeout=_LONGEST):
            pass
    except control.Unreachable as error:
        if is_held(home.lock_file):
            raise Problem(str(error), "is it just starting? try again in a moment") from None
    deadline = time.monotonic() + _LONGEST
    while is_held(home.lock_file):
        if time.monotonic() > deadline:
            raise Problem("the supervisor has not ended", f"see {home.logs / 'supervisor.log'}")
        time.sleep(0.05)
    note("stopped")
    return Exit.OK
