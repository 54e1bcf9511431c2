"""`trustmesh restart [SERVICE]`."""

from __future__ import annotations

import click

from trustmesh_cli.home import Home
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.supervisor import control
from trustmesh_cli.supervisor.lock import is_held

_LONGEST = 120.0


@click.command("restart", short_help="Replace services one by one without a failed call.")
@click.argument("service", required=False)
@click.pass_obj
def command(home: Home, service: str | None) -> int:
    """Replace SERVICE, or every service one after the other, without a failed call.

    The new process starts with the code as it is on disk, on the same ports; once it is ready the old one drains. A new process
    that does not become ready is ended and the old one serves on.
    """
    if not is_held(home.lock_file):
        raise Problem("the mesh is not running", "start it with `trustmesh up`", Exit.NOT_RUNNING)
    answer: control.Answer = {}
    try:
        for answer in control.ask(home.control_socket, {"verb": "restart", "service": service}, timeout=_LONGEST):
            if "error" in answer:
                raise Problem(answer["error"], f"see {home.logs}")
            if "message" in answer:
                click.echo(answer["message"])
    except control.Unreachable as error:
        raise Problem(str(error)) from None
    if not answer.get("done"):
        raise Problem("the mesh stopped before all was replaced", f"see {home.logs}")
    return Exit.OK
