"""`trustmesh demo`."""

from __future__ import annotations

import secrets
from dataclasses import asdict

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import note, output_option, show, table
from trustmesh_cli.problem import Exit


@click.command("demo", short_help="Walk through tokens, keys and pets at the gateway, step by step.")
@output_option
@click.pass_obj
def command(home: Home, output: str) -> int:
    """Walk through tokens, keys and pets at the gateway, by REST, gRPC and gRPC-Web.

    It takes the accounts of demo.json, makes new keys and pets in the demo organisation, and checks every answer, refusals too.
    Exit code 1 if any step is not as it should be.
    """
    from trustmesh_cli.edge import Gateway
    from trustmesh_cli.walk import Walk

    outcomes = []
    for outcome in Walk(Gateway(home.demo()), run=secrets.token_hex(4)).steps():
        outcomes.append(outcome)
        if output == "table":
            mark = click.style("ok   ", fg="green") if outcome.ok else click.style("wrong", fg="red")
            click.echo(f"{mark} {outcome.step:<36} {outcome.milliseconds:6.0f} ms  {outcome.detail}")
    failed = sum(not outcome.ok for outcome in outcomes)
    if output != "table":
        show([asdict(outcome) for outcome in outcomes], output, lambda: table([], ()))
    note(
        f"{failed} of {len(outcomes)} steps are not as they should be"
        if failed
        else f"all {len(outcomes)} steps are as they should be"
    )
    return Exit.FAILURE if failed else Exit.OK
