from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from trustmesh_chassis.service import Runtime, utc_now
from trustmesh_chassis.testing.served import Served, served
from trustmesh_petstore.app import SERVICE, build
from trustmesh_petstore.settings import PetstoreSettings


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Served]:
    """The pet store as app.py builds it, on a SQLite file, behind the chassis's pipeline and mTLS."""
    nothing = cast(Any, None)  # the pet store calls no other service
    settings = PetstoreSettings(home=tmp_path)
    runtime = Runtime(SERVICE.name, settings, utc_now, clients=nothing, configuration=nothing, identity=nothing)
    application = await build(settings, runtime)
    for check in application.checks.values():
        await check()
    async with served(application.servicers, tmp_path, SERVICE.name) as each:
        yield each
    assert application.close is not None
    await application.close()
