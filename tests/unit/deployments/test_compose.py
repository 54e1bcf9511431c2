"""The compose file runs what `trustmesh up` runs, by commands that exist. (It is read here, not run.)"""

from __future__ import annotations

from pathlib import Path

import yaml

from trustmesh_cli.home import DEFAULT_BASE_PORT
from trustmesh_cli.layout import GATEWAY_HTTPS, GATEWAY_PLAIN, NAMES

COMPOSE = Path(__file__).parents[3] / "deployments" / "compose" / "compose.yaml"


def test_one_container_for_each_service() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services) == {*NAMES, "network", "init"}
    assert all(services[name]["command"] == ["serve", name] for name in NAMES)


def test_only_the_gateway_is_published_and_on_loopback() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ports = [DEFAULT_BASE_PORT + GATEWAY_HTTPS, DEFAULT_BASE_PORT + GATEWAY_PLAIN]
    assert services["network"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]
    assert all("ports" not in service for name, service in services.items() if name != "network")
