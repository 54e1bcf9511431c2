"""What the pet store does: each function is one use case, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from trustmesh_chassis.errors import NotFound
from trustmesh_chassis.storage import require_etag
from trustmesh_chassis.storage.listing import Query
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.errors import CustomerHasOrders, PetIsOrdered, UnknownCustomer, UnknownPet
from trustmesh_petstore.names import etag, id_of, name_of, org_of
from trustmesh_petstore.orders import Item, Order, OrderState, total
from trustmesh_petstore.pets import Pet, words_of
from trustmesh_petstore.ports import Once, Shops, Unit, WritingUnit


async def create_pet(shops: Shops, pet: Pet, once: Once) -> Pet:
    async with shops.unit(pet.org) as unit:
        earlier = await unit.repeated(once, pet.id)
        if earlier is not None:
            return await unit.pets.get(earlier)
        await unit.pets.add(pet)
        unit.emit("petstore.pet.created", pet)
        return pet


async def get_pet(shops: Shops, org: str, identity: str) -> Pet:
    async with shops.read(org) as unit:
        return await unit.pets.get(identity)


async def list_pets(shops: Shops, org: str, query: Query) -> Sequence[Pet]:
    async with shops.read(org) as unit:
        return await unit.pets.page(query)


async def search_pets(shops: Shops, org: str, text: str, query: Query) -> Sequence[Pet]:
    async with shops.read(org) as unit:
        return await unit.pets.search(words_of(text), query)


async def update_pet(shops: Shops, org: str, identity: str, tag: str, changes: Mapping[str, object], now: datetime) -> Pet:
    async with shops.unit(org) as unit:
        pet = await _unchanged_pet(unit, identity, tag)
        return await _keep_pet(unit, pet.changed(now, **changes), "petstore.pet.updated")


async def restock_pet(shops: Shops, org: str, identity: str, tag: str, quantity: int, now: datetime) -> Pet:
    async with shops.unit(org) as unit:
        pet = await _unchanged_pet(unit, identity, tag)
        return await _keep_pet(unit, pet.added(quantity, now), "petstore.pet.restocked")


async def delete_pet(shops: Shops, org: str, identity: str, tag: str, *, validate_only: bool) -> None:
    """Raises PetIsOrdered while an open order holds the pet."""
    async with shops.unit(org) as unit:
        pet = await _unchanged_pet(unit, identity, tag)
        if await unit.orders.holds_pet(name_of(Pet, org, identity)):
            raise PetIsOrdered("An unfinished order holds the pet; finish or cancel it first.")
        if not validate_only:
            await unit.pets.remove(identity)
            unit.emit("petstore.pet.deleted", pet)


async def create_customer(shops: Shops, customer: Customer, once: Once) -> Customer:
    async with shops.unit(customer.org) as unit:
        earlier = await unit.repeated(once, customer.id)
        if earlier is not None:
            return await unit.customers.get(earlier)
        await unit.customers.add(customer)
        unit.emit("petstore.customer.created", customer)
        return customer


async def get_customer(shops: Shops, org: str, identity: str) -> Customer:
    async with shops.read(org) as unit:
        return await unit.customers.get(identity)


async def list_customers(shops: Shops, org: str, query: Query) -> Sequence[Customer]:
    async with shops.read(org) as unit:
        return await unit.customers.page(query)


async def update_customer(shops: Shops, org: str, identity: str, tag: str, changes: Mapping[str, str], now: datetime) -> Customer:
    async with shops.unit(org) as unit:
        customer = await unit.customers.get(identity)
        require_etag(tag, etag(customer))
        changed = customer.changed(now, **changes)
        await unit.customers.save(changed)
        unit.emit("petstore.customer.updated", changed)
        return changed


async def delete_customer(shops: Shops, org: str, identity: str, tag: str, *, validate_only: bool) -> None:
    """Raises CustomerHasOrders while one of the customer's orders is open."""
    async with shops.unit(org) as unit:
        customer = await unit.customers.get(identity)
        require_etag(tag, etag(customer))
        if await unit.orders.holds_customer(name_of(Customer, org, identity)):
            raise CustomerHasOrders("The customer has an unfinished order; finish or cancel it first.")
        if not validate_only:
            await unit.customers.remove(identity)
            unit.emit("petstore.customer.deleted", customer)


async def create_order(shops: Shops, draft: Order, once: Once) -> Order:
    """Place an order, whose prices are still open, and take its pets out of stock.

    Raises UnknownCustomer, UnknownPet, OutOfStock or OrderExists.
    """
    async with shops.unit(draft.org) as unit:
        earlier = await unit.repeated(once, draft.id)
        if earlier is not None:
            return await unit.orders.get(earlier)
        await _require_customer(unit, draft)
        items = await _reserve(unit, draft)
        order = replace(draft, items=items, total_cents=total(items))
        await unit.orders.add(order)
        unit.emit("petstore.order.placed", order)
        return order


async def get_order(shops: Shops, org: str, identity: str) -> Order:
    async with shops.read(org) as unit:
        return await unit.orders.get(identity)


async def list_orders(shops: Shops, org: str, query: Query) -> Sequence[Order]:
    async with shops.read(org) as unit:
        return await unit.orders.page(query)


async def move_order(shops: Shops, org: str, identity: str, tag: str, state: OrderState, now: datetime) -> Order:
    """Bring an order into a state; one that is in it already stays as it is. A cancelled order's pets are for sale again.

    Raises WrongOrderState when no way leads there.
    """
    async with shops.unit(org) as unit:
        order = await unit.orders.get(identity)
        if order.state is state:
            return order
        require_etag(tag, etag(order))
        moved = order.moved(state, now)
        if state is OrderState.CANCELLED:
            await _release(unit, moved)
        await unit.orders.save(moved)
        unit.emit(f"petstore.order.{state.name.lower()}", moved)
        return moved


async def _unchanged_pet(unit: Unit, identity: str, tag: str) -> Pet:
    pet = await unit.pets.get(identity)
    require_etag(tag, etag(pet))
    return pet


async def _keep_pet(unit: WritingUnit, pet: Pet, event_type: str) -> Pet:
    await unit.pets.save(pet)
    unit.emit(event_type, pet)
    return pet


async def _require_customer(unit: Unit, order: Order) -> None:
    try:
        if org_of(order.customer) != order.org:
            raise NotFound("another organisation's customer")
        await unit.customers.get(id_of(order.customer))
    except NotFound:
        raise UnknownCustomer(f"There is no customer {order.customer} in this shop.") from None


async def _reserve(unit: WritingUnit, order: Order) -> tuple[Item, ...]:
    prices = {}
    for item in _in_locking_order(order):
        try:
            if org_of(item.pet) != order.org:
                raise NotFound("another organisation's pet")
            pet = await unit.pets.get(id_of(item.pet))
        except NotFound:
            raise UnknownPet(f"There is no pet {item.pet} in this shop.", metadata={"pet": item.pet}) from None
        await unit.pets.save(pet.taken(item.quantity, order.create_time))
        prices[item.pet] = pet.price_cents
    return tuple(replace(item, unit_price_cents=prices[item.pet]) for item in order.items)


async def _release(unit: WritingUnit, order: Order) -> None:
    for item in _in_locking_order(order):
        pet = await unit.pets.get(id_of(item.pet))
        await unit.pets.save(pet.returned(item.quantity, order.update_time))


def _in_locking_order(order: Order) -> list[Item]:
    """Two orders of the same pets take them in the same order, so neither waits for the other in a circle."""
    return sorted(order.items, key=lambda item: item.pet)
