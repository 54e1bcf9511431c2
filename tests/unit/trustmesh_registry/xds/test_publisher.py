"""Publishing: what is valid and differs; otherwise the last good stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from trustmesh_registry.changes import Changes
from trustmesh_registry.xds.nodes import Kind
from trustmesh_registry.xds.publisher import Compiled, Publisher
from trustmesh_registry.xds.snapshot import CLUSTER

STATIC = Cluster(name="a", type=Cluster.STATIC)


def publisher(compile: Callable[[str], Compiled], view: Callable[[], str] = lambda: "") -> Publisher[str]:
    return Publisher(view, {Kind.GRPC: compile})


async def test_only_what_differs_is_told() -> None:
    subject = publisher(lambda view: Compiled([STATIC]))
    with subject.changes.watched() as watcher:
        subject.publish()
        assert await watcher.wait() == ("gRPC",)
        subject.publish()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watcher.wait(), 0.01)


def test_problems_are_named_and_do_not_hold_back_the_rest() -> None:
    subject = publisher(lambda view: Compiled([STATIC], ("kms: no policy",)))
    subject.publish()
    assert subject.problems == ("gRPC: kms: no policy",)
    assert subject.snapshot(Kind.GRPC)
    assert subject.snapshot(Kind.ENVOY) is None


@pytest.mark.parametrize("defect", ["raises", "invalid", "empty"])
def test_the_last_good_snapshot_stays(defect: str) -> None:
    broken = False

    def compile(view: str) -> Compiled:
        if not broken:
            return Compiled([STATIC])
        if defect == "raises":
            raise RuntimeError("a defect")
        return Compiled([] if defect == "empty" else [Cluster(name="b", type=Cluster.EDS)])

    subject = publisher(compile)
    subject.publish()
    broken = True
    subject.publish()
    snapshot = subject.snapshot(Kind.GRPC)
    assert snapshot is not None and list(snapshot.of(CLUSTER)) == ["a"]
    [problem] = subject.problems
    assert problem.startswith("gRPC: not published, the last good one stays: ")
    broken = False
    subject.publish()
    assert subject.problems == ()


async def test_changes_run_together_and_are_published_soon() -> None:
    views = iter(["one", "two", "three"])
    seen: list[str] = []

    def compile(view: str) -> Compiled:
        seen.append(view)
        return Compiled([Cluster(name=view, type=Cluster.STATIC)])

    subject, changes = publisher(compile, lambda: next(views)), Changes()
    with changes.watched() as watcher, subject.changes.watched() as published:
        running = asyncio.ensure_future(subject.run(watcher))
        await asyncio.sleep(0)
        for name in ("a", "b", "c"):
            changes.tell(name)
        await asyncio.wait_for(published.wait(), 5)
        changes.tell("d")
        await asyncio.wait_for(published.wait(), 5)
        running.cancel()
    assert seen == ["one", "two"]
