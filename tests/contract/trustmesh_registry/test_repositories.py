"""What a repository keeps, it gives back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.testing import schema_differences
from trustmesh_registry import store
from trustmesh_registry.membership import Instance, RegisteredContract, Service
from trustmesh_registry.ports import ConfigurationRepository, ServiceRepository, Value

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def service(name: str = "kms", *instances: str) -> Service:
    contract = RegisteredContract("d" * 64, bytes(range(256)), ("trustmesh.kms.v1.A", "trustmesh.kms.v1.B"))
    known = {each: Instance(name, each, "10.0.0.1", 8080, 10080, "1.2", NOW, LATER) for each in instances}
    return Service(name, contract, NOW, LATER, known)


async def test_nothing_is_kept_at_first(services: ServiceRepository, configurations: ConfigurationRepository) -> None:
    assert await services.load() == []
    assert await configurations.load() == []


async def test_services_come_back_as_they_were(services: ServiceRepository) -> None:
    kept = [service("authz"), service("kms", "a", "b")]
    for each in kept:
        await services.save(each)
    assert sorted(await services.load(), key=lambda each: each.name) == kept


async def test_saving_replaces_contract_and_instances(services: ServiceRepository) -> None:
    await services.save(service("kms", "a", "b"))
    await services.save(service("pki", "a"))
    contract = RegisteredContract("e" * 64, b"", ())
    changed = replace(service("kms", "b", "c"), contract=contract, update_time=LATER + timedelta(hours=1))
    await services.save(changed)
    assert sorted(await services.load(), key=lambda each: each.name) == [changed, service("pki", "a")]
    await services.save(replace(changed, instances={}))
    assert (await services.load())[0].instances == {}


async def test_values_come_back_as_they_were(configurations: ConfigurationRepository) -> None:
    first = Value("authz/jwks", '{"keys": []}', "services/authz", NOW, LATER)
    second = Value("kms/limits", "\u00fc" * 1000, "someone", NOW, NOW)
    for each in (first, second):
        await configurations.save(each)
    assert sorted(await configurations.load(), key=lambda each: each.key) == [first, second]
    changed = replace(first, text="1", update_time=LATER + timedelta(hours=1))
    await configurations.save(changed)
    await configurations.delete(["kms/limits", "unknown"])
    assert await configurations.load() == [changed]


async def test_migrations_make_the_declared_tables(database_url: str) -> None:
    await (await Database.open(database_url, store.METADATA, "trustmesh_registry:migrations")).close()
    assert await schema_differences(database_url, store.METADATA) == []
