"""The supervisor: all programs at once, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustmesh_cli.supervisor.answering import listen
from trustmesh_cli.supervisor.journal import Console, Journal
from trustmesh_cli.supervisor.processes import ProcessId, descendants, is_taken, listener, memory
from trustmesh_cli.supervisor.program import Program
from trustmesh_cli.supervisor.unit import Patience, ReplacementFailed, Unit

Probe = Callable[[Program], Awaitable[str]]
"""Asks a running program how it is: empty when it is well, otherwise what is wrong."""

_KILLED_SECONDS = 5.0
_FAILING = ("crash-looping",)


class PortTaken(Exception):
    """A port that a program needs is in use; `owner` where it can be seen."""

    def __init__(self, port: int, program: str, owner: str | None) -> None:
        super().__init__(f"port {port} of {program} is taken by {owner or 'another process'}")
        self.port = port


@dataclass(frozen=True, slots=True)
class Places:
    """The files that a supervisor keeps."""

    socket: Path
    state: Path
    logs: Path


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the supervisor tells its owner: `settled` once, with an empty text when all are ready, otherwise with what is not.

    `upkeep` is called in a thread every now and then, for what the programs cannot mend themselves.
    """

    settled: Callable[[str], None]
    probe: Probe
    upkeep: Callable[[], None] = lambda: None


class Supervisor:
    """Runs `programs` until SIGTERM, SIGINT or the `down` request; a second signal kills."""

    def __init__(
        self,
        programs: Sequence[Program],
        places: Places,
        console: Console,
        hooks: Hooks,
        patience: Patience,
        facts: Mapping[str, object],
    ) -> None:
        self._places = places
        self._console = console
        self._hooks = hooks
        self._patience = patience
        self._facts = dict(facts)
        self._journals = [Journal(program.name, places.logs, console.line) for program in programs]
        self._units = [
            Unit(program, journal, patience, self.say) for program, journal in zip(programs, self._journals, strict=True)
        ]
        self._stop = asyncio.Event()
        self._stopped = asyncio.Event()
        self._restarting = asyncio.Lock()

    def say(self, sentence: str) -> None:
        self._console.line("trustmesh", sentence)

    async def run(self) -> None:
        """The supervisor's whole life; all children are gone when it returns."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        gc.freeze()  # what the children share stays shared: the collector writes into no frozen object
        server = await listen(self._places.socket, self._respond)
        keepers = [asyncio.create_task(unit.keep()) for unit in self._units]
        chores = [asyncio.create_task(chore) for chore in (self._settle(), self._write_state(), self._keep_up())]
        try:
            await self._stop.wait()
            for chore in chores:
                chore.cancel()
            await self._stop_in_waves()
            await asyncio.gather(*keepers)
        finally:
            for unit in self._units:
                unit.kill()
            self._stopped.set()
            await asyncio.sleep(0)
            server.close()
            for file in (self._places.socket, self._places.state):
                file.unlink(missing_ok=True)
            for journal in self._journals:
                journal.close()
            loop.remove_signal_handler(signal.SIGCHLD)

    def _reap(self) -> None:
        for unit in self._units:
            unit.reap()

    def _told_to_stop(self) -> None:
        if self._stop.is_set():
            self.say("told again: killing what still drains")
            for unit in self._units:
                unit.kill()
        self._stop.set()

    async def _stop_in_waves(self) -> None:
        self.say("draining")
        for wave in sorted({unit.program.wave for unit in self._units}):
            await asyncio.gather(*(unit.stop() for unit in self._units if unit.program.wave == wave))

    async def _settle(self) -> None:
        """Tell the owner once: when all are ready, when one crash-loops, or when the patience ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience.ready):
                while not all(unit.is_ready for unit in self._units) and not any(unit.state in _FAILING for unit in self._units):
                    await self._any_change()
        waiting = [unit for unit in self._units if not unit.is_ready]
        failing = [unit for unit in waiting if unit.state in _FAILING]
        self._hooks.settled("; ".join(f"{unit.program.name} is {unit.state}{_because(unit)}" for unit in failing or waiting))

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(self._patience.upkeep)
            try:
                await asyncio.to_thread(self._hooks.upkeep)
            except Exception as problem:
                self.say(f"upkeep: {problem}")

    async def _any_change(self) -> None:
        waits = [asyncio.create_task(unit.changed.wait()) for unit in self._units]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for unit in self._units:
            unit.changed.clear()

    async def _write_state(self) -> None:
        """Keep the children's pids on disk, so that the next supervisor knows them should this one be killed."""
        written: list[dict[str, int]] = []
        while True:
            pids = [each.identity for unit in self._units if (each := unit.current) is not None]
            state = [{"pid": each.pid, "started": each.started} for each in pids]
            if state != written:
                fresh = self._places.state.with_suffix(".new")
                fresh.write_text(json.dumps({**self._facts, "children": state}))
                fresh.rename(self._places.state)
                written = state
            await asyncio.sleep(0.5)

    async def _respond(self, request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        match request.get("verb"):
            case "status":
                yield {**await self.report(), "done": True}
            case "restart":
                async for answer in self._restart(request.get("service")):
                    yield answer
            case "down":
                self._stop.set()
                await self._stopped.wait()
                yield {"message": "stopped", "done": True}
            case verb:
                yield {"error": f"unknown request {verb!r}", "done": True}

    async def _restart(self, name: str | None) -> AsyncIterator[dict[str, Any]]:
        chosen = [unit for unit in self._units if name in (None, unit.program.name)]
        if not chosen:
            known = ", ".join(unit.program.name for unit in self._units)
            yield {"error": f"there is no service {name}; the mesh runs {known}", "done": True}
            return
        async with self._restarting:
            for unit in chosen:
                begun = asyncio.get_running_loop().time()
                try:
                    await unit.replace()
                except ReplacementFailed as failed:
                    yield {"error": str(failed), "done": True}
                    return
                lasted = asyncio.get_running_loop().time() - begun
                yield {
                    "message": f"{unit.program.name} replaced in {lasted:.1f} s",
                    "service": unit.program.name,
                    "seconds": round(lasted, 3),
                }
        yield {"done": True}

    async def report(self) -> dict[str, Any]:
        """The state of the mesh and of each program, with memory in MB and times in seconds."""
        services = await asyncio.gather(*(self._describe(unit) for unit in self._units))
        states = {service["state"] for service in services}
        if self._stop.is_set():
            state = "draining"
        elif states <= {"ready"}:
            state = "ready"
        else:
            state = "starting" if states <= {"ready", "starting"} else "degraded"
        pids = descendants([os.getpid()])
        return {"state": state, "pid": os.getpid(), **self._facts, "memory_mb": round(memory(pids), 1), "services": services}

    async def _describe(self, unit: Unit) -> dict[str, Any]:
        child, state, detail = unit.current, unit.state, unit.status()
        if unit.is_ready:
            detail = await self._hooks.probe(unit.program)
            state = "unhealthy" if detail else "ready"
        now = asyncio.get_running_loop().time()
        return {
            "name": unit.program.name,
            "state": state,
            "pid": child.pid if child else None,
            "uptime": round(now - child.born, 1) if child else None,
            "restarts": unit.restarts,
            "memory_mb": round(memory(descendants([child.pid])), 1) if child else None,
            "ports": list(unit.program.ports),
            "detail": detail,
        }


def require_free_ports(programs: Sequence[Program]) -> None:
    """Raises PortTaken for the first port that somebody listens on (SO_REUSEPORT would let two meshes share it in silence)."""
    for program in programs:
        for port in program.ports:
            if is_taken(port):
                raise PortTaken(port, program.name, listener(port))


def end_leftovers(state: Path) -> list[int]:
    """SIGKILL the children of a supervisor that was killed, as far as they still run, and see them gone; their pids."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        recorded = [ProcessId(int(each["pid"]), int(each["started"])) for each in json.loads(state.read_text())["children"]]
        alive = [each for each in recorded if each.is_alive()]
        for each in alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
        deadline = time.monotonic() + _KILLED_SECONDS
        while any(each.is_alive() for each in alive) and time.monotonic() < deadline:
            time.sleep(0.01)
        state.unlink(missing_ok=True)
        return [each.pid for each in alive]
    return []


def _because(unit: Unit) -> str:
    status = unit.status()
    return f" ({status})" if status else ""
