"""What the pet store needs of its storage. `store` keeps it in a database, `memory` in a process; one suite proves both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from trustmesh_chassis.storage.listing import Query
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.orders import Order
from trustmesh_petstore.pets import Pet

Resource = TypeVar("Resource")


class Repository(Protocol[Resource]):
    """The resources of one kind in one organisation."""

    async def get(self, identity: str) -> Resource:
        """The resource, held against other changes until a writing unit ends. Raises NotFound."""
        ...

    async def add(self, resource: Resource) -> None:
        """Keep a new resource. Raises PetExists, CustomerExists or OrderExists."""
        ...

    async def save(self, resource: Resource) -> None:
        """Keep a resource that `get` gave out in its changed form. Raises CustomerExists for an email that is taken."""
        ...

    async def remove(self, identity: str) -> None:
        """Forget a resource that `get` gave out."""
        ...

    async def page(self, query: Query) -> Sequence[Resource]:
        """The page's resources, and one more if there is another page."""
        ...


class Pets(Repository[Pet], Protocol):
    async def search(self, words: tuple[str, ...], query: Query) -> Sequence[Pet]:
        """As `page`, of the pets that match all words (see pets.matches)."""
        ...


class Orders(Repository[Order], Protocol):
    async def holds_pet(self, pet: str) -> bool:
        """Whether an open order has the pet among its items."""
        ...

    async def holds_customer(self, customer: str) -> bool:
        """Whether an open order is the customer's."""
        ...


@dataclass(frozen=True, slots=True)
class Once:
    """Tells a repeated request: the caller's id for it ("" for none) and a fingerprint of all else that it says."""

    request_id: str
    fingerprint: str


class Unit(Protocol):
    """One organisation's shop, as of one moment."""

    @property
    def pets(self) -> Pets: ...

    @property
    def customers(self) -> Repository[Customer]: ...

    @property
    def orders(self) -> Orders: ...


class WritingUnit(Unit, Protocol):
    """Changes to a shop that happen together or not at all."""

    def emit(self, event_type: str, resource: Pet | Customer | Order) -> None:
        """Publish, with the changes, that this happened to the resource, for example "petstore.pet.created"."""
        ...

    async def repeated(self, once: Once, identity: str) -> str | None:
        """What an earlier call of this request made; None for the first, which makes `identity`. Raises RequestIdReused."""
        ...


class Shops(Protocol):
    """All organisations' shops."""

    def unit(self, org: str) -> AbstractAsyncContextManager[WritingUnit]:
        """Changes, kept when the block ends well."""
        ...

    def read(self, org: str) -> AbstractAsyncContextManager[Unit]:
        """Reads of one moment."""
        ...
