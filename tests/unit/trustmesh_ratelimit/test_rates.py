import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from trustmesh_contract.contract import RateClass
from trustmesh_ratelimit.rates import CountedBy, Rate, RatesError, buckets_of, parse_rate, parse_rates

RATES = parse_rates(
    {
        "READ": {"principal": "10/second", "organisation": "20/minute", "address": "30/hour"},
        "WRITE": {"address": "5/day"},
    }
)


def keys(*entries: tuple[str, str]) -> list[str]:
    return [bucket.key for bucket in buckets_of(entries, RATES)]


def orgs(*names: object) -> str:
    return b64encode(json.dumps(names).encode()).decode()


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1/second", Rate(1, 1)),
        ("600/minute", Rate(600, 60)),
        ("2147483647/hour", Rate(2**31 - 1, 3600)),
        ("7/day", Rate(7, 86400)),
    ],
)
def test_parse_rate(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0/second", "-1/second", "1/week", "1 per minute", "1/minute ", "2147483648/second", "1.5/day"]
)
def test_parse_rate_refuses(text: str) -> None:
    with pytest.raises(RatesError, match="600/minute"):
        parse_rate(text)


def test_parse_rates_leaves_out_what_has_no_limit() -> None:
    assert dict(RATES) == {
        (RateClass.READ, CountedBy.PRINCIPAL): Rate(10, 1),
        (RateClass.READ, CountedBy.ORGANISATION): Rate(20, 60),
        (RateClass.READ, CountedBy.ADDRESS): Rate(30, 3600),
        (RateClass.WRITE, CountedBy.ADDRESS): Rate(5, 86_400),
    }
    assert parse_rates({}) == {}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([], "mapping"),
        ({"READ": "1/second"}, "mapping"),
        ({"RAED": {}}, "RAED is not a class; the classes are READ"),
        ({"READ": {"user": "1/second"}}, "READ.user: calls are counted by principal"),
        ({"READ": {"principal": 5}}, "'5' is not a rate"),
    ],
)
def test_parse_rates_refuses(table: Any, why: str) -> None:
    with pytest.raises(RatesError, match=why):
        parse_rates(table)


def test_one_descriptor_counts_in_one_bucket() -> None:
    assert keys(("class", "READ"), ("principal", "demo.a")) == ["READ:PRINCIPAL:demo.a"]
    (bucket,) = buckets_of([("class", "WRITE"), ("masked_remote_address", "10.0.0.1/32")], RATES)
    assert (bucket.key, bucket.rate) == ("WRITE:ADDRESS:10.0.0.1", Rate(5, 86_400))


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [("class", "READ")],
        [("principal", "demo.a")],
        [("class", "UNKNOWN"), ("principal", "demo.a")],
        [("class", "WRITE"), ("principal", "demo.a")],
        [("class", "READ"), ("shoe_size", "44")],
        [("principal", "demo.a"), ("class", "READ")],
        [("class", "READ"), ("principal", "a"), ("principal", "b")],
    ],
)
def test_other_descriptors_count_nowhere(entries: list[tuple[str, str]]) -> None:
    assert buckets_of(entries, RATES) == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1/32", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:FFFF::1/128", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
        ("x" * 2000, "x" * 512),
    ],
)
def test_addresses_of_one_customer_share_a_bucket(address: str, network: str) -> None:
    assert keys(("class", "READ"), ("masked_remote_address", address)) == [f"READ:ADDRESS:{network}"]


def test_each_organisation_of_a_token_is_counted() -> None:
    expected = ["READ:ORGANISATION:demo", "READ:ORGANISATION:other"]
    assert keys(("class", "READ"), ("organisations", orgs("other", "demo", "other"))) == expected
    encoded = urlsafe_b64encode(json.dumps(["demo", "other"]).encode()).rstrip(b"=").decode()
    assert keys(("class", "READ"), ("organisations", encoded)) == expected


def test_organisations_are_bounded() -> None:
    assert len(keys(("class", "READ"), ("organisations", orgs(*range(100))))) == 16
    assert all(len(key) < 600 for key in keys(("class", "READ"), ("organisations", orgs("o" * 5000))))


@pytest.mark.parametrize("value", ["demo", "!", b64encode(b'{"a": 1}').decode(), b64encode(b"\xff").decode(), ""])
def test_organisations_in_another_encoding_count_as_one(value: str) -> None:
    assert keys(("class", "READ"), ("organisations", value)) == [f"READ:ORGANISATION:{value}"]
