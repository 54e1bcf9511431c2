"""A repeated request_id answers with what the first call made."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from trustmesh_chassis.errors import Aborted
from trustmesh_chassis.storage import Database, RequestIdReused
from trustmesh_chassis.storage.idempotency import recall, remember, repeated
from trustmesh_chassis.storage.tables import REQUESTS

ONE, OTHER = "7f3f4a1e-0000-4000-8000-000000000001", "7f3f4a1e-0000-4000-8000-000000000002"


async def test_the_first_call_is_remembered(database: Database) -> None:
    async with database.unit("north") as unit:
        assert await repeated(unit, ONE, "f", "book-1") is None
    async with database.unit("north") as unit:
        assert await repeated(unit, ONE, "f", "book-2") == "book-1"
        assert await repeated(unit, OTHER, "f", "book-2") is None


async def test_without_a_request_id_nothing_repeats(database: Database) -> None:
    async with database.unit("north") as unit:
        assert await repeated(unit, "", "f", "book-1") is None
        assert await repeated(unit, "", "f", "book-1") is None


async def test_another_request_with_the_same_id_is_refused(database: Database) -> None:
    async with database.unit("north") as unit:
        await remember(unit, ONE, "f", "book-1")
        with pytest.raises(RequestIdReused) as caught:
            await recall(unit, ONE, "g")
    assert caught.value.fields[0].field == "request_id"


async def test_organisations_share_no_request_ids(database: Database) -> None:
    for org in ("north", "south"):
        async with database.unit(org) as unit:
            assert await repeated(unit, ONE, org, org) is None


async def test_two_at_once_make_one(database: Database) -> None:
    async def call(name: str) -> str | None:
        async with database.unit("north") as unit:
            return await repeated(unit, ONE, "f", name)

    outcomes = await asyncio.gather(*(call(f"book-{n}") for n in range(4)), return_exceptions=True)
    made = [outcome for outcome in outcomes if outcome is None]
    assert len(made) == 1
    assert {type(outcome) for outcome in outcomes if outcome is not None} <= {str, Aborted}


async def test_a_racing_remember_is_aborted(database: Database) -> None:
    async with database.unit("north") as unit:
        await remember(unit, ONE, "f", "book-1")
    with pytest.raises(Aborted):
        async with database.unit("north") as unit:
            await remember(unit, ONE, "f", "book-2")


async def test_calls_are_forgotten_after_a_day(opened: Any, library: Any) -> None:
    async with opened() as database, database.unit("north") as unit:
        await remember(unit, ONE, "f", "book-1")
    later = replace(library, now=library.now + timedelta(days=1, seconds=1))
    async with opened(service=later) as database, database.unit("north") as unit:
        await remember(unit, OTHER, "f", "book-2")
        assert (await unit.execute(select(REQUESTS.c.id))).scalars().all() == [OTHER]
