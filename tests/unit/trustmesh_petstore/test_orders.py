from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_petstore.errors import WrongOrderState
from trustmesh_petstore.orders import Item, Order, OrderState, total

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
WAYS = {
    ("PLACED", "PAID"),
    ("PAID", "SHIPPED"),
    ("SHIPPED", "DELIVERED"),
    ("PLACED", "CANCELLED"),
    ("PAID", "CANCELLED"),
}


def order(state: OrderState) -> Order:
    return Order(
        org="north",
        id="first",
        customer="orgs/north/customers/ada",
        items=(),
        total_cents=0,
        state=state,
        create_time=NOW,
        update_time=NOW,
    )


@pytest.mark.parametrize("target", [state for state in OrderState if state is not OrderState.PLACED])
@pytest.mark.parametrize("start", OrderState)
def test_every_way(start: OrderState, target: OrderState) -> None:
    if (start.name, target.name) in WAYS:
        assert order(start).moved(target, LATER) == replace(order(target), update_time=LATER, revision=2)
    else:
        with pytest.raises(WrongOrderState) as caught:
            order(start).moved(target, LATER)
        assert caught.value.metadata == {"state": start.name}


def test_total() -> None:
    assert total(()) == 0
    assert total((Item("a", 2, 100), Item("b", 1, 5))) == 205
