"""The audit spool: durable in order, shared writes, and a failed write that leaves no trace."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from trustmesh_chassis.audit.spool import AuditSpool
from trustmesh_chassis.errors import Unavailable


def lines(directory: Path) -> list[bytes]:
    return [line for file in sorted(directory.glob("*.jsonl")) for line in file.read_bytes().splitlines()]


def held(directory: Path) -> list[Path]:
    """The files below `directory` that this process has open."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return [target for target in (link.readlink() for link in links) if target.is_relative_to(directory)]


async def test_an_append_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    await spool.append(b"one")
    assert lines(tmp_path) == [b"one"]
    await spool.close()


async def test_appends_that_arrive_together_share_a_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    sync = os.fdatasync

    def counted(file: int) -> None:
        syncs.append(file)
        sync(file)

    monkeypatch.setattr(os, "fdatasync", counted)
    spool = AuditSpool(tmp_path)
    await asyncio.gather(*(spool.append(b"%d" % i) for i in range(100)))
    assert lines(tmp_path) == [b"%d" % i for i in range(100)]
    assert len(syncs) <= 2
    await spool.close()


async def test_a_failed_write_fails_its_appends_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = AuditSpool(tmp_path)
    await spool.append(b"kept")
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:

        def fail(file: int) -> None:
            raise full

        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(Unavailable, match="No space left"):
            await spool.append(b"lost")
    assert lines(tmp_path) == [b"kept"]
    await spool.append(b"after")
    assert lines(tmp_path) == [b"kept", b"after"]
    await spool.close()


async def test_segments_end_at_their_size(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path, segment_bytes=8)
    for record in (b"first", b"second", b"third"):
        await spool.append(record)
    assert [file.read_bytes() for file in sorted(tmp_path.glob("*.jsonl"))] == [b"first\n", b"second\n", b"third\n"]
    await spool.close()


async def test_a_segment_that_cannot_be_begun_leaves_the_present_one_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = AuditSpool(tmp_path, segment_bytes=8)
    await spool.append(b"first")
    with monkeypatch.context() as patch:

        def fail(file: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(os, "fsync", fail)
        with pytest.raises(Unavailable, match="No space left"):
            await spool.append(b"lost")
    assert len(held(tmp_path)) == 1
    await spool.append(b"after")
    assert lines(tmp_path) == [b"first", b"after"]
    await spool.close()


async def test_two_processes_write_segments_of_their_own(tmp_path: Path) -> None:
    one, two = AuditSpool(tmp_path), AuditSpool(tmp_path)
    await one.append(b"a")
    await two.append(b"b")
    assert sorted(lines(tmp_path)) == [b"a", b"b"]
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    await one.close()
    await two.close()


async def test_a_caller_that_went_away_does_not_disturb_the_others(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    gone = asyncio.create_task(spool.append(b"gone"))
    await asyncio.sleep(0)
    gone.cancel()
    await spool.append(b"stays")
    assert lines(tmp_path)[-1] == b"stays"
    await spool.close()


async def test_closing_waits_for_the_appends_under_way(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    appends = [asyncio.create_task(spool.append(b"%d" % i)) for i in range(3)]
    await asyncio.sleep(0)
    await spool.close()
    await asyncio.gather(*appends)
    assert lines(tmp_path) == [b"0", b"1", b"2"]


async def test_under_load_a_batch_waits_for_company(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    for _ in range(3):
        await asyncio.gather(*(spool.append(b"x") for _ in range(5)), asyncio.create_task(_later(spool)))
    assert len(lines(tmp_path)) == 18
    await spool.close()


async def _later(spool: AuditSpool) -> None:
    await asyncio.sleep(0.001)
    await spool.append(b"later")


async def test_a_segment_that_another_process_made_first_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "000000000001.jsonl"
    taken.write_bytes(b"theirs")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", lambda self, pattern: iter(()))
        spool = AuditSpool(tmp_path)
    await spool.append(b"ours")
    assert taken.read_bytes() == b"theirs"
    assert (tmp_path / "000000000002.jsonl").read_bytes() == b"ours\n"
    await spool.close()
