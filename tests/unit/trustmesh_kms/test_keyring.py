"""What is remembered, for how long, and what ends it."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from trustmesh_chassis.errors import CallError, DataLoss, NotFound, Unavailable
from trustmesh_kms import crypto, operations
from trustmesh_kms.crypto import Payload
from trustmesh_kms.errors import KeyVersionDisabled, KmsSealed, PurposeMismatch
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.memory import MemoryKeys
from trustmesh_kms.testing import Clock, Installation, Kms


def payload(content: bytes) -> Payload:
    return Payload(content, b"aad", None, None)


async def encrypt(kms: Kms, name: str, content: bytes = b"secret") -> bytes:
    converted = await crypto.encrypt(name, payload(content), keyring=kms.keyring, budget=kms.budget, random=secrets.token_bytes)
    return converted.content


async def test_a_remembered_key_needs_no_storage(kms: Kms, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await kms.create("k")
    ciphertext = await encrypt(kms, key.name)
    monkeypatch.delattr(installation.stored_keys, "_orgs")
    monkeypatch.delattr(installation.stored_barrier, "_record")
    await encrypt(kms, key.name)
    assert (await crypto.decrypt(key.name, payload(ciphertext), keyring=kms.keyring)).content == b"secret"


@pytest.mark.parametrize("algorithm", [Algorithm.XAES_256_GCM, Algorithm.EC_SIGN_ED25519])
async def test_a_version_that_another_instance_disabled_is_refused_within_a_lease(
    installation: Installation, clock: Clock, algorithm: Algorithm
) -> None:
    here, there = await installation.start(), await installation.start()
    key = await here.create("k", algorithm)
    use = here.keyring.encryption_key if algorithm is Algorithm.XAES_256_GCM else here.keyring.signing_key
    await use(key.name)
    await there.disable(key.version_name(1))
    clock.advance(0.999)
    await use(key.name)
    clock.advance(0.001)
    with pytest.raises(KeyVersionDisabled):
        await use(key.name)


async def test_a_disabled_version_is_refused_at_once_where_it_was_disabled(kms: Kms) -> None:
    key = await kms.create("k")
    ciphertext = await encrypt(kms, key.name)
    await kms.disable(key.version_name(1))
    with pytest.raises(KeyVersionDisabled):
        await encrypt(kms, key.name)
    with pytest.raises(KeyVersionDisabled):
        await crypto.decrypt(key.name, payload(ciphertext), keyring=kms.keyring)
    await kms.enable(key.version_name(1))
    assert (await crypto.decrypt(key.name, payload(ciphertext), keyring=kms.keyring)).content == b"secret"


async def test_a_rotation_elsewhere_is_used_within_a_lease(installation: Installation, clock: Clock) -> None:
    here, there = await installation.start(), await installation.start()
    key = await here.create("k")
    assert (await here.keyring.encryption_key(key.name)).number == 1
    await there.rotate(key)
    clock.advance(1)
    assert (await here.keyring.encryption_key(key.name)).number == 2


async def test_a_seal_elsewhere_is_heeded_within_a_lease_and_so_is_the_unseal(installation: Installation, clock: Clock) -> None:
    here, there = await installation.start(), await installation.start()
    key = await here.create("k")
    await encrypt(here, key.name)
    await operations.seal(barrier=there.barrier, keyring=there.keyring)
    with pytest.raises(KmsSealed):
        await encrypt(there, key.name)
    clock.advance(1)
    with pytest.raises(KmsSealed):
        await encrypt(here, key.name)
    assert len(here.keyring) == 0
    await operations.unseal(barrier=there.barrier)
    clock.advance(1)
    await encrypt(here, key.name)


async def test_without_storage_nothing_is_used_beyond_the_lease(
    kms: Kms, installation: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await kms.create("k")
    await encrypt(kms, key.name)

    async def unreachable() -> None:
        raise Unavailable("the database is gone")

    monkeypatch.setattr(installation.stored_barrier, "record", unreachable)
    clock.advance(0.999)
    await encrypt(kms, key.name)
    clock.advance(0.001)
    with pytest.raises(Unavailable):
        await encrypt(kms, key.name)


@pytest.mark.parametrize("problem", [Unavailable("the database is gone"), DataLoss("the database is gone")], ids=["gone", "lost"])
async def test_the_watch_lets_go_of_keys_without_a_call_and_survives_an_outage(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, problem: CallError
) -> None:
    here, there = await installation.start(), await installation.start()
    await encrypt(here, (await here.create("k")).name)
    outages = iter([problem])
    real, asked = here.barrier.refresh, asyncio.Event()

    async def refresh() -> int:
        for outage in outages:
            raise outage
        asked.set()
        return await real()

    monkeypatch.setattr(here.barrier, "refresh", refresh)
    monkeypatch.setattr(here.keyring, "_lease", 0.002)
    await operations.seal(barrier=there.barrier, keyring=there.keyring)
    watch = asyncio.create_task(here.keyring.watch())
    async with asyncio.timeout(5):
        await asked.wait()
        while len(here.keyring):
            await asyncio.sleep(0)
    watch.cancel()
    assert here.barrier.sealed
    assert "the database is gone" in caplog.text


async def test_at_most_capacity_is_remembered_and_the_least_lately_used_goes(installation: Installation) -> None:
    kms = await installation.start(capacity=4)
    names = [(await kms.create(f"k{i}")).name for i in range(3)]
    for name in (names[0], names[1], names[0], names[2]):
        await encrypt(kms, name)
    assert len(kms.keyring) == 4
    assert set(kms.keyring._held) == {names[0], names[2]}
    for name in names:
        await encrypt(kms, name)


async def test_many_versions_of_one_key_stay_within_capacity(installation: Installation) -> None:
    kms = await installation.start(capacity=3)
    key = await kms.create("k")
    ciphertexts = [await encrypt(kms, key.name)]
    for _ in range(5):
        await kms.rotate(key)
        ciphertexts.append(await encrypt(kms, key.name))
    for ciphertext in ciphertexts * 2:
        assert (await crypto.decrypt(key.name, payload(ciphertext), keyring=kms.keyring)).content == b"secret"
        assert len(kms.keyring) <= 3


async def test_what_a_change_overtook_is_not_remembered(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that began before a change, and ends after it, must not put the old state back."""
    key = await kms.create("k")
    real, loaded, go_on = kms.keys.read, asyncio.Event(), asyncio.Event()

    class Slow:
        def __init__(self, org: str) -> None:
            self._inner = real(org)

        async def __aenter__(self) -> object:
            return await self._inner.__aenter__()

        async def __aexit__(self, *problem: object) -> None:
            await self._inner.__aexit__(*problem)  # type: ignore[arg-type]  # passed on as it came
            loaded.set()
            await go_on.wait()

    monkeypatch.setattr(kms.keys, "read", Slow)
    loading = asyncio.create_task(kms.keyring.encryption_key(key.name))
    await loaded.wait()
    await kms.disable(key.version_name(1))
    go_on.set()
    await loading
    monkeypatch.undo()
    with pytest.raises(KeyVersionDisabled):
        await kms.keyring.encryption_key(key.name)


async def test_callers_at_once_ask_storage_once_for_a_lease(kms: Kms, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await kms.create("k")
    await encrypt(kms, key.name)
    clock.advance(1)
    real, asked = kms.barrier.refresh, []

    async def refresh() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        return await real()

    monkeypatch.setattr(kms.barrier, "refresh", refresh)
    await asyncio.gather(*(encrypt(kms, key.name) for _ in range(20)))
    assert len(asked) == 1


@pytest.mark.parametrize("warm", [False, True], ids=["first use", "remembered"])
async def test_a_key_of_the_other_purpose_is_refused(kms: Kms, warm: bool) -> None:
    encrypting, signing = await kms.create("e"), await kms.create("s", Algorithm.EC_SIGN_ED25519)
    if warm:
        await kms.keyring.encryption_key(encrypting.name)
        await kms.keyring.signing_key(signing.name)
    for use in (
        kms.keyring.signing_key(encrypting.name),
        kms.keyring.encryption_key(signing.name),
        kms.keyring.decryption_key(signing.name, 1),
    ):
        with pytest.raises(PurposeMismatch):
            await use


async def test_what_does_not_exist_is_not_found(kms: Kms) -> None:
    key = await kms.create("s", Algorithm.EC_SIGN_ED25519)
    for name in ("orgs/demo/keys/nothing", "orgs/other/keys/s", key.version_name(2)):
        with pytest.raises(NotFound, match=f"^{name} does not exist$"):
            await kms.keyring.signing_key(name)


async def test_material_moved_to_another_tenants_row_does_not_open(kms: Kms, installation: Installation) -> None:
    mine, theirs = await kms.create("k"), await kms.create("k", org="other")
    assert isinstance(installation.stored_keys, MemoryKeys)
    orgs = installation.stored_keys._orgs
    orgs["demo"].versions["k", 1].sealed = orgs["other"].versions["k", 1].sealed
    with pytest.raises(DataLoss):
        await kms.keyring.encryption_key(mine.name)
    assert (await kms.keyring.encryption_key(theirs.name)).number == 1
