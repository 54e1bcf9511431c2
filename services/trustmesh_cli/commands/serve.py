"""`trustmesh serve NAME`."""

from __future__ import annotations

import click

from trustmesh_cli.home import Home


@click.command("serve", short_help="Run one service in the foreground.")
@click.argument("name")
@click.pass_obj
def command(home: Home, name: str) -> int:
    """Run the service NAME in the foreground, as containers and `trustmesh up` do.

    It logs JSON lines to standard error and drains on SIGTERM. It waits for the services that it needs, in whatever order they
    come.
    """
    from trustmesh_cli.programs import serve
    from trustmesh_cli.supervisor.child import name_process

    name_process(name)
    return serve(name, home.path)
