"""A child process: how it is born (fork, own session, own log) and what the supervisor holds of it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from trustmesh_cli.supervisor.processes import ProcessId, identify
from trustmesh_cli.supervisor.program import Program

NOTIFY_VARIABLE = "TRUSTMESH_NOTIFY_FD"
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)


@dataclass(slots=True, eq=False)
class Child:
    """A running instance of a program."""

    program: Program
    identity: ProcessId
    born: float
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    exit_code: int | None = None
    status: str = ""

    @property
    def pid(self) -> int:
        return self.identity.pid

    def signal(self, number: int) -> None:
        """To the child alone; nothing happens where it is gone."""
        if not self.exited.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """At once, with whatever it has started itself."""
        if not self.exited.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def outcome(self) -> bool:
        """Waits until it is ready (True) or has exited (False)."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self.ready, self.exited)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        return self.ready.is_set() and not self.exited.is_set()

    def how_it_ended(self) -> str:
        """For people: "exit code 1", "killed by SIGKILL"."""
        code = self.exit_code
        if code is None:
            return "running"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@dataclass(frozen=True, slots=True)
class Pipes:
    """The read ends that the supervisor keeps of a child."""

    log: int
    notify: int


def start(program: Program, fresh: bool, born: float) -> tuple[Child, Pipes]:
    """Fork `program`; `fresh` runs its command from nothing instead of its function. The calling process must have no threads."""
    log_read, log_write = os.pipe()
    notify_read, notify_write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # Until the child has forgotten the supervisor's handlers, a signal to it would be taken for one to the supervisor: both write
    # into the same pipe of the event loop. It waits until then.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _live(program, fresh, parent, log_write, notify_write)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for descriptor in (log_write, notify_write):
        os.close(descriptor)
    for descriptor in (log_read, notify_read):
        os.set_blocking(descriptor, False)
    return Child(program, identify_child(pid), born), Pipes(log_read, notify_read)


def identify_child(pid: int) -> ProcessId:
    """Of a child not yet reaped; one that has already died keeps its pid and starts at no time that was."""
    try:
        return identify(pid)
    except ProcessLookupError:
        return ProcessId(pid, -1)


def die_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Linux sends this process `number` when `parent` ends, however it ends; elsewhere nothing is arranged."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


def name_process(name: str) -> None:
    """What `ps` and `top` call this process, 15 bytes at most, where the system can be told."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def _live(program: Program, fresh: bool, parent: int, log: int, notify: int) -> None:
    """The child's whole life; never returns into the supervisor's loop."""
    code = 1
    try:
        os.setsid()
        _forget_signals()
        die_with_parent(parent)
        _keep_only(log, notify)
        os.environ.update(program.environment)
        if fresh:
            os.execvp(program.command[0], program.command)  # noqa: S606  # the supervisor's own command
        name_process(program.name)
        code = _outcome(program.run)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _outcome(run: Callable[[], int]) -> int:
    try:
        return run()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _keep_only(log: int, notify: int) -> None:
    """Descriptor 0 reads nothing, 1 and 2 are the log, 3 is for notifications; all others are closed."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log, notify, nothing = (_above_the_standard_ones(each) for each in (log, notify, nothing))
    for source, target in ((nothing, 0), (log, 1), (log, 2), (notify, 3)):
        os.dup2(source, target, inheritable=True)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    os.environ[NOTIFY_VARIABLE] = "3"


def _above_the_standard_ones(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
