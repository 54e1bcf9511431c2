"""What can be known about processes and ports of this machine, from /proc."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process for good: `started`, in clock ticks since boot, tells it from a later one with the same pid."""

    pid: int
    started: int

    def is_alive(self) -> bool:
        return self.started == start_ticks(self.pid)


def start_ticks(pid: int) -> int | None:
    """When the process started, None if it is gone (a zombie is gone)."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def identify(pid: int) -> ProcessId:
    """The process that has `pid` now; ProcessLookupError if it is gone."""
    started = start_ticks(pid)
    if started is None:
        raise ProcessLookupError(pid)
    return ProcessId(pid, started)


def is_taken(port: int) -> bool:
    """Whether somebody listens on TCP `port` of 127.0.0.1 or of every address, SO_REUSEPORT or not."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def listener(port: int) -> str | None:
    """`name (process 123)` of who listens on TCP `port`, None where this user may not see it."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for directory in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) in inodes for each in _descriptors(directory)):
                return f"{(directory / 'comm').read_text().strip()} (process {directory.name})"
    return None


def descendants(pids: Iterable[int]) -> set[int]:
    """`pids` and all their children, children's children and so on."""
    parents: dict[int, list[int]] = {}
    for file in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(file.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(file.parent.name))
    found: set[int] = set()
    open_ends = list(pids)
    while open_ends:
        pid = open_ends.pop()
        if pid not in found:
            found.add(pid)
            open_ends.extend(parents.get(pid, []))
    return found


def memory(pids: Iterable[int]) -> float:
    """Proportional set size of the processes together, in MB (10^6 bytes); shared pages are counted once over all sharers."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total / 1e6


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(fields[9])
    return inodes


def _descriptors(directory: Path) -> list[Path]:
    return list((directory / "fd").iterdir())
