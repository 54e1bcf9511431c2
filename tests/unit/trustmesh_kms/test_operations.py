"""Use cases of KeyService and SealService."""

from __future__ import annotations

import asyncio

import pytest

from trustmesh_chassis.errors import InvalidArgument, NotFound
from trustmesh_chassis.storage import EtagMismatch, InvalidPageToken, RequestIdReused
from trustmesh_chassis.storage.listing import InvalidFilter
from trustmesh_kms import operations
from trustmesh_kms.errors import KeyExists, KeyVersionDisabled, KmsSealed, PurposeMismatch, TooManyVersions
from trustmesh_kms.keys import Algorithm, Key, VersionState
from trustmesh_kms.memory import MemoryKeys
from trustmesh_kms.operations import KeyPage, PageRequest, UpdateKey, key_etag, version_etag
from trustmesh_kms.testing import Installation, Kms

REQUEST_ID = "8f2c1a52-8f1e-4a4e-9d5e-0a3b9a1f0c11"


async def get(kms: Kms, name: str) -> Key:
    return await operations.get_key(name, keys=kms.keys)


async def update(kms: Kms, name: str, *, etag: str = "", labels: dict[str, str] | None = None, primary: str | None = None) -> Key:
    command = UpdateKey(name, etag, labels, primary)
    return await operations.update_key(command, keys=kms.keys, keyring=kms.keyring, now=kms.clock.now)


async def page(kms: Kms, size: int = 0, token: str = "", filter: str = "", org: str = "demo") -> KeyPage:
    return await operations.list_keys(PageRequest(f"orgs/{org}", size, token, filter), keys=kms.keys, tokens=kms.tokens)


def events(installation: Installation, org: str = "demo") -> list[tuple[str, str]]:
    assert isinstance(installation.stored_keys, MemoryKeys)
    return installation.stored_keys.events(org)


async def test_a_created_key_is_read_again(kms: Kms) -> None:
    key = await kms.create("k", labels={"team": "web"})
    assert await get(kms, key.name) == key
    assert (key.labels, key.created, key.uid.version) == ({"team": "web"}, kms.clock.now, 7)


async def test_an_id_is_taken_within_its_organisation_alone(kms: Kms) -> None:
    await kms.create("k")
    with pytest.raises(KeyExists):
        await kms.create("k", Algorithm.EC_SIGN_ED25519)
    await kms.create("k", org="other")


async def test_a_repeated_request_id_answers_with_the_key_it_made(kms: Kms, installation: Installation) -> None:
    key = await kms.create("k", request_id=REQUEST_ID)
    kms.clock.advance(1)
    assert await kms.create("k", request_id=REQUEST_ID) == key
    assert events(installation) == [("kms.key.created", key.name)]
    with pytest.raises(RequestIdReused):
        await kms.create("other", request_id=REQUEST_ID)


async def test_another_tenants_key_is_not_found_in_the_same_words(kms: Kms) -> None:
    await kms.create("k", org="other")
    for name in ("orgs/demo/keys/k", "orgs/other/keys/nothing"):
        with pytest.raises(NotFound, match=f"^{name} does not exist$"):
            await get(kms, name)


async def test_labels_are_replaced_as_a_whole(kms: Kms) -> None:
    key = await kms.create("k", labels={"a": "1", "b": "2"})
    kms.clock.advance(1)
    changed = await update(kms, key.name, labels={"a": "3"})
    assert (changed.labels, changed.updated) == ({"a": "3"}, kms.clock.now)
    assert key_etag(changed) != key_etag(key)


async def test_a_change_that_changes_nothing_leaves_the_etag(kms: Kms, installation: Installation) -> None:
    key = await kms.create("k", labels={"a": "1"})
    same = await update(kms, key.name, labels={"a": "1"}, primary=key.version_name(1))
    assert same == key
    assert len(events(installation)) == 1


async def test_the_primary_version_can_be_moved_back(kms: Kms) -> None:
    key = await kms.create("k")
    await kms.rotate(key)
    assert (await kms.keyring.encryption_key(key.name)).number == 2
    await update(kms, key.name, primary=key.version_name(1))
    assert (await kms.keyring.encryption_key(key.name)).number == 1


async def test_what_cannot_be_primary_is_refused(kms: Kms) -> None:
    key, other = await kms.create("k"), await kms.create("o")
    await kms.rotate(key)
    await kms.disable(key.version_name(1))
    with pytest.raises(KeyVersionDisabled):
        await update(kms, key.name, primary=key.version_name(1))
    with pytest.raises(NotFound):
        await update(kms, key.name, primary=key.version_name(3))
    with pytest.raises(InvalidArgument) as failure:
        await update(kms, key.name, primary=other.version_name(1))
    assert [violation.field for violation in failure.value.fields] == ["key.primary_version"]


async def test_changes_with_an_old_etag_are_refused(kms: Kms) -> None:
    key = await kms.create("k")
    current = await kms.rotate(key, key_etag(key))
    for change in (kms.rotate(key, key_etag(key)), update(kms, key.name, etag=key_etag(key), labels={"a": "1"})):
        with pytest.raises(EtagMismatch):
            await change
    assert await get(kms, key.name) == current
    _, version = await operations.get_key_version(key.version_name(1), keys=kms.keys)
    etag = version_etag(key, version)
    disabled = await kms.disable(key.version_name(1), etag)
    assert await kms.disable(key.version_name(1), etag) == disabled  # repeated: answered as it is
    with pytest.raises(EtagMismatch):
        await kms.enable(key.version_name(1), etag)


async def test_a_rehearsal_answers_and_changes_nothing(kms: Kms, installation: Installation) -> None:
    key = await kms.create("k")
    assert (await kms.rotate(key, rehearsal=True)).primary == 2
    assert (await kms.disable(key.version_name(1), rehearsal=True)).state is VersionState.DISABLED
    assert await get(kms, key.name) == key
    assert (await kms.keyring.encryption_key(key.name)).number == 1
    assert events(installation) == [("kms.key.created", key.name)]


async def test_changes_are_announced(kms: Kms, installation: Installation) -> None:
    key = await kms.create("k")
    await update(kms, key.name, labels={"a": "1"})
    await kms.rotate(key)
    await kms.disable(key.version_name(1))
    await kms.disable(key.version_name(1))
    await kms.enable(key.version_name(1))
    assert events(installation) == [
        ("kms.key.created", key.name),
        ("kms.key.updated", key.name),
        ("kms.key.rotated", key.name),
        ("kms.version.disabled", key.version_name(1)),
        ("kms.version.enabled", key.version_name(1)),
    ]


async def test_rotations_at_once_make_a_version_each(kms: Kms) -> None:
    key = await kms.create("k")
    rotated = await asyncio.gather(*(kms.rotate(key) for _ in range(5)))
    assert sorted(each.primary for each in rotated) == [2, 3, 4, 5, 6]


async def test_rotation_is_bounded(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustmesh_kms.keys.MAX_VERSIONS", 2)
    key = await kms.create("k")
    await kms.rotate(key)
    with pytest.raises(TooManyVersions):
        await kms.rotate(key)


async def test_keys_are_listed_page_by_page_in_order(kms: Kms) -> None:
    for key_id in ("c", "a", "e", "b", "d"):
        await kms.create(key_id)
    await kms.create("f", org="other")
    seen, token = [], ""
    while True:
        shown = await page(kms, 2, token)
        seen.append([key.id for key in shown.keys])
        if not (token := shown.next_token):
            break
    assert seen == [["a", "b"], ["c", "d"], ["e"]]


async def test_keys_are_filtered(kms: Kms) -> None:
    await kms.create("a", labels={"team": "web"})
    await kms.create("b", Algorithm.EC_SIGN_ED25519, labels={"team": "web"})
    await kms.create("c", Algorithm.AES_256_GCM, labels={"team": "ops"})
    for filter, expected in (
        ("labels.team = web", ["a", "b"]),
        ("labels.team = web AND purpose = SIGN_VERIFY", ["b"]),
        ("algorithm = AES_256_GCM", ["c"]),
        ("labels.nothing = web", []),
    ):
        assert [key.id for key in (await page(kms, filter=filter)).keys] == expected
    with pytest.raises(InvalidFilter):
        await page(kms, filter="nonsense")


async def test_a_page_token_is_good_for_its_own_query_alone(kms: Kms) -> None:
    for key_id in ("a", "b", "c"):
        await kms.create(key_id)
    token = (await page(kms, 1)).next_token
    for wrong in (page(kms, 1, token, org="other"), page(kms, 1, token, "purpose = SIGN_VERIFY"), page(kms, 1, token[:-2])):
        with pytest.raises(InvalidPageToken):
            await wrong


async def test_versions_are_listed_newest_first(kms: Kms) -> None:
    key = await kms.create("k")
    for _ in range(4):
        await kms.rotate(key)
    seen, token = [], ""
    while True:
        request = PageRequest(key.name, 2, token)
        shown = await operations.list_key_versions(request, keys=kms.keys, tokens=kms.tokens)
        seen.append([version.number for version in shown.versions])
        if not (token := shown.next_token):
            break
    assert seen == [[5, 4], [3, 2], [1]]
    with pytest.raises(NotFound):
        await operations.list_key_versions(PageRequest("orgs/demo/keys/no", 2, ""), keys=kms.keys, tokens=kms.tokens)


async def test_versions_that_do_not_exist_are_not_found(kms: Kms) -> None:
    key = await kms.create("k")
    for name in (key.version_name(2), "orgs/demo/keys/no/versions/1"):
        with pytest.raises(NotFound, match=f"^{name} does not exist$"):
            await operations.get_key_version(name, keys=kms.keys)
        with pytest.raises(NotFound):
            await kms.disable(name)


async def test_the_public_key_is_for_enabled_signing_versions(kms: Kms) -> None:
    signing, encrypting = await kms.create("s", Algorithm.EC_SIGN_P256_SHA256), await kms.create("e")
    public = await operations.get_public_key(signing.version_name(1), keyring=kms.keyring)
    assert (public.version, public.algorithm) == (signing.version_name(1), Algorithm.EC_SIGN_P256_SHA256)
    assert public.pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    await kms.disable(signing.version_name(1))
    with pytest.raises(KeyVersionDisabled):
        await operations.get_public_key(signing.version_name(1), keyring=kms.keyring)
    with pytest.raises(PurposeMismatch):
        await operations.get_public_key(encrypting.version_name(1), keyring=kms.keyring)


async def test_every_operation_is_refused_while_sealed(kms: Kms) -> None:
    key = await kms.create("k", Algorithm.AES_256_GCM)
    version = await kms.keyring.encryption_key(key.name)
    status = await operations.seal(barrier=kms.barrier, keyring=kms.keyring)
    assert status.sealed
    for operation in (
        kms.create("other"),
        get(kms, key.name),
        page(kms),
        update(kms, key.name, labels={}),
        kms.rotate(key),
        operations.get_key_version(key.version_name(1), keys=kms.keys),
        operations.list_key_versions(PageRequest(key.name, 0, ""), keys=kms.keys, tokens=kms.tokens),
        kms.disable(key.version_name(1)),
        kms.enable(key.version_name(1)),
        operations.get_public_key(key.version_name(1), keyring=kms.keyring),
        kms.keyring.encryption_key(key.name),
        kms.keyring.decryption_key(key.name, 1),
        kms.keyring.signing_key(key.name),
        kms.budget.spend(version, 1),
        operations.rotate_content_key(barrier=kms.barrier),
    ):
        with pytest.raises(KmsSealed):
            await operation
    assert not (await operations.unseal(barrier=kms.barrier)).sealed
    assert (await get(kms, key.name)).name == key.name


async def test_keys_survive_a_rotation_of_the_content_key(kms: Kms, installation: Installation) -> None:
    key = await kms.create("k", Algorithm.EC_SIGN_ED25519)
    before = await operations.get_public_key(key.version_name(1), keyring=kms.keyring)
    status = await operations.rotate_content_key(barrier=kms.barrier)
    assert status.record is not None
    assert status.record.content_key == 2
    await kms.rotate(key)
    restarted = await installation.start()
    assert await operations.get_public_key(key.version_name(1), keyring=restarted.keyring) == before
    assert (await operations.get_public_key(key.version_name(2), keyring=restarted.keyring)).pem != before.pem
