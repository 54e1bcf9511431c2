"""The `trustmesh` command on a real mesh: every command, and what happens when services die or are replaced."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Mesh

SERVICES = ("pki", "registry", "authz", "kms", "ratelimit", "petstore", "gateway")


def services(mesh: Mesh) -> dict[str, dict[str, Any]]:
    report = json.loads(mesh.run("status", "-o", "json", check=False).stdout)
    return {service["name"]: service for service in report["services"]}


def eventually(check: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def pets(mesh: Mesh) -> int:
    with mesh.http(mesh.token(mesh.first)) as client:
        return client.get("/service/v1/orgs/demo/pets").status_code


def test_status_names_every_service(mesh: Mesh) -> None:
    mesh.run("status", "--wait")
    assert {name: service["state"] for name, service in services(mesh).items()} == dict.fromkeys(SERVICES, "ready")


def test_up_of_a_running_mesh_says_so(mesh: Mesh) -> None:
    again = mesh.run("up", "--detach")
    assert "running already" in again.stderr


def test_demo_walks_without_a_wrong_step(mesh: Mesh) -> None:
    walk = mesh.run("demo", "-o", "json")
    assert len(json.loads(walk.stdout)) == 17


def test_a_token_of_each_client(mesh: Mesh) -> None:
    tokens = {client["name"]: mesh.run("token", "--client", client["name"]).stdout.strip() for client in mesh.demo["clients"]}
    assert all(token.count(".") == 2 for token in tokens.values())
    assert len(set(tokens.values())) == len(tokens)
    assert json.loads(mesh.run("token", "-o", "json").stdout)["expires_in"] == 600


def test_env_is_what_a_shell_evaluates(mesh: Mesh) -> None:
    variables = mesh.run("env").stdout
    bearer = "Authorization: Bearer $TRUSTMESH_OPERATOR_TOKEN"
    curl = f'curl -sf --cacert "$TRUSTMESH_CA" -H "{bearer}" "$TRUSTMESH_GATEWAY/service/v1/nodes"'
    script = f"{variables}\n{curl}"
    answer = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert "nodes" in json.loads(answer.stdout)


def test_mesh_status_shows_every_node_in_agreement(mesh: Mesh) -> None:
    answer = json.loads(mesh.run("mesh", "status", "-o", "json").stdout)
    assert {node["service"].removeprefix("services/") for node in answer["nodes"]} == set(SERVICES)
    assert answer["problems"] == []


def test_mesh_config_of_the_gateway(mesh: Mesh) -> None:
    nodes = json.loads(mesh.run("mesh", "status", "-o", "json").stdout)["nodes"]
    envoy = next(node["name"] for node in nodes if node["kind"] == "KIND_ENVOY")
    resources = json.loads(mesh.run("mesh", "config", envoy, "-o", "json").stdout)
    assert {resource["type"] for resource in resources} >= {"Listener", "RouteConfiguration", "Cluster"}


def test_check_finds_nothing_wrong(mesh: Mesh) -> None:
    findings = json.loads(mesh.run("check", "-o", "json").stdout)
    assert [finding for finding in findings if finding["state"] == "wrong"] == []


def test_check_finds_what_others_can_read(mesh: Mesh) -> None:
    secret = mesh.home / "demo.json"
    secret.chmod(0o644)
    try:
        found = mesh.run("check", check=False)
        assert found.returncode == 4
        assert f"chmod 600 {secret}" in found.stdout
    finally:
        secret.chmod(0o600)


def test_demo_file_is_the_owners_alone_and_of_its_shape(mesh: Mesh) -> None:
    assert (mesh.home / "demo.json").stat().st_mode & 0o777 == 0o600
    assert set(mesh.demo) == {"gateway", "ca_file", "org", "clients", "users"}
    assert set(mesh.demo["clients"][0]) == {"name", "client_id", "client_secret", "scope"}


def test_init_changes_nothing_that_is_there(mesh: Mesh) -> None:
    before = (mesh.home / "demo.json").read_bytes(), (mesh.home / "trustmesh.yaml").read_bytes()
    mesh.run("init")
    assert ((mesh.home / "demo.json").read_bytes(), (mesh.home / "trustmesh.yaml").read_bytes()) == before


def test_the_rendered_gateway_is_valid_for_envoy(mesh: Mesh, tmp_path: Path) -> None:
    from trustmesh_gateway.envoy import binary

    rendered = mesh.run("gateway", "render").stdout
    shutil.copytree(next((mesh.home / "gateway").glob("*/secrets")), tmp_path / "secrets")
    (tmp_path / "gateway.yaml").write_text(rendered)
    validated = subprocess.run(
        [binary(), "--mode", "validate", "-c", "gateway.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert validated.returncode == 0, validated.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_killed_comes_back(mesh: Mesh, name: str) -> None:
    before = services(mesh)[name]
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: services(mesh)[name]["restarts"] == before["restarts"] + 1)
    mesh.run("status", "--wait")
    eventually(lambda: pets(mesh) == 200)


def test_rolling_restart(mesh: Mesh) -> None:
    before = {name: service["pid"] for name, service in services(mesh).items()}
    mesh.run("restart")
    after = services(mesh)
    assert all(after[name]["pid"] != before[name] for name in SERVICES)
    mesh.run("status", "--wait")
    assert pets(mesh) == 200
