"""`trustmesh up`."""

from __future__ import annotations

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import note
from trustmesh_cli.problem import Exit


@click.command("up", short_help="Run the whole mesh, here or in the background.")
@click.option("-d", "--detach", is_flag=True, help="Run in the background; return when the mesh is ready.")
@click.option(
    "--postgres/--sqlite",
    default=None,
    help="Keep the data in an embedded PostgreSQL, or in SQLite files; as last time by default.",
)
@click.option("--base-port", type=click.IntRange(1024, 55_000), help="Moves every port of the mesh; remembered. 8000 at first.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="How long it may take to become ready, in seconds.")
@click.pass_obj
def command(home: Home, detach: bool, postgres: bool | None, base_port: int | None, timeout: float) -> int:
    """Run the whole mesh: every service and Envoy, from one command.

    The first start makes the installation (see `trustmesh init`). Services start in any order; what dies is started again; their
    logs are one stream here and one file each in the home. Ctrl-C or `trustmesh down` drains and stops. Where the mesh runs
    already, this says so and changes nothing.
    """
    from trustmesh_cli import installation, running
    from trustmesh_cli.supervisor.background import Starter
    from trustmesh_cli.supervisor.background import detach as into_background
    from trustmesh_cli.supervisor.lock import AlreadyHeld, is_held, named_holder

    if is_held(home.lock_file):
        holder = named_holder(home.lock_file)
        note(f"the mesh is running already (process {holder.pid if holder else 'unknown'}); see `trustmesh status`")
        return Exit.OK
    choices = installation.remember(home, base_port, postgres)
    mesh = home.mesh()
    session = running.mesh_session(home, mesh, choices.storage, timeout)
    if not detach:
        try:
            return running.run_session(home, session, Starter(None))
        except AlreadyHeld as held:
            note(f"the mesh is running already ({held}); see `trustmesh status`")
            return Exit.OK
    home.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    report = into_background(lambda starter: running.run_session(home, session, starter), home.logs / "supervisor.log")
    click.echo(running.explain(report, home) or session.greeting())
    return Exit.OK
