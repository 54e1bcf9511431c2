"""Settings: where they come from, which wins, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from trustmesh_chassis.settings import ServiceSettings, SettingsError, load_settings


class ShopSettings(ServiceSettings):
    port_offset: ClassVar[int] = 980
    stock: int = Field(default=10, ge=0)
    unseal_key: str = ""
    ledger_file: str = ""
    breeds: tuple[str, ...] = ()


def load(home: Path, text: str = "", **environment: str) -> ShopSettings:
    if text:
        (home / "trustmesh.yaml").write_text(text)
    return load_settings(ShopSettings, "shop", home, environment)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.public_port, settings.private_port, settings.web_port) == (8980, 9980, 10980)
    assert (settings.registry, settings.pki, settings.join) == ("localhost:8480", "localhost:8380", "localhost:8381")
    assert settings.token_issuer == "https://localhost:8443"
    assert settings.directory("shop") == tmp_path / "services" / "shop"


def test_the_base_port_moves_every_port_and_explicit_ones_stay(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "mesh: {base_port: 18000, registry_address: 'r:1', pki_address: 'p:2', join_address: 'p:3', issuer: 'https://i'}",
    )
    assert (settings.public_port, settings.registry, settings.pki, settings.join) == (18980, "r:1", "p:2", "p:3")
    assert settings.token_issuer == "https://i"
    fixed = load(tmp_path, "services: {shop: {port: 2000, admin_port: 2001, http_port: 2002}}")
    assert (fixed.public_port, fixed.private_port, fixed.web_port) == (2000, 2001, 2002)


def test_the_service_wins_over_the_mesh_and_the_environment_over_the_file(tmp_path: Path) -> None:
    text = "mesh: {log_level: warning}\nservices: {shop: {log_level: error, stock: 1}}"
    assert load(tmp_path, text).log_level == "error"
    assert load(tmp_path, text, TRUSTMESH_LOG_LEVEL="debug").log_level == "debug"
    assert load(tmp_path, text, TRUSTMESH_LOG_LEVEL="debug", TRUSTMESH_SHOP__LOG_LEVEL="info").log_level == "info"
    assert load(tmp_path, text, TRUSTMESH_SHOP__STOCK="7", TRUSTMESH_HOME="elsewhere").stock == 7


def test_lists_in_the_environment_are_yaml(tmp_path: Path) -> None:
    assert load(tmp_path, TRUSTMESH_SHOP__BREEDS="[poodle, 'great dane']").breeds == ("poodle", "great dane")
    with pytest.raises(SettingsError, match="TRUSTMESH_SHOP__BREEDS"):
        load(tmp_path, TRUSTMESH_SHOP__BREEDS="[poodle")


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary\n")
    assert load(tmp_path, TRUSTMESH_SHOP__UNSEAL_KEY_FILE=str(tmp_path / "key")).unseal_key == "canary"
    assert load(tmp_path, TRUSTMESH_SHOP__LEDGER_FILE="ledger").ledger_file == "ledger"


@pytest.mark.parametrize(
    ("text", "environment", "says"),
    [
        ("a: [", {}, "not valid YAML"),
        ("- a", {}, "'mesh' and 'services', not a list"),
        ("services: {shop: 3}", {}, "services.shop must be a mapping"),
        ("services: {shop: {stok: 3}}", {}, "services.shop.stok: unknown setting; did you mean stock?"),
        ("services: {shop: {zzzzzz: 3}}", {}, "known keys: "),
        ("mesh: {base_port: high}", {}, "mesh.base_port: Input should be a valid integer.*not 'high'"),
        ("", {"TRUSTMESH_SHOP__STOCK": "-1"}, "environment variable TRUSTMESH_SHOP__STOCK: .*greater than or equal to 0"),
        ("", {"TRUSTMESH_SHOP__UNSEAL_KEY_FILE": "/nowhere"}, "TRUSTMESH_SHOP__UNSEAL_KEY_FILE: cannot read /nowhere"),
        ("services: {shop: {stock: {a: 1}}}", {}, "services.shop.stock"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(tmp_path, text, **environment)


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, "services: {shop: {stock: -1, port: 0}}")
    assert len(str(error.value).splitlines()) == 2


def test_a_wrong_secret_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "level").write_text("canary")
    with pytest.raises(SettingsError) as error:
        load(tmp_path, TRUSTMESH_LOG_LEVEL_FILE=str(tmp_path / "level"))
    assert "canary" not in str(error.value)
