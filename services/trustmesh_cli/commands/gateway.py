"""`trustmesh gateway render`."""

from __future__ import annotations

import click

from trustmesh_cli.home import Home


@click.group("gateway", short_help="The gateway's configuration.")
def command() -> None:
    """The gateway's configuration, compiled from the contracts."""


@command.command("render")
@click.pass_obj
def render(home: Home) -> None:
    """Print the gateway's configuration as one static file, which `envoy --mode validate` accepts.

    It is compiled from the installed contracts by the code that the control plane runs, with this home's settings where there are
    any and each service at its own port; nothing has to run.
    """
    from trustmesh_cli.rendering import rendered

    click.echo(rendered(home), nl=False)
