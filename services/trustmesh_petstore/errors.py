"""How a call to the pet store may fail beyond what every service shares; each name is a reason in the contract."""

from __future__ import annotations

from trustmesh_chassis.errors import AlreadyExists, FailedPrecondition


class PetExists(AlreadyExists):
    """A pet of that id is in the shop."""


class PetIsOrdered(FailedPrecondition):
    """An unfinished order holds the pet."""


class StockLimitReached(FailedPrecondition):
    """The shop has no room for so many."""


class CustomerExists(AlreadyExists):
    """A customer of that id or email is known."""


class CustomerHasOrders(FailedPrecondition):
    """The customer waits for an order."""


class OrderExists(AlreadyExists):
    """An order of that id was placed."""


class UnknownCustomer(FailedPrecondition):
    """The order's customer is none of the shop's."""


class UnknownPet(FailedPrecondition):
    """An item's pet is not in the shop."""


class OutOfStock(FailedPrecondition):
    """Fewer are for sale than were ordered."""


class WrongOrderState(FailedPrecondition):
    """The order cannot go there from where it is."""
