"""What is wrong with an installation, and the mend: each finding is one line of `trustmesh check`."""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trustmesh_cli.home import Home
from trustmesh_cli.layout import SERVICES
from trustmesh_cli.problem import Problem
from trustmesh_cli.supervisor.lock import is_held, named_holder
from trustmesh_cli.supervisor.processes import is_taken, listener

OK, WARNING, WRONG = "ok", "warning", "wrong"
_ENDS_SOON = timedelta(days=30)
_RELEASE = datetime(2026, 1, 1, tzinfo=UTC)
_PRIVATE = ("demo.json", "offline/*.key", "services/*/*.key", "services/*/join-token", "services/*/identity/*/tls.key")
_RESTART = "restart it with `trustmesh restart {}`"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `state` is ok, warning or wrong; `mend` says what to do unless it is ok."""

    subject: str
    state: str
    detail: str
    mend: str = ""


def findings(home: Home, now: datetime) -> Iterator[Finding]:
    """Look at everything: this machine, the environment, the home's files, what runs."""
    yield Finding("python", OK, platform.python_version())
    yield clock(now)
    yield from packages()
    yield envoy()
    if not home.settings_file.exists():
        yield Finding("installation", WARNING, f"{home.path} holds none", "make one with `trustmesh init` or `trustmesh up`")
        return
    try:
        home.mesh()
    except Problem as problem:
        yield Finding("settings", WRONG, problem.sentence, problem.mend)
        return
    yield from settings(home)
    yield demo(home)
    yield from modes(home)
    yield from certificates(home, now)
    yield from databases(home)
    yield from (running(home) if is_held(home.lock_file) else stopped(home))


def clock(now: datetime) -> Finding:
    """A clock that shows a time before this release makes every certificate invalid."""
    if now < _RELEASE:
        return Finding("clock", WRONG, f"shows {now:%Y-%m-%d %H:%M} UTC", "set it: certificates are not valid yet by this clock")
    return Finding("clock", OK, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def packages() -> Iterator[Finding]:
    """Whether the wheels that overlap were installed in the right order."""
    from trustmesh_contract.wheels import complaints

    found = [Finding("packages", WRONG, *_split(complaint)) for complaint in complaints()]
    yield from found or [Finding("packages", OK, "no wheel has overwritten another's files")]


def envoy() -> Finding:
    """Whether the gateway's program is there."""
    from trustmesh_gateway.envoy import EnvoyFailed, binary

    try:
        program = binary()
    except EnvoyFailed as error:
        return Finding("envoy", WRONG, *_split(str(error)))
    if not os.access(program, os.X_OK):
        return Finding("envoy", WRONG, f"{program} cannot be run", "run `rm -rf .venv && make env`")
    return Finding("envoy", OK, str(program))


def settings(home: Home) -> Iterator[Finding]:
    """Whether every service accepts its settings."""
    from trustmesh_chassis.settings import SettingsError, load_settings
    from trustmesh_cli.programs import load_definition

    wrong = []
    for service in SERVICES:
        try:
            load_settings(load_definition(service.name).settings, service.name, home.path, os.environ)
        except (SettingsError, Problem) as error:
            wrong += [Finding(f"settings of {service.name}", WRONG, *_split(line)) for line in str(error).splitlines()]
    yield from wrong or [Finding("settings", OK, str(home.settings_file))]


def demo(home: Home) -> Finding:
    """Whether demo.json can be read."""
    try:
        names = [client.name for client in home.demo().clients]
    except Problem as problem:
        return Finding("demo accounts", WRONG, problem.sentence, problem.mend)
    return Finding("demo accounts", OK, ", ".join(names))


def modes(home: Home) -> Iterator[Finding]:
    """Whether files with secrets are their owner's alone."""
    files = [file for pattern in _PRIVATE for file in sorted(home.path.glob(pattern)) if file.is_file()]
    open_to_others = [file for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
    for file in open_to_others:
        mode = stat.S_IMODE(file.stat().st_mode)
        yield Finding("modes", WRONG, f"{file} has mode {mode:o}: others can read it", f"chmod 600 {file}")
    if not open_to_others:
        yield Finding("modes", OK, f"{len(files)} files with secrets are their owner's alone")


def certificates(home: Home, now: datetime) -> Iterator[Finding]:
    """The mesh's roots, and each service's own certificate."""
    from cryptography import x509

    try:
        roots = x509.load_pem_x509_certificates(home.roots.read_bytes())
    except (OSError, ValueError) as error:
        yield Finding("roots", WRONG, f"{home.roots} cannot be used ({error})", "bring it back from a backup")
        return
    last = max(root.not_valid_after_utc for root in roots)
    if last <= now:
        yield Finding("roots", WRONG, f"the last root ended {last:%Y-%m-%d}", "make a new root")
    elif last - now < _ENDS_SOON:
        yield Finding("roots", WARNING, f"the last root ends {last:%Y-%m-%d}", "add a new root while the old one is good")
    else:
        yield Finding("roots", OK, f"{len(roots)}, good until {last:%Y-%m-%d}")
    for service in SERVICES:
        file = home.service(service.name) / "identity" / "current" / "tls.crt"
        if file.exists():
            yield _leaf(service.name, file, now, is_held(home.lock_file))


def _leaf(name: str, file: Path, now: datetime, runs: bool) -> Finding:
    from cryptography import x509

    subject = f"certificate of {name}"
    try:
        leaf = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (OSError, ValueError, IndexError) as error:
        return Finding(subject, WRONG, f"{file} cannot be used ({error})", f"remove {file.parent}, then {_RESTART.format(name)}")
    if leaf.not_valid_before_utc > now:
        return Finding(
            subject, WRONG, f"begins {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC, which is to come", "set the clock"
        )
    until = f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
    if leaf.not_valid_after_utc > now:
        return Finding(subject, OK, f"good until {until}")
    if runs:
        return Finding(subject, WRONG, f"ended {until} and was not renewed", f"see logs/{name}.log, then {_RESTART.format(name)}")
    return Finding(subject, OK, f"ended {until}; it is renewed at the next start")


def databases(home: Home) -> Iterator[Finding]:
    """Whether the SQLite files are whole."""
    for service in SERVICES:
        file = home.service(service.name) / "data.db"
        if file.exists():
            problem = _database_problem(file)
            mend = f"stop the mesh and bring {file} back from a backup" if problem else ""
            yield Finding(
                f"database of {service.name}", WRONG if problem else OK, problem or f"{file.stat().st_size // 1024} KiB", mend
            )


def _database_problem(file: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as database:
            answer = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return f"{file} cannot be used ({error})"
    return "" if answer == "ok" else f"{file} is damaged ({answer})"


def running(home: Home) -> Iterator[Finding]:
    """What the supervisor says of the services."""
    from trustmesh_cli.commands.status import ask_status

    report = ask_status(home)
    for service in report["services"]:
        well = service["state"] == "ready"
        detail = service["state"] if well else f"{service['state']}: {service['detail']}"
        mend = "" if well else f"see {home.logs / service['name']}.log"
        yield Finding(f"service {service['name']}", OK if well else WRONG, detail, mend)


def stopped(home: Home) -> Iterator[Finding]:
    """Whether the mesh could start: no stale lock of a living process, free ports."""
    holder = named_holder(home.lock_file)
    if holder is not None:
        yield Finding("lock", WARNING, f"left by process {holder.pid}, which died", "nothing to do: `trustmesh up` takes it over")
    mesh = home.mesh()
    taken = [
        (mesh.port(offset), service.name) for service in SERVICES for offset in service.offsets if is_taken(mesh.port(offset))
    ]
    for port, name in taken:
        owner = listener(port) or "another process"
        yield Finding("ports", WRONG, f"port {port} of {name} is taken by {owner}", "end it, or use `trustmesh up --base-port N`")
    if not taken:
        yield Finding("ports", OK, f"free, from base {mesh.base_port}")
    yield Finding("mesh", OK, "not running")


def _split(complaint: str) -> tuple[str, str]:
    """A sentence and its mend, which follows the last semicolon."""
    sentence, _, mend = complaint.rpartition("; ")
    return (sentence, mend) if sentence else (complaint, "")
