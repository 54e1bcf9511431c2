"""Lists as CONTRACTS wants them: a bounded subset of AIP-160 filters, an allow-list of orders, pages by position.

`Collection.query` reads a request's fields into a `Query` of plain values. `selected` puts it on a SELECT, `chosen` on values in
memory, and `page` cuts what they yield and makes the token of the next page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from trustmesh_chassis.errors import FieldViolation, InvalidArgument
from trustmesh_chassis.storage.paging import PageTokens, page_size

Value = str | int | datetime
Columns = ReadOnlyColumnCollection[str, Any]
T = TypeVar("T")

MAX_CONDITIONS = 8
_OPERATORS = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_CONDITION = re.compile(r"""\s*([a-z_]+)\s*(!=|<=|>=|=|<|>)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"\\]+))(?:\s+(AND)\s|\s*$)""")
_ORDER = re.compile(r"\s*([a-z_]+)(?:\s+(asc|desc))?\s*")


class InvalidFilter(InvalidArgument, shared=True):
    """The filter is not one that the collection understands."""


class InvalidOrder(InvalidArgument, shared=True):
    """The collection cannot be ordered so."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` compared by `operator` (=, !=, <, <=, >, >=) with `value`."""

    field: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Query:
    """One page of a collection: `size` rows that meet all `conditions`, in `order` (field, descending), `after` a position.

    `identity` is what the next page's request must repeat.
    """

    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    after: tuple[Value, ...] | None
    size: int
    identity: tuple[str, ...]


@dataclass(frozen=True)
class Collection:
    """What may be asked of a collection of resources.

    `fields` are those that filters know, each with the reader of its written value (ValueError or KeyError refuses it); `orders`
    are those to sort by. `name` in a request stands for the rows' `id`, which also breaks ties.
    """

    name: str
    fields: Mapping[str, Callable[[str], Value | Enum]]
    orders: frozenset[str]

    def query(
        self, tokens: PageTokens, parent: str, *, size: int, token: str, filter: str = "", order_by: str = "", more: str = ""
    ) -> Query:
        """Read a list request; `more` is what else its pages depend on. Raises InvalidFilter, InvalidOrder, InvalidPageToken."""
        identity = (self.name, parent, filter, order_by, more)
        return Query(
            conditions=tuple(self._conditions(filter)),
            order=tuple(self._order(order_by)),
            after=tokens.read(token, *identity),
            size=page_size(size),
            identity=identity,
        )

    def _conditions(self, text: str) -> Iterable[Condition]:
        position, expected, count = 0, bool(text.strip()), 0
        while expected:
            match = _CONDITION.match(text, position)
            count += 1
            if match is None:
                raise _invalid_filter(f"cannot be read at position {position}")
            if count > MAX_CONDITIONS:
                raise _invalid_filter(f"has more than {MAX_CONDITIONS} comparisons")
            field, operator, quoted, bare, conjunction = match.groups()
            yield Condition(field, operator, self._value(field, bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)))
            position, expected = match.end(), conjunction is not None

    def _value(self, field: str, written: str) -> Value:
        if not written.isprintable():
            raise _invalid_filter("holds control characters")
        read = self.fields.get(field)
        if read is None:
            raise _invalid_filter(f"cannot compare {field}; it compares {', '.join(sorted(self.fields))}")
        try:
            value = read(written)
        except (ValueError, KeyError):
            raise _invalid_filter(f"compares {field} with what it cannot be") from None
        return value.name if isinstance(value, Enum) else value

    def _order(self, text: str) -> Iterable[tuple[str, bool]]:
        seen = set()
        for part in text.split(",") if text.strip() else ():
            match = _ORDER.fullmatch(part)
            if match is None or match[1] not in self.orders or match[1] in seen or "name" in seen:
                allowed = ", ".join(sorted(self.orders))
                violation = FieldViolation("order_by", f"may name each of {allowed} once, optionally with desc")
                raise InvalidOrder("The order cannot be read.", fields=(violation,))
            seen.add(match[1])
            yield ("id" if match[1] == "name" else match[1]), match[2] == "desc"
        if "name" not in seen:
            yield "id", False


def integer(written: str) -> int:
    """Reads a whole number of 64 bits."""
    value = int(written)
    if not -(2**63) <= value < 2**63:
        raise ValueError(written)
    return value


def selected(statement: Select[*tuple[Any, ...]], columns: Columns, query: Query) -> Select[*tuple[Any, ...]]:
    """The statement for the query's rows and one more, which tells that another page follows."""
    for condition in query.conditions:
        statement = statement.where(_OPERATORS[condition.operator](columns[condition.field], condition.value))
    if query.after is not None:
        statement = statement.where(_after(columns, query.order, query.after))
    ordering = (columns[field].desc() if descending else columns[field].asc() for field, descending in query.order)
    return statement.order_by(*ordering).limit(query.size + 1)


def chosen(items: Iterable[T], query: Query) -> list[T]:
    """As `selected`, of values whose attributes are the fields."""
    met = [item for item in items if all(_OPERATORS[c.operator](_field(item, c.field), c.value) for c in query.conditions)]
    for field, descending in reversed(query.order):
        met.sort(key=lambda item: _field(item, field), reverse=descending)
    if query.after is not None:
        met = [item for item in met if _follows(item, query.order, query.after)]
    return met[: query.size + 1]


def page(items: Sequence[T], query: Query, tokens: PageTokens) -> tuple[Sequence[T], str]:
    """The page's items and the token of the next page ("" on the last) of what `selected` or `chosen` yielded."""
    if len(items) <= query.size:
        return items, ""
    kept = items[: query.size]
    return kept, tokens.issue([_field(kept[-1], field) for field, _ in query.order], *query.identity)


def _after(columns: Columns, order: Sequence[tuple[str, bool]], after: Sequence[Value]) -> ColumnElement[bool]:
    (field, descending), value = order[0], after[0]
    column = columns[field]
    further: ColumnElement[bool] = column < value if descending else column > value
    if len(order) == 1:
        return further
    return or_(further, and_(column == value, _after(columns, order[1:], after[1:])))


def _follows(item: object, order: Sequence[tuple[str, bool]], after: Sequence[Value]) -> bool:
    for (field, descending), value in zip(order, after, strict=True):
        mine: Any = _field(item, field)
        if mine != value:
            return bool(mine < value if descending else mine > value)
    return False


def _field(item: object, field: str) -> Any:
    value = getattr(item, field)
    return value.name if isinstance(value, Enum) else value


def _invalid_filter(description: str) -> InvalidFilter:
    return InvalidFilter("The filter cannot be used.", fields=(FieldViolation("filter", description),))
