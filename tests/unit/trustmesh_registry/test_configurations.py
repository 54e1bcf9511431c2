"""The dynamic configuration over its port in memory."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trustmesh_chassis.errors import InvalidArgument, NotFound
from trustmesh_chassis.storage import EtagMismatch
from trustmesh_chassis.testing.issuer import TestIssuer
from trustmesh_chassis.tokens import parse_jwks
from trustmesh_registry import configurations as subject
from trustmesh_registry.configurations import Configurations, etag_of_value, require_json
from trustmesh_registry.errors import TooManyConfigurations
from trustmesh_registry.memory import MemoryConfigurations


@pytest.fixture
def repository() -> MemoryConfigurations:
    return MemoryConfigurations()


@pytest.fixture
def configurations(repository: MemoryConfigurations) -> Configurations:
    return Configurations(repository, lambda: datetime(2026, 1, 1, tzinfo=UTC))


async def test_a_value_lasts(configurations: Configurations, repository: MemoryConfigurations) -> None:
    value = await configurations.write("kms/a", "1", "services/kms")
    again = Configurations(repository, lambda: datetime(2027, 1, 1, tzinfo=UTC))
    await again.load()
    assert again.find("kms/a") == value
    assert list(again.under("kms/")) == ["kms/a"]
    assert list(again.under("pki/")) == []


async def test_the_same_text_again_changes_nothing_and_wakes_nobody(configurations: Configurations) -> None:
    first = await configurations.write("kms/a", "1", "services/kms")
    with configurations.watched() as watcher:
        assert await configurations.write("kms/a", "1", "services/kms") is first
        await configurations.write("kms/b", "1", "services/kms")
        assert await watcher.wait() == ("kms/b",)


async def test_an_etag_guards_an_update_and_a_deletion(configurations: Configurations) -> None:
    first = await configurations.write("kms/a", "1", "me")
    second = await configurations.write("kms/a", "2", "me", etag=etag_of_value(first))
    with pytest.raises(EtagMismatch):
        await configurations.write("kms/a", "3", "me", etag=etag_of_value(first))
    with pytest.raises(EtagMismatch):
        await configurations.delete("kms/a", etag_of_value(first))
    with pytest.raises(EtagMismatch):
        await configurations.write("kms/new", "3", "me", etag="x")
    await configurations.delete("kms/a", etag_of_value(second))
    with pytest.raises(NotFound):
        await configurations.delete("kms/a", "")


async def test_a_missing_value_is_created_only_when_that_is_allowed(configurations: Configurations) -> None:
    with pytest.raises(NotFound):
        await configurations.write("kms/a", "1", "me", allow_missing=False)
    await configurations.write("kms/a", "1", "me")


async def test_a_rehearsal_writes_nothing(configurations: Configurations, repository: MemoryConfigurations) -> None:
    assert (await configurations.write("kms/a", "1", "me", dry_run=True)).text == "1"
    assert configurations.get("kms/a") is None
    assert await repository.load() == []


@pytest.mark.parametrize(("limit", "key"), [("MAX_VALUES", "pki/b"), ("MAX_VALUES_OF_SERVICE", "kms/b")])
async def test_values_are_bounded_in_number(
    configurations: Configurations, monkeypatch: pytest.MonkeyPatch, limit: str, key: str
) -> None:
    monkeypatch.setattr(subject, limit, 1)
    await configurations.write("kms/a", "1", "me")
    await configurations.write("kms/a", "2", "me")
    with pytest.raises(TooManyConfigurations):
        await configurations.write(key, "1", "me")


async def test_the_bound_of_one_service_is_not_another_s(configurations: Configurations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_VALUES_OF_SERVICE", 1)
    for key in ("kms/a", "pki/a", "km/a"):
        await configurations.write(key, "1", "me")


@pytest.mark.parametrize("text", ["{}", "null", '"a"', "[1, 2.5]"])
def test_json_is_json(text: str) -> None:
    require_json(text)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "'a'", "[" * 100_000])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        require_json(text)
    assert caught.value.fields[0].field == "value"


async def test_a_value_that_its_check_refuses_is_not_written(repository: MemoryConfigurations) -> None:
    guarded = Configurations(repository, lambda: datetime(2026, 1, 1, tzinfo=UTC), {"authz/jwks": parse_jwks})
    good = await guarded.write("authz/jwks", TestIssuer().jwks, "services/authz")
    for bad in ("{}", '{"keys": []}', '"none"'):
        with pytest.raises(InvalidArgument) as refused:
            await guarded.write("authz/jwks", bad, "operator")
        assert [violation.field for violation in refused.value.fields] == ["value"]
    assert guarded.find("authz/jwks") == good
