"""The domain: what may become of keys and versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from trustmesh_kms import keys
from trustmesh_kms.errors import AlgorithmUnsuitable, KeyVersionDisabled, PurposeMismatch, TooManyVersions
from trustmesh_kms.keys import Algorithm, Key, KeyVersion, Purpose, VersionState

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
UID = UUID("01936a00-0000-7000-8000-000000000001")


def fresh(purpose: Purpose = Purpose.ENCRYPT_DECRYPT, algorithm: Algorithm | None = None) -> tuple[Key, KeyVersion]:
    return keys.new_key("demo", "k", UID, purpose, algorithm, {"team": "web"}, NOW)


@pytest.mark.parametrize(
    ("purpose", "algorithm"),
    [(Purpose.ENCRYPT_DECRYPT, Algorithm.XAES_256_GCM), (Purpose.SIGN_VERIFY, Algorithm.EC_SIGN_P256_SHA256)],
)
def test_each_purpose_has_a_default(purpose: Purpose, algorithm: Algorithm) -> None:
    assert fresh(purpose)[0].algorithm is algorithm


def test_an_algorithm_of_another_purpose_is_refused() -> None:
    with pytest.raises(AlgorithmUnsuitable):
        fresh(Purpose.SIGN_VERIFY, Algorithm.AES_256_GCM)
    with pytest.raises(AlgorithmUnsuitable):
        fresh(Purpose.ENCRYPT_DECRYPT, Algorithm.EC_SIGN_ED25519)


def test_a_new_key_has_one_enabled_primary_version() -> None:
    key, version = fresh()
    assert (key.primary, key.latest, version.number, version.state) == (1, 1, 1, VersionState.ENABLED)
    assert (key.name, key.version_name(1)) == ("orgs/demo/keys/k", "orgs/demo/keys/k/versions/1")


def test_rotation_adds_a_version_and_makes_it_primary() -> None:
    key, version = keys.rotate(fresh()[0], LATER)
    assert (key.primary, key.latest, version.number, key.updated, key.revision) == (2, 2, 2, LATER, 2)


def test_rotation_continues_behind_the_latest_when_an_older_one_is_primary() -> None:
    first, version = fresh()
    key = keys.promote(keys.rotate(first, LATER)[0], version, LATER)
    assert key.primary == 1
    assert keys.rotate(key, LATER)[0].primary == 3


def test_versions_are_bounded() -> None:
    key, _ = fresh()
    while key.latest < keys.MAX_VERSIONS:
        key, _ = keys.rotate(key, LATER)
    with pytest.raises(TooManyVersions):
        keys.rotate(key, LATER)


def test_disabling_and_enabling_are_harmless_to_repeat() -> None:
    _, version = fresh()
    disabled = keys.disable(version, LATER)
    assert (disabled.state, disabled.updated, disabled.revision) == (VersionState.DISABLED, LATER, 2)
    assert keys.disable(disabled, LATER + timedelta(1)) is disabled
    enabled = keys.enable(disabled, LATER)
    assert (enabled.state, enabled.revision) == (VersionState.ENABLED, 3)
    assert keys.enable(enabled, LATER) is enabled


def test_a_disabled_version_cannot_become_primary() -> None:
    key, version = fresh()
    with pytest.raises(KeyVersionDisabled, match="versions/1 is disabled"):
        keys.promote(key, keys.disable(version, LATER), LATER)


def test_a_key_serves_its_purpose_alone() -> None:
    keys.require_purpose("k", Purpose.SIGN_VERIFY, Purpose.SIGN_VERIFY)
    with pytest.raises(PurposeMismatch, match="SIGN_VERIFY alone"):
        keys.require_purpose("k", Purpose.SIGN_VERIFY, Purpose.ENCRYPT_DECRYPT)


def test_names_are_taken_apart() -> None:
    assert keys.split_key("orgs/demo/keys/k") == ("demo", "k")
    assert keys.split_version("orgs/demo/keys/k/versions/12") == ("orgs/demo/keys/k", 12)
    assert keys.split_version("orgs/demo/keys/k") == ("orgs/demo/keys/k", None)
