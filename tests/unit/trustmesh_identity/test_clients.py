from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_chassis.tokens import Principal
from trustmesh_identity.authz.clients import (
    Client,
    ScopeRefused,
    SecretRefused,
    digest_of,
    make_client,
    make_client_id,
    make_secret,
    narrow,
    org_of,
    require_held,
    verify_secret,
)
from trustmesh_identity.authz.errors import GrantNotHeld

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
SECRET = make_secret(bytes(range(32)))


def client(scopes: tuple[str, ...] = ("kms.*", "petstore.pets.get"), orgs: tuple[str, ...] = ()) -> Client:
    return make_client(
        "demo",
        "all",
        display_name="",
        scopes=scopes,
        orgs=orgs,
        secret_digest=digest_of(SECRET),
        client_id=make_client_id("demo", bytes(10)),
        now=NOW,
    )


def principal(*scopes: str, orgs: tuple[str, ...] = ("demo",)) -> Principal:
    return Principal("s", "c", frozenset(orgs), frozenset(scopes), 1, "t", 0)


def test_secret_has_256_bits_and_a_mark_for_scanners() -> None:
    assert SECRET == "tmcs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert SECRET not in repr(client())


def test_client_acts_in_its_own_organisation_unless_told_otherwise() -> None:
    assert client().orgs == ("demo",)
    assert client(orgs=("demo", "other")).orgs == ("demo", "other")


@pytest.mark.parametrize(
    ("client_id", "org"),
    [
        ("demo.aaaaaaaaaaaaaaaa", "demo"),
        (make_client_id("a-b", bytes(10)), "a-b"),
        ("demo", None),
        ("demo.", None),
        (".aaaa", None),
        ("", None),
        ("demo.a'--", None),
        ("demo.é", None),
        ("o" * 64 + ".a", None),
        ("demo." + "a" * 33, None),
    ],
)
def test_org_of(client_id: str, org: str | None) -> None:
    assert org_of(client_id) == org


def test_verify_secret_gives_the_client() -> None:
    assert verify_secret(client(), SECRET, NOW) == client()


@pytest.mark.parametrize("secret", ["", "tmcs_", SECRET[:-1], SECRET + "A", SECRET.upper(), "\ud800", bytes(32).hex()])
def test_verify_secret_refuses(secret: str) -> None:
    for known in (client(), None):
        with pytest.raises(SecretRefused):
            verify_secret(known, secret, NOW)


def test_verify_secret_refuses_an_unknown_client() -> None:
    with pytest.raises(SecretRefused):
        verify_secret(None, SECRET, NOW)


def test_previous_secret_is_good_for_as_long_as_was_said() -> None:
    new = make_secret(bytes(32))
    rotated = client().with_secret(digest_of(new), NOW, timedelta(hours=1))
    almost = NOW + timedelta(hours=1) - timedelta(microseconds=1)
    for secret in (SECRET, new):
        verify_secret(rotated, secret, almost)
    verify_secret(rotated, new, NOW + timedelta(hours=1))
    with pytest.raises(SecretRefused):
        verify_secret(rotated, SECRET, NOW + timedelta(hours=1))


def test_previous_secret_ends_at_once_by_default() -> None:
    rotated = client().with_secret(digest_of(make_secret(bytes(32))), NOW, timedelta())
    assert rotated.previous_secret is None and rotated.secret_create_time == NOW and rotated.revision == 2
    with pytest.raises(SecretRefused):
        verify_secret(rotated, SECRET, NOW)


def test_second_rotation_ends_the_first_secret() -> None:
    second, third = (make_secret(bytes([number]) * 32) for number in (1, 2))
    twice = client().with_secret(digest_of(second), NOW, timedelta(days=1)).with_secret(digest_of(third), NOW, timedelta(days=1))
    verify_secret(twice, second, NOW)
    with pytest.raises(SecretRefused):
        verify_secret(twice, SECRET, NOW)


@pytest.mark.parametrize(
    ("asked", "narrowed"),
    [
        ((), ("kms.*", "petstore.pets.get")),
        (("kms.keys.encrypt",), ("kms.keys.encrypt",)),
        (("kms.keys.*", "kms.keys.*", "petstore.pets.get"), ("kms.keys.*", "petstore.pets.get")),
    ],
)
def test_narrow(asked: tuple[str, ...], narrowed: tuple[str, ...]) -> None:
    assert narrow(client(), asked) == narrowed


@pytest.mark.parametrize("asked", ["*", "petstore.*", "petstore.pets.list", "pki.certificates.get", "kms*"])
def test_narrow_refuses_what_was_not_granted(asked: str) -> None:
    with pytest.raises(ScopeRefused):
        narrow(client(), ("kms.keys.get", asked))


def test_require_held_passes_what_the_caller_holds() -> None:
    require_held(principal("kms.*", "petstore.pets.get"), ("kms.*", "kms.keys.get", "petstore.pets.get"), ("demo",))
    require_held(principal("*", orgs=("demo", "other")), ("*",), ("other",))


@pytest.mark.parametrize(
    ("scopes", "orgs"), [(("*",), ()), (("kms.*", "pki.*"), ()), (("petstore.*",), ()), ((), ("other",)), ((), ("platform",))]
)
def test_require_held_refuses_the_rest(scopes: tuple[str, ...], orgs: tuple[str, ...]) -> None:
    with pytest.raises(GrantNotHeld):
        require_held(principal("kms.*", "petstore.pets.get"), scopes, orgs)
