from __future__ import annotations

from pathlib import Path

import pytest

from trustmesh_chassis.storage.testing import storage_url

__all__ = ["storage_url"]


def test_a_suite_runs_on_memory_and_on_both_databases(storage_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    kind = request.node.callspec.params["storage_url"]
    assert storage_url.startswith({"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}", "postgres": "postgresql://"}[kind])
