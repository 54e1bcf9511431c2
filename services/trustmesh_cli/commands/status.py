"""`trustmesh status`."""

from __future__ import annotations

import time
from typing import Any

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import output_option, show, table
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.supervisor import control
from trustmesh_cli.supervisor.lock import is_held

_COLUMNS = ("name", "state", "pid", "uptime", "restarts", "memory_mb", "ports", "detail")


@click.command("status", short_help="Show each service: state, process, memory, restarts.")
@click.option("--wait", is_flag=True, help="Wait until every service is ready.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="For --wait, in seconds.")
@output_option
@click.pass_obj
def command(home: Home, wait: bool, timeout: float, output: str) -> int:
    """Show each service of the running mesh.

    Exit code 0 when all are ready, 3 when the mesh is not running, 4 when a service is not ready. A service that dies again and
    again is `crash-looping` and the mesh `degraded`; the last column says why.
    """
    report = _report(home, wait, timeout)
    show(report, output, lambda: _table(report))
    return Exit.OK if report["state"] == "ready" else Exit.UNHEALTHY


def ask_status(home: Home) -> dict[str, Any]:
    """The supervisor's report; raises Problem when there is no supervisor."""
    if not is_held(home.lock_file):
        raise Problem("the mesh is not running", "start it with `trustmesh up`", Exit.NOT_RUNNING)
    try:
        return next(iter(control.ask(home.control_socket, {"verb": "status"})))
    except (control.Unreachable, StopIteration):
        return {"state": "starting", "services": []}


def _report(home: Home, wait: bool, timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    while True:
        try:
            report = ask_status(home)
            if not wait or _is_well(report) or time.monotonic() > deadline:
                return report
        except Problem:
            if not wait or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _is_well(report: dict[str, Any]) -> bool:
    return report["state"] == "ready" and all(service["state"] == "ready" for service in report["services"])


def _table(report: dict[str, Any]) -> str:
    rows = [{**service, "uptime": _span(service["uptime"])} for service in report["services"]]
    head = f"mesh {report['state']}"
    if "memory_mb" in report:
        head += f", {report['memory_mb']:.0f} MB, supervisor process {report['pid']}"
    return f"{table(rows, _COLUMNS)}\n{head}" if rows else head


def _span(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
