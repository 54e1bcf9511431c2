from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_petstore.errors import OutOfStock, StockLimitReached
from trustmesh_petstore.names import etag
from trustmesh_petstore.pets import STOCK_LIMIT, Pet, Species, matches, words_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
REX = Pet(
    org="north",
    id="rex",
    display_name="Rex the Dog",
    species=Species.DOG,
    price_cents=100,
    stock=3,
    tags=("good-boy",),
    create_time=NOW,
    update_time=NOW,
)


@pytest.mark.parametrize(("quantity", "left"), [(1, 2), (3, 0)])
def test_taken(quantity: int, left: int) -> None:
    assert REX.taken(quantity, LATER) == replace(REX, stock=left, update_time=LATER, revision=2)


def test_no_more_is_taken_than_there_is() -> None:
    with pytest.raises(OutOfStock):
        REX.taken(4, LATER)


def test_added_up_to_the_limit() -> None:
    assert REX.added(STOCK_LIMIT - 3, LATER).stock == STOCK_LIMIT
    with pytest.raises(StockLimitReached):
        REX.added(STOCK_LIMIT - 2, LATER)


def test_returned_always_has_room() -> None:
    assert replace(REX, stock=STOCK_LIMIT).returned(2, LATER).stock == STOCK_LIMIT + 2


def test_every_change_has_its_own_etag() -> None:
    changed = REX.changed(LATER, display_name="Max")
    namesake = replace(REX, create_time=LATER)
    assert len({etag(each) for each in (REX, changed, changed.changed(LATER), namesake)}) == 4
    assert etag(REX) == etag(replace(REX))


@pytest.mark.parametrize(
    ("text", "found"),
    [("rex", True), ("DOG rex", True), ("the d", True), ("good", True), ("boy", False), ("rex cat", False), ("ex", False)],
)
def test_matches(text: str, found: bool) -> None:
    assert matches(REX, words_of(text)) is found
