"""The filter of ListKeys: equalities joined by AND, a subset of AIP-160."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, TypeVar

from trustmesh_chassis.errors import FieldViolation
from trustmesh_chassis.storage.listing import InvalidFilter
from trustmesh_kms.keys import Algorithm, Purpose
from trustmesh_kms.ports import KeyFilter

_MAX_TERMS: Final = 8
_AND: Final = re.compile(r"\s+AND\s+")
_TERM: Final = re.compile(
    r'\s*(purpose|algorithm|labels\.[a-z][a-z0-9_-]{0,62})\s*=\s*(?:"([A-Za-z0-9._-]{0,63})"|([A-Za-z0-9._-]{1,63}))\s*'
)

Choice = TypeVar("Choice", bound=IntEnum)


def parse_filter(text: str) -> KeyFilter:
    """Raises InvalidFilter."""
    if not text.strip():
        return KeyFilter()
    terms = _AND.split(text)
    if len(terms) > _MAX_TERMS:
        raise _invalid(f"has more than {_MAX_TERMS} terms")
    values: dict[str, str] = {}
    for term in terms:
        match = _TERM.fullmatch(term)
        if match is None:
            raise _invalid(
                f"{term.strip()!r} is not of the form <field> = <value>, the field being purpose, algorithm or labels.<key>"
            )
        if match[1] in values:
            raise _invalid(f"names {match[1]} twice")
        values[match[1]] = match[2] if match[2] is not None else match[3]
    purpose, algorithm = values.pop("purpose", None), values.pop("algorithm", None)
    return KeyFilter(
        purpose=None if purpose is None else _member(Purpose, purpose),
        algorithm=None if algorithm is None else _member(Algorithm, algorithm),
        labels={field.removeprefix("labels."): value for field, value in values.items()},
    )


def _member(choices: type[Choice], name: str) -> Choice:
    try:
        return choices[name]
    except KeyError:
        raise _invalid(f"{name} is none of {', '.join(each.name for each in choices)}") from None


def _invalid(description: str) -> InvalidFilter:
    return InvalidFilter(f"filter: {description}", fields=(FieldViolation("filter", description),))
