"""The gateway as the chassis builds it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.service import Runtime
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_gateway.app import SERVICE
from trustmesh_gateway.settings import GatewaySettings


async def refusal(check: Callable[[], Awaitable[None]]) -> str:
    with pytest.raises(Unavailable) as raised:
        await check()
    return raised.value.message


async def test_the_service_is_envoy_and_nothing_else(tmp_path: Path) -> None:
    identity: Any = SimpleNamespace(directory=TestAuthority().issue(tmp_path / "identity", "gateway"))
    settings = GatewaySettings(home=tmp_path, drain_delay=0, drain_grace=1, workers=1)
    application = await SERVICE.build(settings, cast(Runtime, SimpleNamespace(identity=identity)))
    assert (application.servicers, application.foreign, application.http) == ((), (), None)
    while "waits for the registry" not in await refusal(application.checks["envoy"]):
        await asyncio.sleep(0.02)
    assert application.close is not None
    await application.close()
    [directory] = (path for path in (tmp_path / "gateway").iterdir() if path.is_dir())
    bootstrap = yaml.safe_load((directory / "bootstrap.yaml").read_text())
    assert bootstrap["node"]["id"].startswith("gateway-") and bootstrap["node"]["cluster"] == "gateway"
    [secret] = yaml.safe_load((directory / "secrets" / "identity.yaml").read_text())["resources"]
    assert Path(secret["tls_certificate"]["private_key"]["filename"]).is_file()


def test_its_own_port_is_not_envoys(tmp_path: Path) -> None:
    settings = GatewaySettings(home=tmp_path)
    assert settings.public_port not in (settings.base_port + 443, settings.base_port + 81)
