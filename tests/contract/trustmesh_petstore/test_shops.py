"""What a shop keeps and how it finds it again, in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trustmesh_chassis.errors import AlreadyExists, NotFound
from trustmesh_chassis.storage import PageTokens, RequestIdReused
from trustmesh_chassis.storage.listing import Query, page
from trustmesh_petstore.convert import FOUND_PETS, ORDERS, PETS
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.errors import CustomerExists, OrderExists, PetExists
from trustmesh_petstore.orders import Item, Order, OrderState
from trustmesh_petstore.pets import Pet, Species, words_of
from trustmesh_petstore.ports import Once, Repository, Shops, Unit

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def pet(identity: str = "rex", *, org: str = "north", **changes: object) -> Pet:
    fields: dict[str, object] = {
        "display_name": "Rex",
        "species": Species.DOG,
        "price_cents": 10_000,
        "stock": 3,
        "tags": ("good-boy",),
        "create_time": NOW,
        "update_time": NOW,
    }
    return Pet(org=org, id=identity, **fields | changes)  # type: ignore[arg-type] # a table of defaults


def customer(identity: str = "ada", *, org: str = "north", email: str = "ada@example.com") -> Customer:
    return Customer(org=org, id=identity, display_name="Ada", email=email, create_time=NOW, update_time=NOW)


def order(identity: str = "first", *, org: str = "north", state: OrderState = OrderState.PLACED, minute: int = 0) -> Order:
    return Order(
        org=org,
        id=identity,
        customer=f"orgs/{org}/customers/ada",
        items=(Item(f"orgs/{org}/pets/rex", 2, 10_000), Item(f"orgs/{org}/pets/ace", 1, 500)),
        total_cents=20_500,
        state=state,
        create_time=NOW + timedelta(minutes=minute),
        update_time=NOW,
    )


def repository(unit: Unit, resource: Pet | Customer | Order) -> Repository[Pet] | Repository[Customer] | Repository[Order]:
    return {Pet: unit.pets, Customer: unit.customers, Order: unit.orders}[type(resource)]  # type: ignore[return-value] # by the key


RESOURCES = [pet(), customer(), order()]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: type(each).__name__)
async def test_what_is_added_comes_back(shops: Shops, resource: Pet | Customer | Order) -> None:
    async with shops.unit("north") as unit:
        await repository(unit, resource).add(resource)  # type: ignore[arg-type] # the repository of its kind
        assert await repository(unit, resource).get(resource.id) == resource
    async with shops.read("north") as unit:
        assert await repository(unit, resource).get(resource.id) == resource


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: type(each).__name__)
async def test_other_organisations_see_nothing(shops: Shops, tokens: PageTokens, resource: Pet | Customer | Order) -> None:
    async with shops.unit("north") as unit:
        await repository(unit, resource).add(resource)  # type: ignore[arg-type] # the repository of its kind
    query = PETS.query(tokens, "orgs/south", size=0, token="")
    async with shops.unit("south") as unit:
        with pytest.raises(NotFound):
            await repository(unit, resource).get(resource.id)
        assert await repository(unit, resource).page(query) == []
        assert not await unit.orders.holds_pet("orgs/north/pets/rex")
        assert not await unit.orders.holds_customer("orgs/north/customers/ada")


async def test_organisations_may_use_the_same_ids(shops: Shops) -> None:
    for org in ("north", "south"):
        async with shops.unit(org) as unit:
            await unit.pets.add(pet(org=org, display_name=org))
            await unit.customers.add(customer(org=org))
            await unit.orders.add(order(org=org))
    for org in ("north", "south"):
        async with shops.read(org) as unit:
            assert (await unit.pets.get("rex")).display_name == org
            assert (await unit.orders.get("first")).items[0].pet == f"orgs/{org}/pets/rex"


@pytest.mark.parametrize(
    ("resource", "error"),
    [(pet(), PetExists), (customer(), CustomerExists), (order(), OrderExists)],
    ids=["Pet", "Customer", "Order"],
)
async def test_an_id_is_taken_once(shops: Shops, resource: Pet | Customer | Order, error: type[AlreadyExists]) -> None:
    async with shops.unit("north") as unit:
        await repository(unit, resource).add(resource)  # type: ignore[arg-type] # the repository of its kind
    with pytest.raises(error):
        async with shops.unit("north") as unit:
            await repository(unit, resource).add(resource)  # type: ignore[arg-type] # the repository of its kind


async def test_an_email_is_taken_once(shops: Shops) -> None:
    async with shops.unit("north") as unit:
        await unit.customers.add(customer())
        await unit.customers.add(customer("eve", email="eve@example.com"))
    with pytest.raises(CustomerExists):
        async with shops.unit("north") as unit:
            await unit.customers.add(customer("bob"))
    with pytest.raises(CustomerExists):
        async with shops.unit("north") as unit:
            await unit.customers.save((await unit.customers.get("eve")).changed(NOW, email="ada@example.com"))


async def test_changes_are_saved(shops: Shops) -> None:
    later = NOW + timedelta(hours=1)
    async with shops.unit("north") as unit:
        await unit.pets.add(pet())
        await unit.customers.add(customer())
        await unit.orders.add(order())
    async with shops.unit("north") as unit:
        await unit.pets.save((await unit.pets.get("rex")).changed(later, tags=("a", "b")))
        await unit.customers.save((await unit.customers.get("ada")).changed(later, email="countess@example.com"))
        await unit.orders.save((await unit.orders.get("first")).moved(OrderState.PAID, later))
    async with shops.read("north") as unit:
        assert await unit.pets.get("rex") == pet(tags=("a", "b"), update_time=later, revision=2)
        assert await unit.customers.get("ada") == customer().changed(later, email="countess@example.com")
        assert await unit.orders.get("first") == order().moved(OrderState.PAID, later)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: type(each).__name__)
async def test_what_is_removed_is_gone(shops: Shops, resource: Pet | Customer | Order) -> None:
    async with shops.unit("north") as unit:
        await repository(unit, resource).add(resource)  # type: ignore[arg-type] # the repository of its kind
    async with shops.unit("north") as unit:
        await repository(unit, resource).remove(resource.id)
        with pytest.raises(NotFound):
            await repository(unit, resource).get(resource.id)


async def test_a_unit_that_fails_changes_nothing(shops: Shops) -> None:
    with pytest.raises(LookupError):
        async with shops.unit("north") as unit:
            await unit.pets.add(pet())
            raise LookupError
    async with shops.read("north") as unit:
        with pytest.raises(NotFound):
            await unit.pets.get("rex")


@pytest.mark.parametrize(
    ("filter", "order_by", "expected"),
    [
        ("", "", ["ace", "bea", "coco", "dot", "rex"]),
        ("", "name desc", ["rex", "dot", "coco", "bea", "ace"]),
        ("species = CAT", "", ["bea", "coco"]),
        ("species != CAT AND stock > 0", "", ["dot", "rex"]),
        ("price_cents <= 500", "price_cents desc", ["ace", "bea", "dot"]),
        ('display_name = "Ää"', "", ["coco"]),
        ('display_name >= "a"', "display_name", ["rex", "coco"]),
        ("", "stock desc,price_cents", ["rex", "dot", "ace", "bea", "coco"]),
        ("", "create_time desc", ["rex", "dot", "coco", "bea", "ace"]),
        ("""display_name = "x' OR 1=1 --" """, "", []),
    ],
)
async def test_pets_are_listed(shops: Shops, tokens: PageTokens, filter: str, order_by: str, expected: list[str]) -> None:
    async with shops.unit("north") as unit:
        for number, each in enumerate(
            (
                pet("ace", display_name="Ace", species=Species.BIRD, price_cents=500, stock=0),
                pet("bea", display_name="Bea", species=Species.CAT, price_cents=500, stock=0),
                pet("coco", display_name="Ää", species=Species.CAT, price_cents=700, stock=0),
                pet("dot", display_name="Dot", species=Species.FISH, price_cents=20, stock=1),
                pet("rex", display_name="rex", price_cents=9_000, stock=2),
            )
        ):
            await unit.pets.add(each.changed(NOW, create_time=NOW + timedelta(seconds=number)))
    for size in (1, 2, 5, 100):
        found: list[str] = []
        token = ""
        while not found or token:
            query = PETS.query(tokens, "orgs/north", size=size, token=token, filter=filter, order_by=order_by)
            async with shops.read("north") as unit:
                pets, token = page(await unit.pets.page(query), query, tokens)
            found += [each.id for each in pets]
            if not pets:
                break
        assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rex", ["one", "two"]),
        ("REX dog", ["one"]),
        ("re", ["one", "two"]),
        ("ex", []),
        ("good", ["one"]),
        ("boy", []),
        ("ÄRGER", ["two"]),
        ("100%", ["two"]),
        ("%", []),
        ("_", []),
        ("rex' --", []),
    ],
)
async def test_pets_are_found_by_words(shops: Shops, tokens: PageTokens, text: str, expected: list[str]) -> None:
    async with shops.unit("north") as unit:
        await unit.pets.add(pet("one", display_name="Rex the dog", tags=("good-boy", "first")))
        await unit.pets.add(pet("two", display_name="rexine Ärger  100%", tags=()))
    query = FOUND_PETS.query(tokens, "orgs/north", size=0, token="", more=text)
    async with shops.read("north") as unit:
        assert [each.id for each in await unit.pets.search(words_of(text), query)] == expected


async def test_orders_are_listed_with_their_items(shops: Shops, tokens: PageTokens) -> None:
    orders = [order(f"o{n}", minute=n, state=OrderState.PAID if n % 2 else OrderState.PLACED) for n in range(5)]
    async with shops.unit("north") as unit:
        for each in orders:
            await unit.orders.add(each)

    def query(filter: str) -> Query:
        return ORDERS.query(tokens, "orgs/north", size=0, token="", filter=filter, order_by="create_time desc")

    async with shops.read("north") as read:
        assert await read.orders.page(query("")) == orders[::-1]
        assert await read.orders.page(query("state = PAID")) == [orders[3], orders[1]]
        assert await read.orders.page(query('customer = "orgs/north/customers/eve"')) == []


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        (OrderState.PLACED, True),
        (OrderState.PAID, True),
        (OrderState.SHIPPED, True),
        (OrderState.DELIVERED, False),
        (OrderState.CANCELLED, False),
    ],
)
async def test_open_orders_hold_their_pets_and_customer(shops: Shops, state: OrderState, holds: bool) -> None:
    async with shops.unit("north") as unit:
        await unit.orders.add(order(state=state))
        assert await unit.orders.holds_pet("orgs/north/pets/rex") is holds
        assert await unit.orders.holds_customer("orgs/north/customers/ada") is holds
        assert not await unit.orders.holds_pet("orgs/north/pets/tom")
        assert not await unit.orders.holds_customer("orgs/north/customers/eve")


async def test_a_repeated_request_is_recognised(shops: Shops) -> None:
    once = Once("1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b", "fingerprint")
    for expected in (None, "rex", "rex"):
        async with shops.unit("north") as unit:
            assert await unit.repeated(once, "rex" if expected is None else "another") == expected
    async with shops.unit("south") as unit:
        assert await unit.repeated(once, "another") is None
    async with shops.unit("north") as unit:
        assert await unit.repeated(Once("", "fingerprint"), "rex") is None
    with pytest.raises(RequestIdReused):
        async with shops.unit("north") as unit:
            await unit.repeated(Once(once.request_id, "different"), "rex")
