"""The limits: how many calls of a class pass in a window, and whose calls count together. Pure."""

from __future__ import annotations

import binascii
import ipaddress
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trustmesh_contract.contract import RateClass


class RatesError(ValueError):
    """A table of limits cannot be used: which entry, and what belongs there."""


class CountedBy(StrEnum):
    """Whose calls are counted together; the values are the keys of the gateway's descriptors."""

    PRINCIPAL = "principal"
    ORGANISATION = "organisations"
    ADDRESS = "masked_remote_address"


NAMES: Mapping[str, CountedBy] = MappingProxyType({each.name.lower(): each for each in CountedBy})
"""How a table of limits calls them."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` in any window of `seconds`."""

    requests: int
    seconds: int


Rates = Mapping[tuple[RateClass, CountedBy], Rate]
"""Whatever is not in it has no limit."""

Entry = tuple[str, str]
"""Key and value of one part of a descriptor."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted: `key` names it among all buckets."""

    key: str
    rate: Rate


UNITS: Mapping[str, int] = MappingProxyType({"second": 1, "minute": 60, "hour": 3600, "day": 86_400})
MAX_REQUESTS = 2**31 - 1
_RATE = re.compile(r"([1-9]\d{0,9})/(second|minute|hour|day)")
_MAX_ORGS = 16
_MAX_VALUE = 512


def parse_rate(text: str) -> Rate:
    """The rate in "600/minute". Raises RatesError."""
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) > MAX_REQUESTS:
        raise RatesError(f"{text!r} is not a rate; write for example 600/minute (second, minute, hour or day)")
    return Rate(int(match[1]), UNITS[match[2]])


def parse_rates(table: Any) -> Rates:
    """The limits in {"READ": {"principal": "600/minute", "organisation": ..., "address": ...}, ...}. Raises RatesError."""
    rates: dict[tuple[RateClass, CountedBy], Rate] = {}
    for class_name, by in _mapping(table, "the table").items():
        if class_name not in RateClass.__members__:
            raise RatesError(f"{class_name} is not a class; the classes are {', '.join(RateClass.__members__)}")
        for name, text in _mapping(by, class_name).items():
            if name not in NAMES:
                raise RatesError(f"{class_name}.{name}: calls are counted by {', '.join(NAMES)}")
            rates[RateClass[class_name], NAMES[name]] = parse_rate(str(text))
    return rates


def buckets_of(entries: Sequence[Entry], rates: Rates) -> list[Bucket]:
    """The buckets that a descriptor counts against; none for a descriptor that no limit speaks of."""
    match entries:
        case [("class", class_name), (kind, value)] if class_name in RateClass.__members__ and kind in set(CountedBy):
            counted_by = CountedBy(kind)
            rate = rates.get((RateClass[class_name], counted_by))
            if rate is None:
                return []
            return [Bucket(f"{class_name}:{counted_by.name}:{each}", rate) for each in _values(counted_by, value)]
        case _:
            return []


def _values(counted_by: CountedBy, value: str) -> Iterable[str]:
    match counted_by:
        case CountedBy.ORGANISATION:
            return _organisations(value)
        case CountedBy.ADDRESS:
            return [_network(value)]
        case CountedBy.PRINCIPAL:
            return [value[:_MAX_VALUE]]


def _organisations(encoded: str) -> list[str]:
    """Each organisation of a token, so that one counts the same in whatever company. The gateway sends base64 of a JSON list."""
    try:
        orgs = json.loads(b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_"))
    except (binascii.Error, ValueError):
        return [encoded[:_MAX_VALUE]]
    if not isinstance(orgs, list):
        return [encoded[:_MAX_VALUE]]
    return sorted({str(org)[:_MAX_VALUE] for org in orgs})[:_MAX_ORGS]


def _network(address: str) -> str:
    """IPv4 as it is, IPv6 by its first 64 bits (one customer has them all), IPv4 inside IPv6 as IPv4."""
    try:
        host = ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        return address[:_MAX_VALUE]
    if isinstance(host, ipaddress.IPv4Address):
        return str(host)
    return str(host.ipv4_mapped or ipaddress.ip_network((host, 64), strict=False))


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RatesError(f"{what} is not a mapping; write for example READ: {{principal: 600/minute}}")
    return value
