"""Keeps the published snapshots current: compiled from the registered mesh on change, validated, or left as they were."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from trustmesh_registry.changes import Changes, Watcher
from trustmesh_registry.xds.nodes import Kind
from trustmesh_registry.xds.snapshot import Message, Snapshot, snapshot_of
from trustmesh_registry.xds.validation import require_publishable

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Compiled:
    """One kind's resources, and what was left out of them."""

    resources: Iterable[Message]
    problems: tuple[str, ...] = ()


Compile = Callable[[], Compiled]


@dataclass
class Publisher:
    """The last good snapshot of each kind. `compile` gives each kind's resources from the present state of the registry."""

    compile: Mapping[Kind, Compile]
    changes: Changes = field(default_factory=Changes)
    _published: dict[Kind, Snapshot] = field(default_factory=dict)
    _problems: dict[Kind, tuple[str, ...]] = field(default_factory=dict)

    def snapshot(self, kind: Kind) -> Snapshot | None:
        """What nodes of that kind are given now; None before anything could be published."""
        return self._published.get(kind)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is left out of the published snapshots, or keeps the newest from being published."""
        return tuple(f"{kind.value}: {problem}" for kind in self.compile for problem in self._problems.get(kind, ()))

    def publish(self) -> None:
        """Compile every kind now, and publish what is valid and differs."""
        for kind in self.compile:
            self._publish(kind)

    async def run(self, *watchers: Watcher) -> None:
        """Publish soon after anything that is watched changes, for as long as the registry runs."""
        async with asyncio.TaskGroup() as group:
            wake = asyncio.Event()
            for watcher in watchers:
                group.create_task(_relay(watcher, wake))
            while True:
                await wake.wait()
                await asyncio.sleep(DEBOUNCE_SECONDS)
                wake.clear()
                self.publish()

    def _publish(self, kind: Kind) -> None:
        before = self._published.get(kind)
        try:
            compiled = self.compile[kind]()
            snapshot = snapshot_of(compiled.resources)
            require_publishable(snapshot, before=before)
        except Exception as error:  # A defect in a compiler must not end the control plane: the nodes work on by the last good.
            log.exception("the configuration of %s nodes cannot be published; the last good one stays", kind.value)
            self._problems[kind] = (f"not published, the last good one stays: {error}",)
            return
        for problem in compiled.problems:
            log.warning("left out of the configuration of %s nodes: %s", kind.value, problem)
        self._problems[kind] = compiled.problems
        if snapshot != before:
            self._published[kind] = snapshot
            self.changes.tell(kind.value)


async def _relay(watcher: Watcher, wake: asyncio.Event) -> None:
    while True:
        await watcher.wait()
        wake.set()
