"""Orders and the way that they go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from trustmesh_petstore.errors import WrongOrderState


class OrderState(Enum):
    """Where an order is, named as in the contract."""

    PLACED = auto()
    PAID = auto()
    SHIPPED = auto()
    DELIVERED = auto()
    CANCELLED = auto()


OPEN = frozenset({OrderState.PLACED, OrderState.PAID, OrderState.SHIPPED})
_FROM = {
    OrderState.PAID: frozenset({OrderState.PLACED}),
    OrderState.SHIPPED: frozenset({OrderState.PAID}),
    OrderState.DELIVERED: frozenset({OrderState.SHIPPED}),
    OrderState.CANCELLED: frozenset({OrderState.PLACED, OrderState.PAID}),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order: a pet's name, how many, and the price of one at that moment."""

    pet: str
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a customer (a name) buys. `revision` counts its changes."""

    org: str
    id: str
    customer: str
    items: tuple[Item, ...]
    total_cents: int
    state: OrderState
    create_time: datetime
    update_time: datetime
    revision: int = 1

    def moved(self, state: OrderState, now: datetime) -> Order:
        """The order on its next stop. Raises WrongOrderState when no way leads there."""
        if self.state not in _FROM[state]:
            allowed = " or ".join(sorted(each.name for each in _FROM[state]))
            raise WrongOrderState(
                f"The order is {self.state.name}; only one that is {allowed} becomes {state.name}.",
                metadata={"state": self.state.name},
            )
        return replace(self, state=state, update_time=now, revision=self.revision + 1)


def total(items: tuple[Item, ...]) -> int:
    """The sum of all items, in cents."""
    return sum(item.quantity * item.unit_price_cents for item in items)
