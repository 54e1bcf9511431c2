from datetime import UTC, datetime
from pathlib import Path

import pytest

from trustmesh_identity.authz.clients import SecretRefused, verify_secret
from trustmesh_identity.authz.memory import MemoryClients
from trustmesh_identity.authz.seed import seed_client, take_seed, write_seed

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


async def test_seeded_client_can_authenticate(tmp_path: Path) -> None:
    seeded = seed_client("demo", "all", display_name="All", scopes=("*",))
    operator = seed_client("platform", "operator", display_name="", scopes=("*",), orgs=("platform", "demo"))
    write_seed(tmp_path, [seeded, operator])
    directory, clients = tmp_path / "services" / "authz", MemoryClients()
    file = directory / "seed.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert seeded.client_secret not in file.read_text()
    assert await take_seed(directory, clients, NOW) == 2
    found = verify_secret(await clients.find("demo", seeded.client_id), seeded.client_secret, NOW)
    assert (found.id, found.display_name, found.scopes, found.orgs) == ("all", "All", ("*",), ("demo",))
    assert (await clients.get("platform", "operator")).orgs == ("platform", "demo")
    assert list(directory.iterdir()) == []
    assert await take_seed(directory, clients, NOW) == 0


async def test_second_seed_replaces_id_and_secret(tmp_path: Path) -> None:
    clients, directory = MemoryClients(), tmp_path / "services" / "authz"
    first = seed_client("demo", "all", display_name="", scopes=("*",))
    write_seed(tmp_path, [first])
    await take_seed(directory, clients, NOW)
    second = seed_client("demo", "all", display_name="", scopes=("kms.*",))
    write_seed(tmp_path, [second])
    await take_seed(directory, clients, NOW)
    assert await clients.find("demo", first.client_id) is None
    found = await clients.find("demo", second.client_id)
    assert found is not None and found.scopes == ("kms.*",) and found.revision == 2
    verify_secret(found, second.client_secret, NOW)
    with pytest.raises(SecretRefused):
        verify_secret(found, first.client_secret, NOW)
