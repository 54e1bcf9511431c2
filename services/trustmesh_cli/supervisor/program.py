"""What the supervisor runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Program:
    """One program, started in two ways that must do the same.

    `run` is called in a forked child (it shares the memory of what the supervisor has imported) and returns the exit code.
    `command` starts it from nothing, with the code as it is on disk now: for restarts. Programs of a lower `wave` stop first.
    `ports` are TCP on 127.0.0.1 and must be free before the first start.

    The program finds in TRUSTMESH_NOTIFY_FD a file descriptor to which it writes lines: `READY=1` once it serves,
    `STATUS=...` what it waits for.
    """

    name: str
    run: Callable[[], int]
    command: tuple[str, ...]
    wave: int = 0
    ports: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
