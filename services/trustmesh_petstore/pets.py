"""Pets and their stock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from trustmesh_petstore.errors import OutOfStock, StockLimitReached

STOCK_LIMIT = 1_000_000


class Species(Enum):
    """Kinds of animals, named as in the contract."""

    DOG = auto()
    CAT = auto()
    BIRD = auto()
    FISH = auto()
    REPTILE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pet:
    """An animal for sale; `stock` of them, never fewer than none. `revision` counts its changes."""

    org: str
    id: str
    display_name: str
    species: Species
    price_cents: int
    stock: int
    tags: tuple[str, ...]
    create_time: datetime
    update_time: datetime
    revision: int = 1

    def changed(self, now: datetime, **changes: object) -> Pet:
        """The pet after a change of its fields."""
        return replace(self, **changes, update_time=now, revision=self.revision + 1)  # type: ignore[arg-type] # replace checks names

    def taken(self, quantity: int, now: datetime) -> Pet:
        """The pet after `quantity` were reserved. Raises OutOfStock when there are fewer."""
        if quantity > self.stock:
            raise OutOfStock(f"Of {self.id} {self.stock} are for sale; order at most that many.", metadata={"pet": self.id})
        return self.changed(now, stock=self.stock - quantity)

    def added(self, quantity: int, now: datetime) -> Pet:
        """The pet after `quantity` more came in. Raises StockLimitReached beyond STOCK_LIMIT."""
        if self.stock + quantity > STOCK_LIMIT:
            raise StockLimitReached(f"The shop holds at most {STOCK_LIMIT:,} of a pet; add fewer.")
        return self.changed(now, stock=self.stock + quantity)

    def returned(self, quantity: int, now: datetime) -> Pet:
        """The pet after a cancelled order gave `quantity` back; what was sold once always has room."""
        return self.changed(now, stock=self.stock + quantity)


def words_of(text: str) -> tuple[str, ...]:
    """The words that a search compares, without case."""
    return tuple(text.casefold().split())


def matches(pet: Pet, words: tuple[str, ...]) -> bool:
    """Whether each of `words` begins a word of the pet's display name or one of its tags."""
    own = words_of(pet.display_name) + pet.tags
    return all(any(each.startswith(word) for each in own) for word in words)
