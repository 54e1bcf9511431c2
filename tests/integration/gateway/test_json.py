"""Any message that protobuf writes as JSON passes the guard and arrives as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SIZE = st.fixed_dictionaries({}, optional={"widthMm": st.integers(-(2**31), 2**31 - 1), "tall": st.integers(0, 9)})
FREE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
PLAIN = {
    "name": TEXT,
    "displayName": TEXT,
    "colour": st.sampled_from(["COLOUR_RED", "COLOUR_UNSPECIFIED", 1]),
    "labels": st.dictionaries(TEXT, TEXT, max_size=3),
    "sizes": st.dictionaries(TEXT, SIZE, max_size=2),
    "extra": st.dictionaries(TEXT, FREE, max_size=2),
    "note": TEXT,
    "ready": st.booleans(),
    "blob": st.sampled_from(["", "AAEC", "/+8="]),
}
THING = st.recursive(
    st.fixed_dictionaries({}, optional=PLAIN | {"grams": st.integers(-(2**63), 2**63 - 1)}),
    lambda inner: st.fixed_dictionaries({"parts": st.lists(inner, max_size=2)}, optional=PLAIN | {"volume": SIZE}),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def gateway(world: Any) -> Iterator[Any]:
    with world.gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway: Any) -> Iterator[Any]:
    with gateway.http() as http:
        http.headers.update(gateway.bearer())
        yield http


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(fields=THING)
def test_a_message_arrives_as_it_was(gateway: Any, client: Any, fields: dict[str, Any]) -> None:
    thing = gateway.sample.messages.Thing
    sent = json_format.ParseDict(fields, thing())
    body = {"thing": json_format.MessageToDict(sent, use_integers_for_enums=True)}
    answer = client.post("/service/v1/orgs/demo/things/one:echo", json=body)
    assert answer.status_code == 200, answer.text
    assert json_format.ParseDict(answer.json().get("thing", {}), thing()) == sent


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=st.text(alphabet='{}[]:,"\\ntrue0-1.eE nameaparts', max_size=40))
def test_no_text_makes_the_guard_fail(gateway: Any, client: Any, text: str) -> None:
    answer = client.post(
        "/service/v1/orgs/demo/things/one:echo", content='{"thing":' + text, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["code"] == 3
