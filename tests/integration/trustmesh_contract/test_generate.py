"""The whole of `make gen` on a small repository: buf, protoc, Node and our own generators."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trustmesh_contract.generate import main

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "web/node_modules/@bufbuild/protoc-gen-es"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("buf.yaml", "buf.gen.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("common", "options"):
        shutil.copytree(ROOT / "proto/trustmesh" / name, tmp_path / "proto/trustmesh" / name)
    (tmp_path / "services").symlink_to(ROOT / "services")
    (tmp_path / "web").mkdir()
    (tmp_path / "web/node_modules").symlink_to(PLUGIN.parents[1])
    return tmp_path


def test_generates_checks_and_leaves_gen_alone_when_it_cannot(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--root", str(repository)]
    assert main([*arguments, "--check"]) == 1
    assert "gen/python/trustmesh/options/v1/policy_pb2.py is missing; run `make gen`" in capfd.readouterr().err
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    kept = {str(path.relative_to(repository / "gen")) for path in (repository / "gen").rglob("*") if path.is_file()}
    assert {
        "python/buf/validate/validate_pb2.py",
        "python/trustmesh/common/v1/error_pb2.pyi",
        "ts/trustmesh/common/v1/error_pb.js",
        "descriptors/trustmesh.binpb",
        "openapi/trustmesh.json",
        "docs/errors.md",
    } <= kept
    (repository / "proto/trustmesh/common/v1/error.proto").write_text("no proto")
    assert main(arguments) == 1
    assert "buf failed; gen/ is unchanged" in capfd.readouterr().err
    assert (repository / "gen/docs/errors.md").exists()
