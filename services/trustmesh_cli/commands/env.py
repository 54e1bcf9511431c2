"""`trustmesh env`."""

from __future__ import annotations

import shlex

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import output_option, show

OPERATOR = "operator"


@click.command("env", short_help="Print what a shell needs for calls: gateway, CA, tokens.")
@output_option
@click.pass_obj
def command(home: Home, output: str) -> None:
    """Print variables for a shell: eval "$(trustmesh env)".

    TRUSTMESH_GATEWAY and TRUSTMESH_CA say how to reach the gateway; TRUSTMESH_TOKEN is a new access token of the first demo
    client, TRUSTMESH_OPERATOR_TOKEN one of the operator.
    """
    from trustmesh_cli.edge import Gateway

    demo = home.demo()
    gateway = Gateway(demo)
    variables = {
        "TRUSTMESH_GATEWAY": demo.gateway,
        "TRUSTMESH_CA": str(demo.ca_file),
        "TRUSTMESH_TOKEN": gateway.token(demo.client(None))["access_token"],
        "TRUSTMESH_OPERATOR_TOKEN": gateway.token(demo.client(OPERATOR))["access_token"],
    }
    show(variables, output, lambda: "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
