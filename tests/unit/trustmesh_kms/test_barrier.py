"""The barrier: who can open what, and when."""

from __future__ import annotations

import asyncio
import logging
import secrets
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from trustmesh_chassis.errors import DataLoss
from trustmesh_kms import operations
from trustmesh_kms.barrier import Barrier, clear, context
from trustmesh_kms.errors import KmsSealed, UnsealRefused
from trustmesh_kms.memory import MemoryBarrier
from trustmesh_kms.testing import Installation
from trustmesh_kms.unsealers import FileUnsealer

WHAT = context("key_versions", "demo", "uid", 1)


@pytest.fixture
def key_file(installation: Installation) -> Path:
    return installation.directory / "unseal.key"


@pytest.fixture
async def barrier(installation: Installation) -> Barrier:
    barrier = installation.new_barrier()
    await barrier.start()
    return barrier


async def test_is_sealed_until_started(installation: Installation) -> None:
    barrier = installation.new_barrier()
    for use in (lambda: barrier.seal_value(b"x", WHAT), lambda: barrier.open_value(b"x", WHAT)):
        with pytest.raises(KmsSealed):
            use()
    with pytest.raises(KmsSealed):
        await barrier.check()
    with pytest.raises(KmsSealed):
        await barrier.rotate_content_key()
    with pytest.raises(UnsealRefused, match="no barrier"):
        await barrier.unseal()


async def test_opens_what_it_sealed_and_again_after_a_restart(barrier: Barrier, installation: Installation) -> None:
    sealed = barrier.seal_value(b"material", WHAT)
    await barrier.check()
    assert barrier.open_value(sealed, WHAT) == b"material"
    assert b"material" not in sealed
    restarted = installation.new_barrier()
    await restarted.start()
    assert restarted.open_value(sealed, WHAT) == b"material"


MOVED = {
    "another table": context("others", "demo", "uid", 1),
    "another organisation": context("key_versions", "other", "uid", 1),
    "another key": context("key_versions", "demo", "other", 1),
    "another version": context("key_versions", "demo", "uid", 2),
    "parts joined differently": context("key_versions", "demouid", "", 1),
}


@pytest.mark.parametrize("what", MOVED.values(), ids=MOVED)
async def test_a_value_that_was_moved_does_not_open(barrier: Barrier, what: bytes) -> None:
    with pytest.raises(DataLoss):
        barrier.open_value(barrier.seal_value(b"material", WHAT), what)


async def test_a_value_with_any_bit_flipped_does_not_open(barrier: Barrier) -> None:
    sealed = barrier.seal_value(b"m", WHAT)
    for position in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(DataLoss):
            barrier.open_value(bytes(flipped), WHAT)
    for size in range(len(sealed)):
        with pytest.raises(DataLoss):
            barrier.open_value(sealed[:size], WHAT)


async def test_sealing_is_at_once_here_and_with_the_next_refresh_elsewhere(barrier: Barrier, installation: Installation) -> None:
    other = installation.new_barrier()
    await other.start()
    await barrier.seal()
    assert (barrier.sealed, other.sealed) == (True, False)
    await other.refresh()
    assert other.sealed
    restarted = installation.new_barrier()
    await restarted.start()
    assert restarted.sealed
    await restarted.unseal()
    await barrier.refresh()
    assert (restarted.sealed, barrier.sealed) == (False, False)


async def test_a_refresh_under_way_does_not_undo_a_seal(barrier: Barrier) -> None:
    await asyncio.gather(barrier.refresh(), barrier.seal(), barrier.refresh())
    assert barrier.sealed


async def test_a_rotated_content_key_seals_new_values_and_the_old_one_opens_old_values(
    barrier: Barrier, installation: Installation
) -> None:
    other = installation.new_barrier()
    await other.start()
    before = barrier.seal_value(b"before", WHAT)
    await barrier.rotate_content_key()
    after = barrier.seal_value(b"after", WHAT)
    assert int.from_bytes(after[1:5]) == int.from_bytes(before[1:5]) + 1
    await other.refresh()
    for each in (barrier, other):
        assert each.open_value(before, WHAT) == b"before"
        assert each.open_value(after, WHAT) == b"after"


async def test_of_two_rotations_at_once_both_end_with_a_key_that_is_stored(barrier: Barrier, installation: Installation) -> None:
    other = installation.new_barrier()
    await other.start()
    await asyncio.gather(barrier.rotate_content_key(), other.rotate_content_key())
    restarted = installation.new_barrier()
    await restarted.start()
    for each in (barrier, other):
        assert restarted.open_value(each.seal_value(b"value", WHAT), WHAT) == b"value"


async def test_a_rotation_that_another_one_overtook_uses_the_others_key(installation: Installation) -> None:
    other = installation.new_barrier()

    class Overtaken(MemoryBarrier):
        async def add_content_key(self, number: int, wrapped: bytes, now: datetime) -> bool:
            if other.sealed:
                await other.start()
                await other.rotate_content_key()
            return await super().add_content_key(number, wrapped, now)

    installation.stored_barrier = other._store = Overtaken()
    barrier = installation.new_barrier()
    await barrier.start()
    await barrier.rotate_content_key()
    await barrier.refresh()
    assert barrier.open_value(other.seal_value(b"value", WHAT), WHAT) == b"value"
    assert other.open_value(barrier.seal_value(b"value", WHAT), WHAT) == b"value"


async def test_unsealing_what_no_call_sealed_stores_nothing(barrier: Barrier, installation: Installation, key_file: Path) -> None:
    good = key_file.read_text()
    key_file.unlink()
    restarted = installation.new_barrier()
    await restarted.start()
    before = await barrier.record()
    key_file.write_text(good)
    await restarted.unseal()
    assert not restarted.sealed
    assert await barrier.record() == before


async def test_of_two_first_starts_at_once_one_barrier_remains(installation: Installation) -> None:
    first, second = installation.new_barrier(), installation.new_barrier()
    await asyncio.gather(first.start(), second.start())
    assert second.open_value(first.seal_value(b"value", WHAT), WHAT) == b"value"


async def test_a_tampered_content_key_is_data_loss(barrier: Barrier, installation: Installation) -> None:
    await installation.stored_barrier.add_content_key(2, bytes(72), installation.clock.now)
    with pytest.raises(DataLoss):
        await installation.new_barrier().start()


async def test_the_status_is_answered_while_sealed(barrier: Barrier) -> None:
    await barrier.seal()
    status = await operations.get_seal_status(barrier=barrier)
    assert status.sealed
    assert status.unsealer == "file"
    assert status.record is not None
    assert status.record.sealed


def test_clearing_overwrites_in_place() -> None:
    buffer = bytearray(b"secret")
    alias = memoryview(buffer)
    clear(buffer)
    assert bytes(alias) == bytes(6)


# The file that unseals


async def test_the_key_file_is_made_for_its_owner_alone(barrier: Barrier, key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(key_file.read_text())) == 32


def test_auto_unseal_by_file_is_said_loudly(key_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    FileUnsealer(key_file, secrets.token_bytes)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(key_file) in caplog.text


async def test_a_key_file_that_exists_is_used(installation: Installation, key_file: Path) -> None:
    key_file.write_text("ab" * 32)
    await installation.new_barrier().start()
    assert key_file.read_text() == "ab" * 32


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "cannot be read"),
    "another key": (lambda path: path.write_text("00" * 32), "not the one that this barrier was created with"),
    "not hexadecimal": (lambda path: path.write_text("secret"), "does not hold an unseal key"),
    "too short": (lambda path: path.write_text("00" * 31), "does not hold an unseal key"),
    "binary": (lambda path: path.write_bytes(b"\xff" * 32), "does not hold an unseal key"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
async def test_stays_sealed_and_says_why_once_until_the_file_is_mended(
    barrier: Barrier,
    installation: Installation,
    key_file: Path,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], object],
    message: str,
) -> None:
    good = key_file.read_text()
    damage(key_file)
    restarted = installation.new_barrier()
    caplog.clear()
    await restarted.start()
    await restarted.refresh()
    assert restarted.sealed
    assert [message in record.getMessage() for record in caplog.records] == [True]
    with pytest.raises(UnsealRefused, match=message):
        await restarted.unseal()
    key_file.write_text(good)
    await restarted.refresh()
    assert not restarted.sealed


async def test_a_key_file_that_cannot_be_made_is_said_clearly(installation: Installation) -> None:
    installation.directory /= "file"
    installation.directory.touch()
    with pytest.raises(UnsealRefused, match="cannot be written"):
        await installation.new_barrier().start()
