"""An installation: made, looked at, damaged, and what stands in the way of a start. No service runs here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_cli import diagnosis
from trustmesh_cli.diagnosis import Finding
from trustmesh_cli.home import Home
from trustmesh_cli.installation import welcome
from trustmesh_cli.layout import SERVICES
from trustmesh_cli.main import run
from trustmesh_cli.postgres import embedded
from trustmesh_cli.problem import Exit, Problem
from trustmesh_cli.programs import databases, load_definition, programs, require_settings, tell_ready
from trustmesh_cli.rendering import rendered
from trustmesh_cli.supervisor.child import NOTIFY_VARIABLE
from trustmesh_cli.supervisor.lock import Lock
from trustmesh_cli.supervisor.processes import is_taken

SOURCES = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{SOURCES / 'services'}:{SOURCES / 'gen/python'}"}
NOW = datetime.now(UTC)


def free_base_port() -> int:
    offsets = [offset for service in SERVICES for offset in service.offsets]
    return next(base for base in range(12_000, 50_000, 5_000) if not any(is_taken(base + offset) for offset in offsets))


@pytest.fixture(autouse=True)
def settings_of_the_file_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUSTMESH_BASE_PORT", raising=False)
    for name in ("GRPC_ENABLE_FORK_SUPPORT", "GRPC_VERBOSITY"):
        monkeypatch.setenv(name, os.environ.get(name, "0" if "FORK" in name else "NONE"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    assert run(["--home", str(home.path), "init", "--base-port", str(free_base_port())]) == 0
    return home


def found(home: Home, subject: str, now: datetime | None = None) -> Finding:
    return next(each for each in diagnosis.findings(home, now or datetime.now(UTC)) if each.subject == subject)


def set_services(home: Home, services: object) -> None:
    home.settings_file.write_text(yaml.safe_dump({**home.document(), "services": services}))


def test_a_new_installation_has_nothing_wrong(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    before = home.demo_file.read_bytes()
    assert run(["--home", str(home.path), "init", "-o", "json"]) == 0
    assert home.demo_file.read_bytes() == before
    assert home.demo_file.stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert run(["--home", str(home.path), "check"]) == 0
    assert "demo, viewer, operator" in capsys.readouterr().out


def test_the_welcome_names_gateway_and_accounts(home: Home) -> None:
    text = welcome(home, home.mesh())
    assert f"https://localhost:{home.mesh().port(443)}" in text
    assert f"--home {home.path} demo" in text
    assert "viewer     kms.keys.get" in text


def test_check_finds_damaged_files(home: Home) -> None:
    home.demo_file.chmod(0o644)
    assert found(home, "modes").mend == f"chmod 600 {home.demo_file}"
    home.demo_file.write_text("{")
    assert found(home, "demo accounts").state == "wrong"
    database = home.service("kms") / "data.db"
    database.touch()
    assert found(home, "database of kms").state == "ok"
    database.write_bytes(os.urandom(20_000))
    assert found(home, "database of kms").mend == f"stop the mesh and bring {database} back from a backup"
    home.roots.write_text("not a certificate")
    assert "cannot be used" in found(home, "roots").detail
    home.settings_file.write_text("mesh: [")
    assert found(home, "settings").state == "wrong"


def test_check_knows_when_certificates_end(home: Home) -> None:
    authority = TestAuthority()
    home.roots.write_bytes(authority.roots_pem)
    identity = authority.issue(home.service("kms") / "identity", "kms")
    subject = "certificate of kms"
    assert found(home, "roots").state == "warning"
    assert found(home, "roots", NOW + timedelta(days=2)).detail.startswith("the last root ended")
    assert found(home, subject).state == "ok"
    assert found(home, subject, NOW - timedelta(hours=1)).mend == "set the clock"
    later = NOW + timedelta(hours=2)
    assert found(home, subject, later).detail.endswith("it is renewed at the next start")
    lock = Lock.acquire(home.lock_file)
    assert "was not renewed" in found(home, subject, later).detail
    lock.release()
    (identity / "tls.crt").write_text("")
    assert "then restart it with `trustmesh restart kms`" in found(home, subject).mend


def test_check_finds_a_clock_that_is_behind() -> None:
    assert diagnosis.clock(datetime(1970, 1, 1, tzinfo=UTC)).state == "wrong"


def test_check_finds_what_a_dead_supervisor_left(home: Home) -> None:
    home.lock_file.write_text(json.dumps({"pid": 123456, "started": 1}))
    assert found(home, "lock").state == "warning"


def test_a_taken_port_is_found_before_a_start(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    port = home.mesh().port(443)
    with socket.create_server(("127.0.0.1", port)):
        assert f"port {port} of gateway is taken by" in found(home, "ports").detail
        assert run(["--home", str(home.path), "up"]) == Exit.CONFLICT
    assert f"port {port} of gateway is taken by" in capsys.readouterr().err


def test_an_unknown_setting_is_found_before_a_start(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    set_services(home, {"kms": {"log_levle": "debug"}})
    assert "did you mean log_level?" in found(home, "settings of kms").detail + found(home, "settings of kms").mend
    with pytest.raises(Problem, match="log_levle: unknown setting") as caught:
        require_settings(home)
    assert caught.value.code is Exit.DAMAGED
    assert run(["--home", str(home.path), "serve", "kms"]) == 2
    assert "log_levle" in capfd.readouterr().err
    command = [sys.executable, "-m", "trustmesh_cli", "--home", str(home.path), "up", "--detach"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert answer.returncode == Exit.DAMAGED
    assert len(answer.stderr.splitlines()) == 1
    assert "log_levle: unknown setting" in answer.stderr


IN_A_CHILD = """
import sys
from pathlib import Path
from trustmesh_cli.home import Home
from trustmesh_cli.installation import ensure_in_child
from trustmesh_cli.problem import Problem

home = Home(Path(sys.argv[1]))
def ensure(storage):
    try:
        ensure_in_child(home, home.mesh(), storage)
        print("done")
    except Problem as problem:
        print(problem)
first = (home.offline / "intermediate.pem").read_bytes()
ensure("sqlite")
assert (home.offline / "intermediate.pem").read_bytes() == first
ensure("postgres")
assert (home.offline / "intermediate.pem").read_bytes() != first
(home.service("pki") / "seeded.json").write_text("{")
ensure("sqlite")
(home.offline / "root.key").write_text("not a key")
ensure("sqlite")
"""


def test_an_installation_is_made_whole_in_a_child(home: Home) -> None:
    command = [sys.executable, "-c", IN_A_CHILD, str(home.path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[:2] == ["done", "done"]
    assert lines[2].startswith("the installation cannot be made (JSONDecodeError")
    assert "cannot be used" in lines[3]
    assert lines[3].endswith("bring it back from a backup")


def test_the_gateways_configuration_needs_nothing_that_runs(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["--home", str(home.path), "gateway", "render"]) == 0
    shown = capsys.readouterr()
    assert "left out: no access token is accepted" in shown.err
    clusters = {each["name"] for each in yaml.safe_load(shown.out)["static_resources"]["clusters"]}
    assert any("kms" in name for name in clusters)
    assert str(home.mesh().port(443)) in shown.out


def test_the_gateway_keeps_the_last_keys(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    from trustmesh_chassis.testing.issuer import TestIssuer

    known = home.service("petstore") / "configuration.json"
    known.parent.mkdir(exist_ok=True)
    known.write_text(json.dumps({"authz/jwks": TestIssuer().jwks}))
    capsys.readouterr()
    assert "jwt_authn" in rendered(home)
    assert "no access token is accepted" not in capsys.readouterr().err
    set_services(home, {"registry": {"log_levle": "debug"}})
    with pytest.raises(Problem, match="log_levle"):
        rendered(home)


def test_every_service_is_a_program(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    made = programs(home, home.mesh())
    assert [each.name for each in made] == [service.name for service in SERVICES]
    assert made[0].command[-2:] == ("serve", "pki")
    set_services(home, {"ratelimit": {"fly": True}})
    assert next(each for each in made if each.name == "ratelimit").run() == 2
    with pytest.raises(Problem, match="there is no service 'kmz'"):
        load_definition("kmz")


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    read, write = os.pipe()
    monkeypatch.setenv(NOTIFY_VARIABLE, str(write))
    yield read
    os.close(read)
    os.close(write)


def test_a_supervisor_is_told_when_a_service_is_ready(notices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tell_ready()
    assert os.read(notices, 100) == b"READY=1\n"
    monkeypatch.delenv(NOTIFY_VARIABLE)
    tell_ready()


def test_sqlite_needs_no_server(home: Home) -> None:
    with databases(home, "sqlite") as environments:
        assert environments == {}


async def roles_and_databases(url: str) -> tuple[bool, list[str]]:
    import asyncpg

    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        bypasses = await connection.fetchval("SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return bypasses, [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")]
    finally:
        await connection.close()


def test_postgres_has_a_database_and_a_weak_role_for_each_service(home: Home) -> None:
    import asyncio

    for _ in range(2):  # the second start finds everything there
        with databases(home, "postgres") as environments:
            bypasses, names = asyncio.run(roles_and_databases(environments["kms"]["TRUSTMESH_KMS__DATABASE_URL"]))
            assert not bypasses
            assert {"pki", "registry", "authz", "kms", "petstore"} <= set(names)
            assert environments["kms"]["TRUSTMESH_KMS__MIGRATION_DATABASE_URL"].startswith("postgresql+asyncpg://kms_owner")
    with pytest.raises(ValueError, match="cannot name a database"), embedded(home.postgres, ["kms; --"]):
        pass
