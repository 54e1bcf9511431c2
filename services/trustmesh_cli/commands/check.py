"""`trustmesh check`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import output_option, show, table
from trustmesh_cli.problem import Exit


@click.command("check", short_help="Say what is wrong with this installation, and the mend.")
@output_option
@click.pass_obj
def command(home: Home, output: str) -> int:
    """Look at this installation and say what is wrong with it, and the mend.

    It looks at Python and its packages, Envoy, the clock, settings, modes of files with secrets, certificates, databases, ports,
    a lock that was left, and the services that run. Exit code 4 when something is wrong; warnings alone are no failure.
    """
    from trustmesh_cli.diagnosis import WRONG, findings

    found = list(findings(home, datetime.now(UTC)))
    rows = [asdict(finding) for finding in found]
    show(
        rows,
        output,
        lambda: table([{**row, "mend": row["mend"] or None} for row in rows], ("state", "subject", "detail", "mend")),
    )
    return Exit.UNHEALTHY if any(finding.state == WRONG for finding in found) else Exit.OK
