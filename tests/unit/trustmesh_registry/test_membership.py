"""Leases: who gets traffic, who is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_registry.membership import (
    Instance,
    LeaseTerms,
    RegisteredContract,
    Service,
    forgettable,
    next_lapse,
    serving,
    with_instance,
    without_instances,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTRACT = RegisteredContract("d", b"", ())
TERMS = LeaseTerms()


def instance(name: str) -> Instance:
    """Instances of the same letter, in whatever case, listen on the same port."""
    return Instance("kms", name, "127.0.0.1", ord(name.lower()), 0, "", NOW, NOW)


def service(*names: str) -> Service:
    return Service("kms", CONTRACT, NOW, NOW, {name: instance(name) for name in names})


def leases(**seconds: float) -> dict[tuple[str, str], datetime]:
    return {("kms", name): NOW + timedelta(seconds=each) for name, each in seconds.items()}


@pytest.mark.parametrize(
    ("names", "left", "expected"),
    [
        ("ab", {"a": 1, "b": 1}, "ab"),
        ("ab", {"a": 1, "b": 0}, "a"),
        ("ab", {"a": 1, "b": -9}, "a"),
        ("ab", {"a": 1}, "a"),
        ("ab", {"a": -1, "b": -2}, "ab"),
        ("a", {"a": -1}, "a"),
        ("", {}, ""),
    ],
    ids=["all live", "one just lapsed", "one long lapsed", "one without lease", "all lapsed: all kept", "last one kept", "none"],
)
def test_serving(names: str, left: dict[str, float], expected: str) -> None:
    assert "".join(each.id for each in serving(service(*names), leases(**left), NOW)) == expected


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ({"a": 1, "A": 0, "b": 1}, "A"),
        ({"a": 0, "A": 0, "b": 1}, ""),
        ({"a": 1, "A": 1, "b": 1}, ""),
        ({"a": 1, "b": -600}, "b"),
        ({"a": 1, "b": -599}, ""),
        ({"a": -600, "b": -600}, ""),
        ({"a": 1}, ""),
    ],
    ids=[
        "its socket taken",
        "another socket",
        "one socket, two live",
        "long lapsed",
        "not long enough",
        "none is live, none is forgotten",
        "without lease, just registered",
    ],
)
def test_forgettable(left: dict[str, float], expected: str) -> None:
    names = dict.fromkeys(["a", "b", *left])
    assert "".join(each.id for each in forgettable(service(*names), leases(**left), NOW, TERMS)) == expected


def test_next_lapse() -> None:
    assert next_lapse(leases(a=-1, b=3, c=2), NOW) == NOW + timedelta(seconds=2)
    assert next_lapse(leases(a=-1), NOW) is None


def test_the_contract_registered_last_counts() -> None:
    later = NOW + timedelta(seconds=1)
    newer = RegisteredContract("e", b"", ())
    first = with_instance(None, instance("a"), CONTRACT, NOW)
    second = with_instance(first, instance("b"), newer, later)
    assert (second.contract, second.create_time, second.update_time) == (newer, NOW, later)
    assert set(second.instances) == {"a", "b"}


def test_a_service_outlives_its_last_instance() -> None:
    left = without_instances(service("a"), ["a", "unknown"], NOW)
    assert (left.name, left.instances, left.contract) == ("kms", {}, CONTRACT)
