"""The shops in memory: the same port, for tests and for trying things out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from trustmesh_chassis.errors import AlreadyExists, NotFound
from trustmesh_chassis.storage import RequestIdReused
from trustmesh_chassis.storage.listing import Query, chosen
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.errors import CustomerExists, OrderExists, PetExists
from trustmesh_petstore.orders import OPEN, Order
from trustmesh_petstore.pets import Pet, matches
from trustmesh_petstore.ports import Once

R = TypeVar("R", Pet, Customer, Order)


class MemoryRepository(Generic[R]):
    def __init__(self, kept: dict[str, R], taken: type[AlreadyExists]) -> None:
        self.kept: dict[str, R] = kept
        self._taken = taken

    async def get(self, identity: str) -> R:
        try:
            return self.kept[identity]
        except KeyError:
            raise NotFound(f"There is no {identity}.") from None

    async def add(self, resource: R) -> None:
        if resource.id in self.kept:
            raise self._taken(f"{resource.id} exists; choose another id.")
        self.kept[resource.id] = resource

    async def save(self, resource: R) -> None:
        self.kept[resource.id] = resource

    async def remove(self, identity: str) -> None:
        del self.kept[identity]

    async def page(self, query: Query) -> list[R]:
        return chosen(self.kept.values(), query)


class MemoryPets(MemoryRepository[Pet]):
    async def search(self, words: tuple[str, ...], query: Query) -> list[Pet]:
        return chosen((pet for pet in self.kept.values() if matches(pet, words)), query)


class MemoryCustomers(MemoryRepository[Customer]):
    async def add(self, resource: Customer) -> None:
        self._refuse_taken_email(resource)
        await super().add(resource)

    async def save(self, resource: Customer) -> None:
        self._refuse_taken_email(resource)
        await super().save(resource)

    def _refuse_taken_email(self, customer: Customer) -> None:
        if any(other.email == customer.email and other.id != customer.id for other in self.kept.values()):
            raise CustomerExists("Another customer has that email.")


class MemoryOrders(MemoryRepository[Order]):
    async def holds_pet(self, pet: str) -> bool:
        return any(order.state in OPEN and any(item.pet == pet for item in order.items) for order in self.kept.values())

    async def holds_customer(self, customer: str) -> bool:
        return any(order.state in OPEN and order.customer == customer for order in self.kept.values())


@dataclass
class _Shop:
    pets: dict[str, Pet] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    requests: dict[str, tuple[str, str]] = field(default_factory=dict)

    def copy(self) -> _Shop:
        return _Shop(dict(self.pets), dict(self.customers), dict(self.orders), dict(self.requests))


class MemoryUnit:
    def __init__(self, shop: _Shop) -> None:
        self._shop = shop
        self.pets = MemoryPets(shop.pets, PetExists)
        self.customers = MemoryCustomers(shop.customers, CustomerExists)
        self.orders = MemoryOrders(shop.orders, OrderExists)
        self.events: list[tuple[str, Pet | Customer | Order]] = []

    def emit(self, event_type: str, resource: Pet | Customer | Order) -> None:
        self.events.append((event_type, resource))

    async def repeated(self, once: Once, identity: str) -> str | None:
        if not once.request_id:
            return None
        fingerprint, earlier = self._shop.requests.setdefault(once.request_id, (once.fingerprint, ""))
        if fingerprint != once.fingerprint:
            raise RequestIdReused("The request id came before with another request; use a new one.")
        self._shop.requests[once.request_id] = (fingerprint, earlier or identity)
        return earlier or None


class MemoryShops:
    """ports.Shops in this process; `events` are those of finished units."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Pet | Customer | Order]] = []
        self._shops: dict[str, _Shop] = defaultdict(_Shop)
        self._writing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def unit(self, org: str) -> AsyncIterator[MemoryUnit]:
        async with self._writing[org]:
            shop = self._shops[org].copy()
            unit = MemoryUnit(shop)
            yield unit
            self._shops[org] = shop
            self.events += unit.events

    @asynccontextmanager
    async def read(self, org: str) -> AsyncIterator[MemoryUnit]:
        yield MemoryUnit(self._shops[org].copy())
