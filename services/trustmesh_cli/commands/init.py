"""`trustmesh init`."""

from __future__ import annotations

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import output_option, show
from trustmesh_cli.problem import Exit, Problem


@click.command("init", short_help="Make an installation: trust roots, settings, demo accounts.")
@click.option("--base-port", type=click.IntRange(1024, 55_000), help="Moves every port of the mesh; remembered. 8000 at first.")
@output_option
@click.pass_obj
def command(home: Home, base_port: int | None, output: str) -> int:
    """Make the installation in the home, or add what it lacks.

    It gets trustmesh.yaml, an offline root and the first intermediate below it, one single-use join token for each service, the
    demo organisation with its clients, and demo.json (mode 0600) with their secrets. Running it again changes nothing that is
    there.
    """
    from trustmesh_cli import installation
    from trustmesh_cli.supervisor.lock import is_held

    if base_port is not None and is_held(home.lock_file):
        raise Problem("the mesh is running, so its ports cannot move", "stop it first with `trustmesh down`", Exit.CONFLICT)
    choices = installation.remember(home, base_port, None)
    mesh = home.mesh()
    installation.ensure(home, mesh, choices.storage)
    made = {"home": str(home.path), "base_port": mesh.base_port, "trust_domain": mesh.trust_domain, "demo": str(home.demo_file)}
    show(made, output, lambda: f"{home.path} is ready; start it with `trustmesh up`")
    return Exit.OK
