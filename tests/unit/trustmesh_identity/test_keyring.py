import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustmesh_chassis.errors import DataLoss, Unauthenticated, Unavailable
from trustmesh_chassis.tokens import TokenVerifier
from trustmesh_identity.authz.errors import NextKeyTooYoung
from trustmesh_identity.authz.issuing import Grant, sign_access_token
from trustmesh_identity.authz.keyring import JWKS_KEY, Keyring, keep_published, keep_rotating, publish
from trustmesh_identity.authz.memory import MemorySigningKeys
from trustmesh_identity.authz.sealing import FileSealer
from trustmesh_identity.authz.signing_keys import Keys, Rotation, State

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)
ROTATION = Rotation(period=timedelta(days=30), lead=timedelta(minutes=5), linger=LIFETIME + timedelta(minutes=1))
GRANT = Grant("https://localhost:8443", "trustmesh", "c", "c", ("kms.*",), ("demo",), "urn:trustmesh:acr:single-factor", "t")


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


class Mesh:
    """Configuration as the registry keeps it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.publications = 0

    def get(self, key: str) -> Any:
        return self.values.get(key)

    async def publish(self, key: str, value: Any) -> None:
        self.values[key] = json.loads(json.dumps(value))
        self.publications += 1


class Instances:
    """Instances of the service on one store, and a verifier that listens to the mesh."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.repository = MemorySigningKeys()
        self.mesh = Mesh()
        self.verifier = TokenVerifier(GRANT.issuer, GRANT.audience, self.clock)

    def keyring(self, key: bytes = bytes(32)) -> Keyring:
        return Keyring(self.repository, FileSealer(key, secrets.token_bytes), ROTATION, self.clock)

    async def tick(self, *keyrings: Keyring) -> None:
        for keyring in keyrings:
            await keyring.refresh()
            await publish(keyring, self.mesh)
        self.verifier.use_jwks(json.dumps(self.mesh.values[JWKS_KEY]))

    def token(self, keyring: Keyring) -> str:
        return sign_access_token(GRANT, keyring.signer, self.clock.now, LIFETIME)


@pytest.fixture
def instances() -> Instances:
    return Instances()


async def test_token_verifies_with_what_is_published(instances: Instances) -> None:
    keyring = instances.keyring()
    await instances.tick(keyring)
    principal = instances.verifier.verify(instances.token(keyring))
    assert principal.subject == principal.client_id == "c"
    assert (principal.orgs, principal.scopes, principal.assurance) == (frozenset({"demo"}), frozenset({"kms.*"}), 1)
    assert principal.expires == int((NOW + LIFETIME).timestamp())


async def test_published_keys_show_no_private_member(instances: Instances) -> None:
    keyring = instances.keyring()
    await instances.tick(keyring)
    for key in instances.mesh.values[JWKS_KEY]["keys"]:
        assert set(key) == {"kty", "crv", "use", "alg", "kid", "x", "y"}


async def test_restart_signs_with_the_same_key(instances: Instances) -> None:
    first, again = instances.keyring(), instances.keyring()
    await instances.tick(first, again)
    assert first.signer.kid == again.signer.kid


async def test_wrong_sealing_key_is_said(instances: Instances) -> None:
    await instances.keyring().refresh()
    with pytest.raises(DataLoss):
        await instances.keyring(b"o" * 32).refresh()


async def test_signer_before_the_first_refresh_is_unavailable(instances: Instances) -> None:
    with pytest.raises(Unavailable):
        _ = instances.keyring().signer


async def test_publishes_only_what_changed(instances: Instances) -> None:
    keyring, other = instances.keyring(), instances.keyring()
    await instances.tick(keyring, other, keyring, other)
    assert instances.mesh.publications == 1
    instances.mesh.values.clear()
    await instances.tick(keyring)
    assert instances.mesh.publications == 2


async def test_tokens_stay_good_through_years_of_rotation_by_two_instances(instances: Instances) -> None:
    """Every hour each instance refreshes and issues; no token of the last ten minutes is ever refused."""
    one, two = instances.keyring(), instances.keyring()
    await instances.tick(one, two)
    kids = set()
    for _ in range(24 * 100):
        tokens = [instances.token(one), instances.token(two)]
        instances.clock.now += LIFETIME - timedelta(seconds=1)
        await instances.tick(one)
        tokens.append(instances.token(two))
        await instances.tick(two)
        tokens += [instances.token(one), instances.token(two)]
        for token in tokens:
            instances.verifier.verify(token)
        kids.add(one.signer.kid)
        instances.clock.now += timedelta(hours=1) - LIFETIME
    assert len(kids) == 4 and len(one.keys) <= 3


async def test_rotate_now(instances: Instances) -> None:
    keyring = instances.keyring()
    await instances.tick(keyring)
    with pytest.raises(NextKeyTooYoung):
        await keyring.rotate()
    instances.clock.now += ROTATION.lead
    before, old = keyring.signer.kid, instances.token(keyring)
    current = await keyring.rotate()
    assert current.kid == keyring.signer.kid != before and current.state is State.CURRENT
    # Already published as the next key, so no verifier has to hear of the rotation first.
    instances.verifier.verify(instances.token(keyring))
    instances.clock.now += ROTATION.linger
    await instances.tick(keyring)
    with pytest.raises(Unauthenticated):
        instances.verifier.verify(old)


async def test_a_key_of_another_kind_is_not_signed_with(instances: Instances) -> None:
    keyring = instances.keyring()
    await keyring.refresh()
    der = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def spoil(keys: Keys) -> Keys:
        sealed = FileSealer(bytes(32), secrets.token_bytes).seal(der, keys[0].kid)
        return (replace(keys[0], sealed_private=sealed), *keys[1:])

    await instances.repository.change(spoil)
    with pytest.raises(TypeError):
        await instances.keyring().refresh()


class FailingKeys(MemorySigningKeys):
    """A database that is away for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.away = False

    async def load(self) -> Keys:
        self.calls += 1
        if self.away:
            raise Unavailable("away")
        return await super().load()

    async def change(self, step: Callable[[Keys], Keys]) -> Keys:
        if self.away:
            raise Unavailable("away")
        return await super().change(step)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_keeps_going_while_the_database_is_away(instances: Instances) -> None:
    repository = instances.repository = FailingKeys()
    keyring = instances.keyring()
    await keyring.refresh()
    repository.away = True
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(keep_rotating(keyring, 0.001)),
            group.create_task(keep_published(keyring, instances.mesh, 0.001)),
        ]
        await until(lambda: repository.calls > 3)
        instances.token(keyring)
        assert instances.mesh.publications == 1
        repository.away = False
        await until(lambda: all(key.publish_time for key in keyring.keys))
        for task in tasks:
            task.cancel()


async def test_no_current_key_is_unavailable(instances: Instances) -> None:
    keyring = instances.keyring()
    await keyring.refresh()
    await instances.repository.change(lambda keys: keys[1:])
    with pytest.raises(Unavailable, match="no signing key"):
        await keyring.refresh()
