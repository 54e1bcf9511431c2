"""Watchers hear of every name once, however often it changed."""

from __future__ import annotations

import asyncio

from trustmesh_registry.changes import Changes
from trustmesh_registry.watching import Closing, told


async def test_changes_run_together_until_they_are_heard() -> None:
    changes = Changes()
    with changes.watched() as watcher:
        for name in ("a", "b", "a"):
            changes.tell(name)
        assert await watcher.wait() == ("a", "b")
        changes.tell("c")
        assert await watcher.wait() == ("c",)


async def test_nobody_listens_after_the_block() -> None:
    changes = Changes()
    with changes.watched():
        assert len(changes) == 1
    changes.tell("a")
    assert len(changes) == 0


async def test_told_ends_when_the_registry_closes() -> None:
    changes, closing = Changes(), Closing()
    background = asyncio.ensure_future(closing.run())
    with changes.watched() as watcher:
        names = told(watcher, closing)
        changes.tell("a")
        assert await anext(names) == "a"
        background.cancel()
        assert await anext(names, None) is None
    assert closing.begun
    assert closing.status.message
