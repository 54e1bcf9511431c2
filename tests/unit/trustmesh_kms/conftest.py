"""A key management service in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustmesh_kms.testing import Clock, Installation, Kms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def installation(tmp_path: Path, clock: Clock) -> Installation:
    return Installation.in_memory(tmp_path, clock)


@pytest.fixture
async def kms(installation: Installation) -> Kms:
    return await installation.start()
