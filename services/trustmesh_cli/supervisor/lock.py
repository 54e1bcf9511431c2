"""One supervisor to a home: a lock that the kernel lets go of when its holder dies, and a name on it that outlives the holder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from trustmesh_cli.supervisor.processes import ProcessId, identify


class AlreadyHeld(Exception):
    """Another supervisor runs on this home; `holder` is None where it has not put its name on the lock yet."""

    def __init__(self, holder: ProcessId | None) -> None:
        super().__init__(f"held by process {holder.pid}" if holder else "held by a process that is starting or ending")
        self.holder = holder


@dataclass(slots=True)
class Lock:
    """A held lock; `stale` names the holder that died without letting go, if the lock was found so."""

    file: Path
    descriptor: int
    stale: ProcessId | None

    @classmethod
    def acquire(cls, file: Path) -> Lock:
        """Take the lock for this process; raises AlreadyHeld."""
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyHeld(named_holder(file)) from None
        lock = cls(file, descriptor, named_holder(file))
        lock.sign()
        return lock

    def sign(self) -> None:
        """Put this process's name on the lock."""
        me = identify(os.getpid())
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps({"pid": me.pid, "started": me.started}).encode(), 0)

    def release(self) -> None:
        """Let go: the name is taken off first, so that a lock with a name and no holder is one whose holder died."""
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def named_holder(file: Path) -> ProcessId | None:
    """Whose name is on the lock; it may be dead."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        value = json.loads(file.read_text())
        return ProcessId(int(value["pid"]), int(value["started"]))
    return None


def is_held(file: Path) -> bool:
    """Whether a supervisor runs on this home."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
