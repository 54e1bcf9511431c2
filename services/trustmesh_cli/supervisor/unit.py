"""One program under supervision: kept running, replaced without a gap, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trustmesh_cli.supervisor import child as children
from trustmesh_cli.supervisor.child import Child
from trustmesh_cli.supervisor.journal import Journal, Lines
from trustmesh_cli.supervisor.program import Program

_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds. A program that fails `crash_loop` times without being ready for `stable` in between is crash-looping."""

    first_delay: float = 0.2
    longest_delay: float = 15.0
    stable: float = 10.0
    crash_loop: int = 3
    ready: float = 60.0
    upkeep: float = 10.0
    drain: float = 20.0

    def delay(self, failures: int) -> float:
        return float(min(self.longest_delay, self.first_delay * 2 ** max(0, failures - 1)))


class ReplacementFailed(Exception):
    """The new process of a rolling restart did not become ready; the old one serves on."""


class Unit:
    """Supervises one program. `state` is starting, ready, restarting, crash-looping, draining or stopped."""

    def __init__(self, program: Program, journal: Journal, patience: Patience, say: Callable[[str], None]) -> None:
        self.program = program
        self.current: Child | None = None
        self.state = "starting"
        self.restarts = 0
        self.reason = ""
        self.changed = asyncio.Event()
        self._journal = journal
        self._patience = patience
        self._say = say
        self._failures = 0
        self._fresh = False
        self._stopping = False
        self._hurry = asyncio.Event()
        self._children: set[Child] = set()

    @property
    def is_ready(self) -> bool:
        return self.state == "ready"

    def status(self) -> str:
        """What it waits for or why it last ended; empty for a program that is well."""
        if self.current is not None and not self.current.ready.is_set() and self.current.status:
            return self.current.status
        return "" if self.is_ready else self.reason

    def reap(self) -> None:
        """Collect whichever of its children have exited."""
        for child in list(self._children):
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(child.pid, os.WNOHANG)
                if pid:
                    self._children.discard(child)
                    child.exit_code = os.waitstatus_to_exitcode(status)
                    child.exited.set()

    async def keep(self) -> None:
        """Run the program until it is stopped, restarting it with growing delays when it dies."""
        while not self._stopping:
            child = self.current or self._start(fresh=self._fresh)
            if await child.outcome():
                self._enter("ready")
            await child.exited.wait()
            if self.current is not child:
                continue  # a successor took over
            self.current = None
            if not self._stopping:
                await self._bury(child)
        self._enter("stopped")

    async def _bury(self, child: Child) -> None:
        lasted = asyncio.get_running_loop().time() - child.born
        well = child.ready.is_set() and lasted >= self._patience.stable
        self._failures = 1 if well else self._failures + 1
        self.restarts += 1
        reason = self._journal.reason()
        self.reason = child.how_it_ended() + (f": {reason}" if reason else "")
        delay = self._patience.delay(self._failures)
        looping = self._failures >= self._patience.crash_loop
        self._enter("crash-looping" if looping else "restarting")
        self._say(f"{self.program.name} ended ({self.reason}); starting it again in {delay:.1f} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), delay)
        self._hurry.clear()

    async def replace(self) -> None:
        """Start the program anew beside the old process, wait until the new one is ready, then drain the old one.

        Raises ReplacementFailed; the old process serves on then.
        """
        if self.current is None or not self.current.ready.is_set():
            await self._start_over()
            return
        successor = self._start(fresh=True, succeed=False)
        try:
            async with asyncio.timeout(self._patience.ready):
                ready = await successor.outcome()
        except TimeoutError:
            ready = False
            successor.status = successor.status or f"not ready after {self._patience.ready:.0f} s"
        if not ready:
            reason = f"{successor.how_it_ended()}: {self._journal.reason() or successor.status}"
            await self._end(successor)
            raise ReplacementFailed(f"{self.program.name} was not replaced ({reason}); the process that ran goes on")
        self._fresh = True
        predecessor, self.current = self.current, successor
        if predecessor is not None:
            await self._end(predecessor)

    async def _start_over(self) -> None:
        """Nothing serves, so there is nothing to keep up: end what there is and start at once."""
        self._fresh = True
        self._failures = 0
        self._enter("restarting")
        self._hurry.set()
        if self.current is not None:
            await self._end(self.current)
        deadline = asyncio.get_running_loop().time() + self._patience.ready
        while not self.is_ready:
            if asyncio.get_running_loop().time() > deadline or self.state == "crash-looping":
                raise ReplacementFailed(f"{self.program.name} was started again, but it is {self.state}: {self.status()}")
            await asyncio.sleep(_POLL)

    async def stop(self) -> None:
        """Ask it to drain; kill it after the patience for that."""
        self._stopping = True
        self._hurry.set()
        if self._children:
            self._enter("draining")
        await asyncio.gather(*(self._end(child) for child in list(self._children)))

    def kill(self) -> None:
        for child in self._children:
            child.kill()

    async def _end(self, child: Child) -> None:
        child.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._patience.drain):
                await child.exited.wait()
        except TimeoutError:
            self._say(f"{self.program.name} (process {child.pid}) did not drain in {self._patience.drain:.0f} s and is killed")
            child.kill()
            await child.exited.wait()

    def _start(self, fresh: bool, succeed: bool = True) -> Child:
        loop = asyncio.get_running_loop()
        self._journal.forget()
        child, pipes = children.start(self.program, fresh, loop.time())
        self._children.add(child)
        loop.add_reader(pipes.log, self._read_log, pipes.log, Lines())
        loop.add_reader(pipes.notify, self._read_notices, child, pipes.notify, Lines())
        if succeed:
            self.current = child
            if self.state != "crash-looping":
                self._enter("starting")
        return child

    def _read_log(self, pipe: int, lines: Lines) -> None:
        for line in _read(pipe, lines):
            self._journal.write(line)

    def _read_notices(self, child: Child, pipe: int, lines: Lines) -> None:
        for line in _read(pipe, lines):
            key, _, value = line.decode(errors="replace").partition("=")
            if key == "READY" and value == "1":
                child.ready.set()
            elif key == "STATUS":
                child.status = value

    def _enter(self, state: str) -> None:
        self.state = state
        self.changed.set()


def _read(pipe: int, lines: Lines) -> Iterator[bytes]:
    """The complete lines that have come; at the end the pipe is closed."""
    try:
        chunk = os.read(pipe, 65_536)
    except BlockingIOError:
        return
    if chunk:
        yield from lines.feed(chunk)
        return
    yield from lines.end()
    asyncio.get_running_loop().remove_reader(pipe)
    os.close(pipe)
