"""Envoy's first files, read back and validated by Envoy itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import yaml

from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import binary

GOLDEN = Path(__file__).parents[3] / "envoy" / "golden" / "bootstrap.yaml"
START = Start("gateway-one", "localhost:8480", "trustmesh.local", "/var/lib/trustmesh/identity", 512 << 20, 10_000)


def test_bootstrap_is_the_golden_one() -> None:
    rendered = files(START)["bootstrap.yaml"]
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(rendered)
    assert rendered == GOLDEN.read_text(), "run this test with UPDATE_GOLDEN=1 and review the difference"


def test_envoy_accepts_its_files(tmp_path: Path) -> None:
    for name, content in files(START).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    command = [str(binary()), "--mode", "validate", "-c", "bootstrap.yaml", "-l", "warning"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr


def test_admin_is_a_socket_for_its_owner_alone() -> None:
    bootstrap = yaml.safe_load(files(START)["bootstrap.yaml"])
    assert bootstrap["admin"]["address"] == {"pipe": {"path": "admin.sock", "mode": 0o600}}


def test_secrets_are_read_again_when_the_identity_is_renewed() -> None:
    for name in ("identity", "roots"):
        [secret] = yaml.safe_load(files(START)[f"secrets/{name}.yaml"])["resources"]
        [content] = (value for key, value in secret.items() if key in ("tls_certificate", "validation_context"))
        assert content["watched_directory"] == {"path": START.identity}
