"""Keeps the published snapshots current: compiled from a view of the mesh on change, validated, or left as they were."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from trustmesh_registry.changes import Changes, Watcher
from trustmesh_registry.xds.nodes import Kind
from trustmesh_registry.xds.snapshot import Message, Snapshot, snapshot_of
from trustmesh_registry.xds.validation import require_publishable

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 0.005

View = TypeVar("View")


@dataclass(frozen=True, slots=True)
class Compiled:
    """One kind's resources, and what was left out of them."""

    resources: Iterable[Message]
    problems: tuple[str, ...] = ()


class Rounds:
    """Counts the rounds of compiling, so that one can wait for a round that began after now."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.end = asyncio.Event()

    @contextmanager
    def one(self) -> Iterator[None]:
        self.begun += 1
        yield
        self.ended = self.begun
        self.end.set()
        self.end = asyncio.Event()


class Publisher(Generic[View]):
    """The last good snapshot of each kind. A node follows by `changes`, which tells the kind's value."""

    def __init__(self, view: Callable[[], View], compile: Mapping[Kind, Callable[[View], Compiled]]) -> None:
        """`view` gives the present state, unchanging once given; `compile` what each kind makes of it, in any thread."""
        self.compile = compile
        self.changes = Changes()
        self._view = view
        self._wake = asyncio.Event()
        self._rounds = Rounds()
        self._published: dict[Kind, Snapshot] = {}
        self._problems: dict[Kind, tuple[str, ...]] = {}

    def snapshot(self, kind: Kind) -> Snapshot | None:
        """What nodes of that kind are given now; None before anything could be published."""
        return self._published.get(kind)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is left out of the published snapshots, or keeps the newest from being published."""
        return tuple(f"{kind.value}: {problem}" for kind in Kind for problem in self._problems.get(kind, ()))

    def publish(self) -> None:
        """Compile every kind now, and publish what is valid and differs."""
        view = self._view()
        for kind in self.compile:
            self._adopt(kind, *self._candidate(kind, view))

    async def published(self) -> None:
        """Return when everything that changed before this call has been compiled, and published where it is valid."""
        begun = self._rounds.begun
        self._wake.set()
        while self._rounds.ended <= begun:
            await self._rounds.end.wait()

    async def run(self, *watchers: Watcher) -> None:
        """Publish soon after anything that is watched changes, for as long as the registry runs.

        Compiling happens in a thread beside the calls; what changes meanwhile is one change more afterwards.
        """
        async with asyncio.TaskGroup() as group:
            for watcher in watchers:
                group.create_task(_relay(watcher, self._wake))
            while True:
                await self._wake.wait()
                await asyncio.sleep(DEBOUNCE_SECONDS)
                self._wake.clear()
                with self._rounds.one():
                    view = self._view()
                    for kind in self.compile:
                        self._adopt(kind, *await asyncio.to_thread(self._candidate, kind, view))

    def _candidate(self, kind: Kind, view: View) -> tuple[Snapshot | None, tuple[str, ...]]:
        """A snapshot that may be published, or None; and the problems."""
        try:
            compiled = self.compile[kind](view)
            snapshot = snapshot_of(compiled.resources)
            require_publishable(snapshot, before=self._published.get(kind))
        except Exception as error:  # A defect in a compiler must not end the control plane: the nodes work on by the last good.
            log.exception("the configuration of %s nodes cannot be published; the last good one stays", kind.value)
            return None, (f"not published, the last good one stays: {error}",)
        return snapshot, compiled.problems

    def _adopt(self, kind: Kind, snapshot: Snapshot | None, problems: tuple[str, ...]) -> None:
        if problems != self._problems.get(kind):
            for problem in problems:
                log.warning("configuration of %s nodes: %s", kind.value, problem)
        self._problems[kind] = problems
        if snapshot is not None and snapshot != self._published.get(kind):
            self._published[kind] = snapshot
            self.changes.tell(kind.value)


async def _relay(watcher: Watcher, wake: asyncio.Event) -> None:
    while True:
        await watcher.wait()
        wake.set()
