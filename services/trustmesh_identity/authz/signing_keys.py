"""The life of signing keys: next (published, unused), current (signs), retired (published until its last token expires).

Pure: what the keys become at a moment. The private part is sealed; a retired key has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from trustmesh_identity.authz.errors import NextKeyTooYoung


class State(Enum):
    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair. `sequence` counts the keys that ever were; `x` and `y` are the public point's coordinates, 32 bytes each."""

    sequence: int
    kid: str
    state: State
    x: bytes
    y: bytes
    sealed_private: bytes
    create_time: datetime
    publish_time: datetime | None = None
    activate_time: datetime | None = None
    expire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """`period`: how long a key signs. `lead`: how long the next is published before it may sign. `linger`: how long a retired
    one stays published, which is a token's whole life and the time until every instance has stopped signing with it."""

    period: timedelta
    lead: timedelta
    linger: timedelta


NewKey = Callable[[int], SigningKey]
"""Makes the key of a sequence number, in state NEXT."""

Keys = tuple[SigningKey, ...]


def current_of(keys: Iterable[SigningKey]) -> SigningKey | None:
    return next((key for key in keys if key.state is State.CURRENT), None)


def next_of(keys: Iterable[SigningKey]) -> SigningKey | None:
    return next((key for key in keys if key.state is State.NEXT), None)


def advance(keys: Keys, now: datetime, rotation: Rotation, new_key: NewKey) -> Keys:
    """What the keys are at `now`: the same tuple when nothing is due."""
    if not keys:
        return (replace(new_key(1), state=State.CURRENT, activate_time=now), new_key(2))
    current, upcoming = current_of(keys), next_of(keys)
    if current and upcoming and _due(current, now, rotation) and _ready(upcoming, now, rotation):
        keys = _promote(keys, now, rotation, new_key)
    if all(key.expire_time is None or now < key.expire_time for key in keys):
        return keys
    return tuple(key for key in keys if key.expire_time is None or now < key.expire_time)


def rotate(keys: Keys, now: datetime, rotation: Rotation, new_key: NewKey) -> Keys:
    """The keys after the next one has become current, ahead of its time.

    Raises NextKeyTooYoung while it has not been published for `rotation.lead`.
    """
    upcoming = next_of(keys)
    if upcoming is None or upcoming.publish_time is None:
        raise NextKeyTooYoung("The next key is not published yet; try again in a moment.")
    if not _ready(upcoming, now, rotation):
        wait = (upcoming.publish_time + rotation.lead - now).total_seconds()
        raise NextKeyTooYoung(f"The next key is too young for every verifier to have it; try again in {wait:.0f} seconds.")
    return _promote(keys, now, rotation, new_key)


def published(keys: Keys, kids: Iterable[str], now: datetime) -> Keys:
    """The keys, with those of `kids` marked as published at `now` unless they were before."""
    marked = frozenset(kids)
    return tuple(replace(key, publish_time=now) if key.kid in marked and key.publish_time is None else key for key in keys)


def _due(current: SigningKey, now: datetime, rotation: Rotation) -> bool:
    return current.activate_time is not None and now >= current.activate_time + rotation.period


def _ready(upcoming: SigningKey, now: datetime, rotation: Rotation) -> bool:
    return upcoming.publish_time is not None and now >= upcoming.publish_time + rotation.lead


def _promote(keys: Keys, now: datetime, rotation: Rotation, new_key: NewKey) -> Keys:
    def promoted(key: SigningKey) -> SigningKey:
        match key.state:
            case State.CURRENT:
                return replace(key, state=State.RETIRED, sealed_private=b"", expire_time=now + rotation.linger)
            case State.NEXT:
                return replace(key, state=State.CURRENT, activate_time=now)
            case State.RETIRED:
                return key

    return (*map(promoted, keys), new_key(max(key.sequence for key in keys) + 1))
