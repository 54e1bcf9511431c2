"""The service as its app.py builds it, on SQLite, behind the whole pipeline with real mTLS and real tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from trustmesh_chassis.service import Application, Runtime, utc_now
from trustmesh_chassis.testing.served import Served, served
from trustmesh_kms.app import build
from trustmesh_kms.settings import KmsSettings


@pytest.fixture
def settings(tmp_path: Path) -> KmsSettings:
    return KmsSettings(home=tmp_path)


@pytest.fixture
async def application(settings: KmsSettings) -> AsyncIterator[Application]:
    absent = cast(Any, None)  # the service asks for no client, configuration or identity
    application = await build(settings, Runtime("kms", settings, utc_now, absent, absent, absent))
    background = [asyncio.create_task(make()) for make in application.background]
    yield application
    for task in background:
        task.cancel()
    assert application.close is not None
    await application.close()


@pytest.fixture
async def kms(application: Application, tmp_path: Path) -> AsyncIterator[Served]:
    async with served(application.servicers, tmp_path / "certificates", "kms") as running:
        yield running
