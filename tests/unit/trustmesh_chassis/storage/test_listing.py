from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

import pytest
from sqlalchemy import Column, Integer, MetaData, select

from trustmesh_chassis.errors import FieldViolation
from trustmesh_chassis.storage import ByteText, InvalidPageToken, PageTokens, UtcTime, tenant_table
from trustmesh_chassis.storage.listing import (
    Collection,
    Condition,
    InvalidFilter,
    InvalidOrder,
    Query,
    chosen,
    integer,
    page,
    selected,
)


class Colour(Enum):
    RED = auto()
    BLUE = auto()


@dataclass(frozen=True)
class Thing:
    id: str
    colour: Colour
    size: int
    made: datetime


TOKENS = PageTokens(bytes(32))
THINGS = Collection(
    "things", {"colour": Colour.__getitem__, "size": integer, "title": str}, frozenset({"name", "size", "made", "colour"})
)
START = datetime(2026, 1, 1, tzinfo=UTC)
SHELF = [Thing(f"t{n}", Colour.RED if n % 2 else Colour.BLUE, n // 3, START - timedelta(days=n)) for n in range(10)]


def query(filter: str = "", order_by: str = "", size: int = 0, token: str = "") -> Query:
    return THINGS.query(TOKENS, "orgs/a", size=size, token=token, filter=filter, order_by=order_by)


@pytest.mark.parametrize(
    ("written", "conditions"),
    [
        ("", []),
        ("   ", []),
        ("size = 3", [Condition("size", "=", 3)]),
        ("size=-3", [Condition("size", "=", -3)]),
        ("size>=3 AND size<5", [Condition("size", ">=", 3), Condition("size", "<", 5)]),
        ("  size  !=  3  ", [Condition("size", "!=", 3)]),
        ("colour = RED", [Condition("colour", "=", "RED")]),
        ('title = "a AND b"', [Condition("title", "=", "a AND b")]),
        (r'title = "say \"hi\" \\"', [Condition("title", "=", 'say "hi" \\')]),
        ('title = ""', [Condition("title", "=", "")]),
        ("title = AND AND size > 1", [Condition("title", "=", "AND"), Condition("size", ">", 1)]),
        ("""title = "x'; DROP TABLE things --" """, [Condition("title", "=", "x'; DROP TABLE things --")]),
        ("title = ä", [Condition("title", "=", "ä")]),
    ],
)
def test_filters(written: str, conditions: list[Condition]) -> None:
    assert list(query(written).conditions) == conditions


@pytest.mark.parametrize(
    ("written", "description"),
    [
        ("size", "cannot be read at position 0"),
        ("size = ", "cannot be read at position 0"),
        ("size = 3 size = 4", "cannot be read at position 0"),
        ("size = 3 AND ", "cannot be read at position 13"),
        ("size = 3 OR size = 4", "cannot be read at position 0"),
        ("(size = 3)", "cannot be read at position 0"),
        ("title = x'; DROP", "cannot be read at position 0"),
        ("NOT size = 3", "cannot be read at position 0"),
        ('title = "open', "cannot be read at position 0"),
        ("made = 3", "cannot compare made; it compares colour, size, title"),
        ("size = three", "compares size with what it cannot be"),
        ("size = 9223372036854775808", "compares size with what it cannot be"),
        ("colour = GREEN", "compares colour with what it cannot be"),
        ("colour = __class__", "compares colour with what it cannot be"),
        ('title = "a\0b"', "holds control characters"),
        (" AND ".join(["size = 1"] * 9), "has more than 8 comparisons"),
    ],
)
def test_filters_that_are_refused(written: str, description: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        query(written)
    assert caught.value.fields == (FieldViolation("filter", description),)


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ("", [("id", False)]),
        ("name", [("id", False)]),
        ("name desc", [("id", True)]),
        ("size", [("size", False), ("id", False)]),
        ("size asc , made desc", [("size", False), ("made", True), ("id", False)]),
        ("size,name desc", [("size", False), ("id", True)]),
    ],
)
def test_orders(written: str, order: list[tuple[str, bool]]) -> None:
    assert list(query(order_by=written).order) == order


@pytest.mark.parametrize("written", ["id", "title", "size descending", "size,size", "size,,made", ",", "size;", "name, name"])
def test_orders_that_are_refused(written: str) -> None:
    with pytest.raises(InvalidOrder) as caught:
        query(order_by=written)
    assert caught.value.fields[0].field == "order_by"


@pytest.mark.parametrize("order_by", ["", "name desc", "size", "size desc", "made", "colour desc,size", "colour,made desc"])
@pytest.mark.parametrize("size", [1, 3, 9, 10, 11])
def test_pages_join_to_the_whole(order_by: str, size: int) -> None:
    whole, token = page(chosen(SHELF, query(order_by=order_by)), query(order_by=order_by), TOKENS)
    pages: list[Thing] = []
    assert token == "" and len(whole) == 10
    while True:
        asked = query(order_by=order_by, size=size, token=token)
        found, token = page(chosen(SHELF, asked), asked, TOKENS)
        pages += found
        if not token:
            break
        assert len(found) == size
    assert pages == list(whole)


def test_chosen_meets_every_condition() -> None:
    found = chosen(SHELF, query("colour = RED AND size >= 1 AND size != 2"))
    assert [thing.id for thing in found] == ["t3", "t5", "t9"]


def test_a_token_belongs_to_its_filter_and_order() -> None:
    asked = query(size=2)
    _, token = page(chosen(SHELF, asked), asked, TOKENS)
    with pytest.raises(InvalidPageToken):
        query(token=token, filter="size > 0")
    with pytest.raises(InvalidPageToken):
        query(token=token, order_by="size")


def test_selected_binds_every_value() -> None:
    table = tenant_table(
        "things",
        MetaData(),
        Column("id", ByteText(63), primary_key=True),
        Column("title", ByteText(63)),
        Column("size", Integer),
        Column("made", UtcTime),
    )
    asked = Query((Condition("title", "=", "x' --"),), (("made", True), ("id", False)), (START, "t'1"), 2, ())
    compiled = selected(select(table.c.id), table.c, asked).compile()
    assert "'" not in str(compiled)
    assert set(compiled.params.values()) == {"x' --", START, "t'1", 3}
    first = selected(select(table.c.id), table.c, Query((), (("id", False),), None, 2, ())).compile()
    assert list(first.params.values()) == [3]
