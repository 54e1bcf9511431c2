"""The stock rule under concurrency: never below zero, never lost, whatever runs at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from trustmesh_chassis.errors import Aborted
from trustmesh_chassis.storage import PageTokens
from trustmesh_petstore.convert import ORDERS
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.errors import OutOfStock, PetIsOrdered, UnknownPet
from trustmesh_petstore.operations import create_order, delete_pet, move_order, restock_pet
from trustmesh_petstore.orders import Item, Order, OrderState
from trustmesh_petstore.pets import Pet, Species
from trustmesh_petstore.ports import Once, Shops

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEVER = Once("", "")


@pytest.fixture(autouse=True)
async def shelf(shops: Shops) -> None:
    """Five of a and five of b, and a customer."""
    async with shops.unit("north") as unit:
        for identity in ("a", "b"):
            await unit.pets.add(
                Pet(
                    org="north",
                    id=identity,
                    display_name=identity,
                    species=Species.FISH,
                    price_cents=100,
                    stock=5,
                    tags=(),
                    create_time=NOW,
                    update_time=NOW,
                )
            )
        await unit.customers.add(
            Customer(org="north", id="ada", display_name="Ada", email="ada@example.com", create_time=NOW, update_time=NOW)
        )


def draft(identity: str, **quantities: int) -> Order:
    return Order(
        org="north",
        id=identity,
        customer="orgs/north/customers/ada",
        items=tuple(Item(f"orgs/north/pets/{pet}", quantity, 0) for pet, quantity in quantities.items()),
        total_cents=0,
        state=OrderState.PLACED,
        create_time=NOW,
        update_time=NOW,
    )


async def stock(shops: Shops) -> dict[str, int]:
    async with shops.read("north") as unit:
        return {identity: (await unit.pets.get(identity)).stock for identity in ("a", "b")}


async def test_concurrent_orders_never_sell_more_than_there_is(shops: Shops) -> None:
    """Ten orders name the pets in opposite ways, so that carelessly taken locks would deadlock."""
    drafts = [draft(f"o{n}", a=1, b=1) if n % 2 else draft(f"o{n}", b=1, a=1) for n in range(10)]
    outcomes = await asyncio.gather(*(create_order(shops, each, NEVER) for each in drafts), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(Order) == 5
    assert [type(outcome) for outcome in outcomes].count(OutOfStock) == 5
    assert await stock(shops) == {"a": 0, "b": 0}


async def test_an_order_takes_all_or_nothing(shops: Shops, tokens: PageTokens) -> None:
    with pytest.raises(OutOfStock) as caught:
        await create_order(shops, draft("o", a=2, b=6), NEVER)
    assert caught.value.metadata == {"pet": "b"}
    assert await stock(shops) == {"a": 5, "b": 5}
    async with shops.read("north") as unit:
        assert await unit.orders.page(ORDERS.query(tokens, "orgs/north", size=0, token="")) == []


async def test_concurrent_cancels_return_the_pets_once(shops: Shops) -> None:
    await create_order(shops, draft("o", a=3, b=2), NEVER)
    assert await stock(shops) == {"a": 2, "b": 3}
    moves = (move_order(shops, "north", "o", "", OrderState.CANCELLED, NOW) for _ in range(5))
    assert {order.state for order in await asyncio.gather(*moves)} == {OrderState.CANCELLED}
    assert await stock(shops) == {"a": 5, "b": 5}


async def test_everything_at_once_adds_up(shops: Shops) -> None:
    for number in range(4):
        await create_order(shops, draft(f"old{number}", a=1), NEVER)
    work = [
        *(create_order(shops, draft(f"new{number}", a=1, b=1), NEVER) for number in range(6)),
        *(move_order(shops, "north", f"old{number}", "", OrderState.CANCELLED, NOW) for number in range(4)),
        *(restock_pet(shops, "north", "a", "", 10, NOW) for _ in range(2)),
    ]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    placed = sum(isinstance(outcome, Order) and outcome.state is OrderState.PLACED for outcome in outcomes)
    assert not [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, OutOfStock)]
    assert await stock(shops) == {"a": 25 - placed, "b": 5 - placed}


async def test_a_pet_is_not_deleted_from_under_an_order(shops: Shops) -> None:
    ordering = create_order(shops, draft("o", a=1), NEVER)
    deleting = delete_pet(shops, "north", "a", "", validate_only=False)
    ordered, deleted = await asyncio.gather(ordering, deleting, return_exceptions=True)
    if isinstance(ordered, Order):
        assert isinstance(deleted, PetIsOrdered)
    else:
        assert isinstance(ordered, UnknownPet) and deleted is None


async def test_the_same_request_at_once_places_one_order(shops: Shops) -> None:
    once = Once("1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b", "fingerprint")
    drafts = [draft(f"o{number}", a=1) for number in range(4)]
    outcomes = await asyncio.gather(*(create_order(shops, each, once) for each in drafts), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {Order, Aborted}
    assert len({outcome.id for outcome in outcomes if isinstance(outcome, Order)}) == 1
    assert (await stock(shops))["a"] == 4
