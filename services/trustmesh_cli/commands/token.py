"""`trustmesh token`."""

from __future__ import annotations

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import output_option, show


@click.command("token", short_help="Print an access token of a demo client.")
@click.option("--client", "name", help="A client of demo.json; the first one by default.")
@output_option
@click.pass_obj
def command(home: Home, name: str | None, output: str) -> None:
    """Print a new access token of a demo client, for scripts: TOKEN=$(trustmesh token).

    With -o json the token endpoint's whole answer: access_token, expires_in (seconds), scope.
    """
    from trustmesh_cli.edge import Gateway

    demo = home.demo()
    token = Gateway(demo).token(demo.client(name))
    show(token, output, lambda: str(token["access_token"]))
