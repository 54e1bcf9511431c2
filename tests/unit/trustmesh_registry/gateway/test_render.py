"""The static rendering: compared with the golden one, and given to Envoy."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap

from trustmesh.petstore.v1 import pet_service_pb2
from trustmesh_chassis.transport.binding import closure
from trustmesh_gateway.bootstrap import Start, files
from trustmesh_gateway.envoy import binary
from trustmesh_registry.gateway.compile import compile_gateway
from trustmesh_registry.gateway.mesh import Edge, Endpoint, RegisteredService
from trustmesh_registry.gateway.render import render_static, static_bootstrap

GOLDEN = Path(__file__).parents[4] / "envoy" / "golden" / "gateway.yaml"


@pytest.fixture
def rendered(edge: Edge) -> str:
    descriptor = pet_service_pb2.DESCRIPTOR
    petstore = RegisteredService(
        "petstore",
        closure([descriptor]),
        tuple(each.full_name for each in descriptor.services_by_name.values()),
        (Endpoint("127.0.0.1", 8980),),
    )
    limiter = RegisteredService("ratelimit", type(petstore.files)(), (), (Endpoint("127.0.0.1", 8681),))
    return render_static(compile_gateway((petstore, limiter), edge))


def test_rendering_is_the_golden_one(rendered: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(rendered)
    assert rendered == GOLDEN.read_text(), "run this test with UPDATE_GOLDEN=1 and review the difference"


def validate(rendered: str, tmp_path: Path) -> None:
    start = Start("gateway", "localhost:8480", "trustmesh.local", str(tmp_path), 1 << 28, 1000)
    (tmp_path / "secrets").mkdir()
    for name, content in (files(start) | {"gateway.yaml": rendered}).items():
        (tmp_path / name).write_text(content)
    command = [str(binary()), "--mode", "validate", "-c", "gateway.yaml", "-l", "warning"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    assert "deprecated" not in result.stderr


def test_envoy_accepts_the_rendering(rendered: str, tmp_path: Path) -> None:
    validate(rendered, tmp_path)


def test_envoy_accepts_a_collector_for_its_spans(edge: Edge, tmp_path: Path) -> None:
    traced = replace(edge, collector=Endpoint("127.0.0.1", 4317), sampling=0.25)
    validate(render_static(compile_gateway((), traced)), tmp_path)
    assert "value: 25.0" in render_static(compile_gateway((), traced))


def test_nothing_is_left_for_a_control_plane(edge: Edge) -> None:
    bootstrap: Bootstrap = static_bootstrap(compile_gateway((), edge))
    assert not bootstrap.HasField("dynamic_resources")
    assert not [cluster.name for cluster in bootstrap.static_resources.clusters if cluster.HasField("eds_cluster_config")]
    assert "rds:" not in render_static(compile_gateway((), edge))
