from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_identity.authz.errors import NextKeyTooYoung
from trustmesh_identity.authz.signing_keys import (
    Keys,
    Rotation,
    SigningKey,
    State,
    advance,
    current_of,
    next_of,
    published,
    rotate,
)

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
ROTATION = Rotation(period=timedelta(days=30), lead=timedelta(minutes=5), linger=timedelta(minutes=11))
SECOND = timedelta(seconds=1)


def new_key(sequence: int) -> SigningKey:
    return SigningKey(sequence, f"k{sequence}", State.NEXT, bytes(32), bytes(32), b"sealed", NOW)


def first() -> Keys:
    """The keys of a server that published them when it first started."""
    return published(advance((), NOW, ROTATION, new_key), ["k1", "k2"], NOW)


def states(keys: Keys) -> dict[str, State]:
    return {key.kid: key.state for key in keys}


def test_first_start_makes_a_key_that_signs_and_the_next() -> None:
    keys = advance((), NOW, ROTATION, new_key)
    assert states(keys) == {"k1": State.CURRENT, "k2": State.NEXT}
    assert current_of(keys) == keys[0] and keys[0].activate_time == NOW


def test_nothing_is_due_before_the_period_ends() -> None:
    keys = first()
    assert advance(keys, NOW + ROTATION.period - SECOND, ROTATION, new_key) is keys


def test_rotation_promotes_the_next_and_keeps_the_old_one_published() -> None:
    due = NOW + ROTATION.period
    keys = advance(first(), due, ROTATION, new_key)
    assert states(keys) == {"k1": State.RETIRED, "k2": State.CURRENT, "k3": State.NEXT}
    retired, current, upcoming = keys
    assert retired.expire_time == due + ROTATION.linger and retired.sealed_private == b""
    assert current.activate_time == due and current.sealed_private == b"sealed"
    assert upcoming.publish_time is None


def test_old_key_leaves_when_its_last_token_has_expired() -> None:
    due = NOW + ROTATION.period
    keys = advance(first(), due, ROTATION, new_key)
    assert advance(keys, due + ROTATION.linger - SECOND, ROTATION, new_key) is keys
    assert states(advance(keys, due + ROTATION.linger, ROTATION, new_key)) == {"k2": State.CURRENT, "k3": State.NEXT}


def test_next_key_does_not_sign_before_every_verifier_can_have_it() -> None:
    unpublished = advance((), NOW, ROTATION, new_key)
    late = NOW + ROTATION.period * 2
    assert advance(unpublished, late, ROTATION, new_key) is unpublished
    just_published = published(unpublished, ["k2"], late)
    assert advance(just_published, late + ROTATION.lead - SECOND, ROTATION, new_key) is just_published
    assert states(advance(just_published, late + ROTATION.lead, ROTATION, new_key))["k2"] is State.CURRENT


def test_rotate_is_advance_ahead_of_time() -> None:
    keys = rotate(first(), NOW + ROTATION.lead, ROTATION, new_key)
    assert states(keys) == {"k1": State.RETIRED, "k2": State.CURRENT, "k3": State.NEXT}


def test_two_rotations_in_a_row_keep_both_old_keys_until_each_expires() -> None:
    now = NOW + ROTATION.lead
    keys = rotate(first(), now, ROTATION, new_key)
    keys = published(keys, ["k3"], now)
    keys = rotate(keys, now + ROTATION.lead, ROTATION, new_key)
    assert states(keys) == {"k1": State.RETIRED, "k2": State.RETIRED, "k3": State.CURRENT, "k4": State.NEXT}
    assert states(advance(keys, now + ROTATION.linger, ROTATION, new_key)).keys() == {"k2", "k3", "k4"}


def test_rotate_refuses_a_next_key_that_is_too_young() -> None:
    with pytest.raises(NextKeyTooYoung, match="not published"):
        rotate(advance((), NOW, ROTATION, new_key), NOW, ROTATION, new_key)
    with pytest.raises(NextKeyTooYoung, match="in 1 seconds"):
        rotate(first(), NOW + ROTATION.lead - SECOND, ROTATION, new_key)
    with pytest.raises(NextKeyTooYoung):
        rotate((), NOW, ROTATION, new_key)


def test_published_notes_the_first_time_only() -> None:
    keys = published(first(), ["k1", "k2", "unknown"], NOW + SECOND)
    assert keys == first()


def test_years_of_rotation_leave_few_keys_and_never_a_gap() -> None:
    keys, now = first(), NOW
    for _ in range(100):
        now += timedelta(days=7)
        keys = published(advance(keys, now, ROTATION, new_key), [key.kid for key in keys], now)
        assert current_of(keys) and next_of(keys) and len(keys) <= 3
        keys = published(keys, [key.kid for key in keys], now)
