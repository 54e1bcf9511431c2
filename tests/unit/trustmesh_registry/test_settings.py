"""The registry's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from trustmesh_registry.compilation import edge_of
from trustmesh_registry.gateway.mesh import Endpoint
from trustmesh_registry.settings import RegistrySettings

HOME = Path("/nowhere")


def test_a_lease_survives_one_lost_heartbeat() -> None:
    assert RegistrySettings(home=HOME, lease=10, heartbeat=5).heartbeat == 5
    with pytest.raises(ValidationError, match="half of lease"):
        RegistrySettings(home=HOME, lease=9, heartbeat=5)


def test_a_lease_that_is_wrong_itself_is_named_alone() -> None:
    with pytest.raises(ValidationError) as caught:
        RegistrySettings(home=HOME, lease=-1, heartbeat=5)
    assert [error["loc"] for error in caught.value.errors()] == [("lease",)]


def test_the_edge_follows_the_base_port_unless_it_is_told_otherwise() -> None:
    edge = edge_of(RegistrySettings(home=HOME, base_port=9000))
    assert (edge.https_port, edge.http_port, edge.jwks, edge.collector) == (9443, 9081, "", None)
    assert edge.issuer == "https://localhost:9443"
    edge = edge_of(RegistrySettings(home=HOME, gateway_https_port=443, gateway_http_port=80, gateway_collector="10.0.0.1:4317"))
    assert (edge.https_port, edge.http_port, edge.collector) == (443, 80, Endpoint("10.0.0.1", 4317))
