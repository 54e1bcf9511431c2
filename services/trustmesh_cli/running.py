"""`trustmesh up`: everything between the command and the supervisor's loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from trustmesh_cli import installation
from trustmesh_cli.home import Home, Mesh
from trustmesh_cli.probe import readiness
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.programs import databases, preload, programs, require_settings
from trustmesh_cli.supervisor.background import Report, Starter
from trustmesh_cli.supervisor.journal import Console
from trustmesh_cli.supervisor.lock import AlreadyHeld, Lock
from trustmesh_cli.supervisor.program import Program
from trustmesh_cli.supervisor.supervise import Hooks, Places, PortTaken, Probe, Supervisor, end_leftovers, require_free_ports
from trustmesh_cli.supervisor.unit import Patience

Environments = Mapping[str, Mapping[str, str]]
"""What is added to the environment of programs, by name."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a set of programs on a home.

    `prepare` is entered once the lock is held and the ports are known to be free, and left when all programs have ended.
    """

    programs: Sequence[Program]
    prepare: Callable[[], AbstractContextManager[Environments]]
    probe: Probe
    greeting: Callable[[], str]
    facts: Mapping[str, object]
    patience: Patience
    upkeep: Callable[[], None] = lambda: None


def mesh_session(home: Home, mesh: Mesh, storage: str, timeout: float) -> Session:
    """The mesh's services on `home`."""

    @contextmanager
    def prepare() -> Iterator[Environments]:
        preload(home, storage)
        require_settings(home)
        with databases(home, storage) as environments:
            installation.ensure_in_child(home, mesh, storage)
            yield environments

    return Session(
        programs=programs(home, mesh),
        prepare=prepare,
        probe=readiness(home.roots, mesh.trust_domain),
        greeting=lambda: installation.welcome(home, mesh),
        facts={"base_port": mesh.base_port, "home": str(home.path), "storage": storage},
        patience=Patience(ready=timeout),
        upkeep=lambda: installation.renew_trust(home, mesh, storage),
    )


def run_session(home: Home, session: Session, starter: Starter) -> int:
    """Run the session in this process until it is told to stop; the exit code.

    A daemon's `starter` is told how the start went; a start that fails ends the session then. Raises Problem and AlreadyHeld.
    """
    try:
        return _run_session(home, session, starter)
    except AlreadyHeld as held:
        starter.tell({"running": held.holder.pid if held.holder else None})
        raise
    except Problem as problem:
        starter.tell({"problem": problem.sentence, "mend": problem.mend, "code": problem.code})
        raise
    except Exception as error:
        sentence = f"the supervisor ended ({type(error).__name__}: {error})"
        starter.tell({"problem": sentence, "mend": f"see {home.logs / 'supervisor.log'}", "code": Exit.FAILURE})
        raise


def _run_session(home: Home, session: Session, starter: Starter) -> int:
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    console = Console(sys.stdout, [program.name for program in session.programs])
    lock = Lock.acquire(home.lock_file)
    try:
        if lock.stale is not None:
            ended = end_leftovers(home.state_file)
            leftovers = f", and ended {len(ended)} processes that it left" if ended else ""
            console.line("trustmesh", f"took over the lock of process {lock.stale.pid}, which died{leftovers}")
        _require_free_ports(session.programs)
        with session.prepare() as environments:
            chosen = [
                replace(each, environment={**each.environment, **environments.get(each.name, {})}) for each in session.programs
            ]
            wrong = _supervise(home, replace(session, programs=chosen), starter, console)
    finally:
        lock.release()
    if wrong:
        raise Problem(f"the mesh did not become ready: {wrong}", f"see {home.logs}", Exit.UNHEALTHY)
    return Exit.OK


def _require_free_ports(chosen: Sequence[Program]) -> None:
    try:
        require_free_ports(chosen)
    except PortTaken as taken:
        mend = "end that process, or run on other ports with `trustmesh up --base-port N`"
        raise Problem(str(taken), mend, Exit.CONFLICT) from None


def _supervise(home: Home, session: Session, starter: Starter, console: Console) -> str:
    """Run until told to stop; why a daemon gave up instead, empty when it did not."""
    given_up: list[str] = []

    def settled(wrong: str) -> None:
        if not wrong:
            console.text(session.greeting())
            starter.tell({"ready": True})
        elif starter.pipe is None:
            console.line("trustmesh", f"not ready: {wrong}")
        else:
            given_up.append(wrong)
            os.kill(os.getpid(), signal.SIGTERM)

    supervisor = Supervisor(
        session.programs,
        Places(home.control_socket, home.state_file, home.logs),
        console,
        Hooks(settled, session.probe, session.upkeep),
        session.patience,
        session.facts,
    )
    asyncio.run(supervisor.run())
    return "".join(given_up)


def explain(report: Report | None, home: Home) -> str | None:
    """What a daemon told its starter: None when it is ready, a sentence when it ran already. Raises Problem."""
    if report is None:
        raise Problem("the supervisor ended without a word", f"see {home.logs / 'supervisor.log'}")
    if "problem" in report:
        raise Problem(report["problem"], report["mend"], Exit(report["code"]))
    if "running" in report:
        return f"the mesh is running already (process {report['running']}); see `trustmesh status`"
    return None
