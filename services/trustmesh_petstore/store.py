"""The shops in a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Row,
    UniqueConstraint,
    delete,
    exists,
    insert,
    select,
    update,
)

from trustmesh_chassis.errors import NotFound
from trustmesh_chassis.storage import ByteText, Database, Reading, UniqueViolation, UnitOfWork, UtcTime, tenant_table
from trustmesh_chassis.storage.idempotency import repeated
from trustmesh_chassis.storage.listing import Query, selected
from trustmesh_petstore.convert import message_of
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.errors import CustomerExists, OrderExists, PetExists
from trustmesh_petstore.names import name_of
from trustmesh_petstore.orders import OPEN, Item, Order, OrderState
from trustmesh_petstore.pets import Pet, Species, words_of
from trustmesh_petstore.ports import Once

METADATA = MetaData()


def _resource_columns() -> tuple[Column[Any], ...]:
    return (
        Column("id", ByteText(63), primary_key=True),
        Column("create_time", UtcTime, nullable=False),
        Column("update_time", UtcTime, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )


PETS = tenant_table(
    "pets",
    METADATA,
    *_resource_columns(),
    Column("display_name", ByteText(100), nullable=False),
    Column("species", ByteText(16), nullable=False),
    Column("price_cents", BigInteger, nullable=False),
    Column("stock", BigInteger, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("words", ByteText(2000), nullable=False),  # what a search compares: each word of name and tags after a space
)
CUSTOMERS = tenant_table(
    "customers",
    METADATA,
    *_resource_columns(),
    Column("display_name", ByteText(100), nullable=False),
    Column("email", ByteText(254), nullable=False),
    UniqueConstraint("org", "email", name="customers_email"),
)
ORDERS = tenant_table(
    "orders",
    METADATA,
    *_resource_columns(),
    Column("customer", ByteText(192), nullable=False),
    Column("state", ByteText(16), nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Index("orders_by_customer", "org", "customer"),
)
ITEMS = tenant_table(
    "order_items",
    METADATA,
    Column("order_id", ByteText(63), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("pet", ByteText(192), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
    ForeignKeyConstraint(["org", "order_id"], ["orders.org", "orders.id"], name="order_items_order"),
    Index("order_items_by_pet", "org", "pet"),
)

_OPEN_STATES = sorted(state.name for state in OPEN)


class SqlPets:
    def __init__(self, unit: Reading, org: str) -> None:
        self._unit = unit
        self._org = org

    async def get(self, identity: str) -> Pet:
        found = (await self._unit.execute(self._unit.held(select(PETS).where(PETS.c.id == identity)))).one_or_none()
        if found is None:
            raise NotFound(f"There is no pet {name_of(Pet, self._org, identity)}.")
        return _pet(found)

    async def add(self, resource: Pet) -> None:
        try:
            await self._unit.execute(insert(PETS).values(_pet_row(resource)))
        except UniqueViolation:
            raise PetExists(f"The pet {resource.id} exists; choose another id.") from None

    async def save(self, resource: Pet) -> None:
        await self._unit.execute(update(PETS).where(PETS.c.id == resource.id).values(_pet_row(resource)))

    async def remove(self, identity: str) -> None:
        await self._unit.execute(delete(PETS).where(PETS.c.id == identity))

    async def page(self, query: Query) -> list[Pet]:
        return [_pet(row) for row in await self._unit.execute(selected(select(PETS), PETS.c, query))]

    async def search(self, words: tuple[str, ...], query: Query) -> list[Pet]:
        statement = select(PETS).where(*(PETS.c.words.contains(f" {word}", autoescape=True) for word in words))
        return [_pet(row) for row in await self._unit.execute(selected(statement, PETS.c, query))]


class SqlCustomers:
    def __init__(self, unit: Reading, org: str) -> None:
        self._unit = unit
        self._org = org

    async def get(self, identity: str) -> Customer:
        statement = select(CUSTOMERS).where(CUSTOMERS.c.id == identity)
        found = (await self._unit.execute(self._unit.held(statement))).one_or_none()
        if found is None:
            raise NotFound(f"There is no customer {name_of(Customer, self._org, identity)}.")
        return _customer(found)

    async def add(self, resource: Customer) -> None:
        try:
            await self._unit.execute(insert(CUSTOMERS).values(_customer_row(resource)))
        except UniqueViolation:
            raise CustomerExists("A customer of that id or email exists; choose another.") from None

    async def save(self, resource: Customer) -> None:
        try:
            await self._unit.execute(update(CUSTOMERS).where(CUSTOMERS.c.id == resource.id).values(_customer_row(resource)))
        except UniqueViolation:
            raise CustomerExists("Another customer has that email.") from None

    async def remove(self, identity: str) -> None:
        await self._unit.execute(delete(CUSTOMERS).where(CUSTOMERS.c.id == identity))

    async def page(self, query: Query) -> list[Customer]:
        return [_customer(row) for row in await self._unit.execute(selected(select(CUSTOMERS), CUSTOMERS.c, query))]


class SqlOrders:
    def __init__(self, unit: Reading, org: str) -> None:
        self._unit = unit
        self._org = org

    async def get(self, identity: str) -> Order:
        found = (await self._unit.execute(self._unit.held(select(ORDERS).where(ORDERS.c.id == identity)))).all()
        if not found:
            raise NotFound(f"There is no order {name_of(Order, self._org, identity)}.")
        return (await self._with_items(found))[0]

    async def add(self, resource: Order) -> None:
        try:
            await self._unit.execute(insert(ORDERS).values(_order_row(resource)))
        except UniqueViolation:
            raise OrderExists(f"The order {resource.id} exists; choose another id.") from None
        await self._unit.execute(insert(ITEMS), _item_rows(resource))

    async def save(self, resource: Order) -> None:
        await self._unit.execute(update(ORDERS).where(ORDERS.c.id == resource.id).values(_order_row(resource)))

    async def remove(self, identity: str) -> None:
        await self._unit.execute(delete(ITEMS).where(ITEMS.c.order_id == identity))
        await self._unit.execute(delete(ORDERS).where(ORDERS.c.id == identity))

    async def page(self, query: Query) -> list[Order]:
        return await self._with_items((await self._unit.execute(selected(select(ORDERS), ORDERS.c, query))).all())

    async def holds_pet(self, pet: str) -> bool:
        held = select(ITEMS.c.order_id).join(ORDERS, ORDERS.c.id == ITEMS.c.order_id)
        held = held.where(ITEMS.c.pet == pet, ORDERS.c.state.in_(_OPEN_STATES))
        return bool((await self._unit.execute(select(exists(held)))).scalar_one())

    async def holds_customer(self, customer: str) -> bool:
        held = select(ORDERS.c.id).where(ORDERS.c.customer == customer, ORDERS.c.state.in_(_OPEN_STATES))
        return bool((await self._unit.execute(select(exists(held)))).scalar_one())

    async def _with_items(self, orders: Sequence[Row[*tuple[Any, ...]]]) -> list[Order]:
        items: dict[str, list[Item]] = {order.id: [] for order in orders}
        statement = select(ITEMS).where(ITEMS.c.order_id.in_(items)).order_by(ITEMS.c.order_id, ITEMS.c.position)
        for row in await self._unit.execute(statement):
            items[row.order_id].append(Item(row.pet, row.quantity, row.unit_price_cents))
        return [_order(order, items[order.id]) for order in orders]


class SqlUnit:
    def __init__(self, unit: Reading, org: str) -> None:
        self.pets = SqlPets(unit, org)
        self.customers = SqlCustomers(unit, org)
        self.orders = SqlOrders(unit, org)


class SqlWritingUnit(SqlUnit):
    def __init__(self, unit: UnitOfWork, org: str) -> None:
        super().__init__(unit, org)
        self._unit = unit

    def emit(self, event_type: str, resource: Pet | Customer | Order) -> None:
        self._unit.emit(event_type, name_of(type(resource), resource.org, resource.id), message_of(resource))

    async def repeated(self, once: Once, identity: str) -> str | None:
        return await repeated(self._unit, once.request_id, once.fingerprint, identity)


class SqlShops:
    """ports.Shops on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def unit(self, org: str) -> AsyncIterator[SqlWritingUnit]:
        async with self._database.unit(org) as unit:
            yield SqlWritingUnit(unit, org)

    @asynccontextmanager
    async def read(self, org: str) -> AsyncIterator[SqlUnit]:
        async with self._database.read(org) as unit:
            yield SqlUnit(unit, org)


def _shared(resource: Pet | Customer | Order) -> dict[str, Any]:
    return {
        "id": resource.id,
        "create_time": resource.create_time,
        "update_time": resource.update_time,
        "revision": resource.revision,
    }


def _shared_back(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "org": row.org,
        "id": row.id,
        "create_time": row.create_time,
        "update_time": row.update_time,
        "revision": row.revision,
    }


def _pet_row(pet: Pet) -> dict[str, Any]:
    return {
        **_shared(pet),
        "display_name": pet.display_name,
        "species": pet.species.name,
        "price_cents": pet.price_cents,
        "stock": pet.stock,
        "tags": list(pet.tags),
        "words": "".join(f" {word}" for word in (*words_of(pet.display_name), *pet.tags)),
    }


def _pet(row: Row[*tuple[Any, ...]]) -> Pet:
    return Pet(
        **_shared_back(row),
        display_name=row.display_name,
        species=Species[row.species],
        price_cents=row.price_cents,
        stock=row.stock,
        tags=tuple(row.tags),
    )


def _customer_row(customer: Customer) -> dict[str, Any]:
    return {**_shared(customer), "display_name": customer.display_name, "email": customer.email}


def _customer(row: Row[*tuple[Any, ...]]) -> Customer:
    return Customer(**_shared_back(row), display_name=row.display_name, email=row.email)


def _order_row(order: Order) -> dict[str, Any]:
    return {**_shared(order), "customer": order.customer, "state": order.state.name, "total_cents": order.total_cents}


def _item_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "position": position,
            "pet": item.pet,
            "quantity": item.quantity,
            "unit_price_cents": item.unit_price_cents,
        }
        for position, item in enumerate(order.items)
    ]


def _order(row: Row[*tuple[Any, ...]], items: Iterable[Item]) -> Order:
    return Order(
        **_shared_back(row),
        customer=row.customer,
        items=tuple(items),
        total_cents=row.total_cents,
        state=OrderState[row.state],
    )
