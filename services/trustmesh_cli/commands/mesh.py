"""`trustmesh mesh status` and `trustmesh mesh config NODE`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import click

from trustmesh_cli.home import Home
from trustmesh_cli.output import note, output_option, show, table
from trustmesh_cli.problem import Exit

OPERATOR = "operator"
_COLUMNS = ("node", "kind", "service", "type", "resources", "sent", "acknowledged", "state", "refusal")


@click.group("mesh", short_help="What the control plane told each node, and what it answered.")
def command() -> None:
    """What the control plane told each node of the mesh, and what the node made of it.

    Asked of the registry through the gateway, as the `operator` client of demo.json.
    """


@command.command("status")
@output_option
@click.pass_obj
def status(home: Home, output: str) -> int:
    """For each node and type of resource: the version sent last, the one acknowledged last, and refusals (NACK).

    Exit code 4 when a node refuses its configuration or a contract is left out of it.
    """
    nodes, problems = _nodes(home)
    rows = [row for node in nodes for row in _rows(node)]
    show({"nodes": nodes, "problems": problems}, output, lambda: table(rows, _COLUMNS) if rows else "no node is connected")
    for problem in problems:
        note(f"left out of the configuration: {problem}")
    return Exit.UNHEALTHY if problems or any(row["state"] == "nacked" for row in rows) else Exit.OK


@command.command("config")
@click.argument("node")
@output_option
@click.pass_obj
def config(home: Home, node: str, output: str) -> None:
    """What NODE was sent last: one line for each resource, or with -o the resources themselves.

    NODE is a name of `trustmesh mesh status`.
    """
    path = f"/v1/nodes/{quote(node.removeprefix('nodes/'), safe='')}/configuration"
    resources = [{**each, "json": json.loads(each["json"])} for each in _call(home, path).get("resources", [])]
    listing = [{**each, "bytes": len(json.dumps(each["json"]))} for each in resources]
    show(resources, output, lambda: table(listing, ("type", "name", "version", "bytes")))


def _nodes(home: Home) -> tuple[list[dict[str, Any]], list[str]]:
    nodes: list[dict[str, Any]] = []
    problems: list[str] = []
    page = ""
    while True:
        answer = _call(home, "/v1/nodes" + (f"?{urlencode({'page_token': page})}" if page else ""))
        nodes += answer.get("nodes", [])
        problems = answer.get("problems", problems)
        page = answer.get("nextPageToken", "")
        if not page:
            return nodes, problems


def _call(home: Home, path: str) -> Any:
    from trustmesh_cli.edge import Gateway

    demo = home.demo()
    gateway = Gateway(demo)
    return gateway.call("GET", path, gateway.token(demo.client(OPERATOR))["access_token"])


def _rows(node: dict[str, Any]) -> list[dict[str, object]]:
    return [
        {
            "node": node["name"].removeprefix("nodes/"),
            "kind": node.get("kind", "").removeprefix("KIND_").lower(),
            "service": node.get("service", "").removeprefix("services/"),
            "type": each["type"],
            "resources": len(each.get("resourceNames", [])) or "all",
            "sent": each.get("sentVersion"),
            "acknowledged": each.get("acknowledgedVersion"),
            "state": _state(each),
            "refusal": each.get("refusal") or None,
        }
        for stream in node.get("streams", [])
        for each in stream.get("subscriptions", [])
    ]


def _state(subscription: dict[str, Any]) -> str:
    if subscription.get("refusal"):
        return "nacked"
    return "acked" if subscription.get("sentVersion") == subscription.get("acknowledgedVersion") else "waiting"
