from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from trustmesh_chassis.errors import InvalidArgument
from trustmesh_chassis.storage import EtagMismatch, InvalidPageToken, PageTokens, etag_of, page_size, require_etag

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_etags_tell_every_value_apart() -> None:
    states: list[tuple[object, ...]] = [
        (),
        ("",),
        ("", ""),
        ("a", "b"),
        ("ab",),
        ("a", "b", None),
        (None,),
        (0,),
        ("0",),
        (b"0",),
        (False,),
        (True,),
        (1,),
        (12, 3),
        (1, 23),
        (NOON,),
        (NOON.isoformat(),),
        (NOON + timedelta(microseconds=1),),
    ]
    assert len({etag_of(*state) for state in states}) == len(states)  # type: ignore[arg-type] # a mixed table


def test_an_etag_is_the_same_for_the_same_moment() -> None:
    assert etag_of(NOON) == etag_of(NOON.astimezone(timezone(timedelta(hours=5))))


def test_require_etag() -> None:
    require_etag("", "anything")
    require_etag("same", "same")
    with pytest.raises(EtagMismatch):
        require_etag("old", "new")


@pytest.mark.parametrize(("requested", "given"), [(0, 50), (1, 1), (50, 50), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_page_size(requested: int, given: int) -> None:
    assert page_size(requested) == given


def test_a_negative_page_size_names_its_field() -> None:
    with pytest.raises(InvalidArgument) as caught:
        page_size(-1)
    assert [violation.field for violation in caught.value.fields] == ["page_size"]


TOKENS = PageTokens(bytes(range(32)))


@pytest.mark.parametrize("position", [(), ("a",), ("ä", 7, -1), (NOON, "id"), ("",)])
def test_a_page_token_gives_its_position_back(position: tuple[str | int | datetime, ...]) -> None:
    assert TOKENS.read(TOKENS.issue(position, "list", "orgs/a"), "list", "orgs/a") == position


def test_the_empty_token_is_the_first_page() -> None:
    assert TOKENS.read("", "list") is None


def test_a_token_tells_nothing() -> None:
    assert "secret" not in TOKENS.issue(["secret"], "list")


@pytest.mark.parametrize(
    "query", [(), ("list",), ("list", "orgs/b"), ("lis", "torgs/a"), ("list", "orgs/a", ""), ("listorgs/a",)]
)
def test_a_token_is_good_for_its_query_only(query: tuple[str, ...]) -> None:
    token = TOKENS.issue(["a"], "list", "orgs/a")
    with pytest.raises(InvalidPageToken) as caught:
        TOKENS.read(token, *query)
    assert [violation.field for violation in caught.value.fields] == ["page_token"]


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidPageToken):
        TOKENS.read(PageTokens(b"x" * 32).issue(["a"], "list"), "list")


def test_a_changed_token_is_refused() -> None:
    token = TOKENS.issue(["a"], "list")
    for at in range(len(token) - 1):
        with pytest.raises(InvalidPageToken):
            TOKENS.read(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :], "list")


@pytest.mark.parametrize("token", ["A", "AAAA", "ü", "....", "' OR 1=1 --", "A" * 1024])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        TOKENS.read(token, "list")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        PageTokens(b"short")
