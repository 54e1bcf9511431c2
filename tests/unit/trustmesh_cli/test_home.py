"""The home's files: read with care, written whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustmesh_cli.home import Home, write_private
from trustmesh_cli.installation import remember
from trustmesh_cli.problem import Exit, Problem


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUSTMESH_BASE_PORT", "TRUSTMESH_TRUST_DOMAIN"):
        monkeypatch.delenv(name, raising=False)


def write_demo(home: Home, text: str) -> None:
    home.roots.parent.mkdir()
    home.roots.touch()
    home.settings_file.touch()
    home.demo_file.write_text(text)


def test_defaults_where_there_is_no_file(home: Home) -> None:
    assert home.mesh().port(443) == 8443


def test_the_environment_goes_before_the_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.settings_file.write_text("mesh:\n  base_port: 9000\n")
    assert home.mesh().base_port == 9000
    monkeypatch.setenv("TRUSTMESH_BASE_PORT", "10000")
    assert home.mesh().base_port == 10_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mesh: [", "is not valid YAML at line"),
        ("- mesh", "must hold the sections"),
        ("mesh: 7", "must hold the sections"),
        ("mesh:\n  base_port: many", "mesh.base_port is 'many'"),
    ],
)
def test_damaged_settings_are_one_sentence(home: Home, text: str, said: str) -> None:
    home.settings_file.write_text(text)
    with pytest.raises(Problem) as caught:
        home.mesh()
    assert said in str(caught.value)
    assert caught.value.code is Exit.DAMAGED


def test_demo_accounts_are_found_by_name(home: Home) -> None:
    clients = [{"name": name, "client_id": f"demo.{name}", "client_secret": "s", "scope": "*"} for name in ("demo", "viewer")]
    write_demo(
        home, json.dumps({"gateway": "https://localhost:8443", "ca_file": "ca", "org": "demo", "clients": clients, "users": []})
    )
    demo = home.demo()
    assert demo.client(None).name == "demo"
    assert demo.client("viewer").client_id == "demo.viewer"
    with pytest.raises(Problem, match="no client 'root'; choose one of demo, viewer"):
        demo.client("root")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"gateway": 1, "ca_file": 2, "org": 3, "clients": [4]}'])
def test_a_damaged_demo_file_is_one_sentence(home: Home, text: str) -> None:
    write_demo(home, text)
    with pytest.raises(Problem, match="cannot be used") as caught:
        home.demo()
    assert caught.value.code is Exit.DAMAGED


def test_private_files_are_the_owners_alone_and_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_options_of_up_are_remembered_and_comments_stay(home: Home) -> None:
    assert remember(home, None, None).storage == "sqlite"
    before = home.settings_file.read_text()
    assert remember(home, 9000, True).storage == "postgres"
    assert home.mesh().base_port == 9000
    after = home.settings_file.read_text()
    assert after == before.replace("base_port: 8000", "base_port: 9000").replace("storage: sqlite", "storage: postgres")
    assert remember(home, None, None).storage == "postgres"


@pytest.mark.parametrize("text", ["", "mesh:\n", "mesh:\n  trust_domain: a.example\n", "services: {}\n", "mesh: {}\n"])
def test_options_find_their_place_in_any_file(home: Home, text: str) -> None:
    home.settings_file.write_text(text)
    remember(home, 9000, True)
    assert home.mesh().base_port == 9000
    assert remember(home, None, None).storage == "postgres"


def test_an_option_goes_before_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTMESH_BASE_PORT", "10000")
    remember(home, 9000, None)
    assert home.mesh().base_port == 9000


def test_an_unknown_storage_is_said(home: Home) -> None:
    home.settings_file.write_text("up:\n  storage: paper\n")
    with pytest.raises(Problem, match="write sqlite or postgres"):
        remember(home, None, None)
