"""How resources are told apart on the wire: their names and etags."""

from __future__ import annotations

from trustmesh_chassis.storage import etag_of
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.orders import Order
from trustmesh_petstore.pets import Pet

COLLECTIONS: dict[type[Pet | Customer | Order], str] = {Pet: "pets", Customer: "customers", Order: "orders"}


def name_of(kind: type[Pet | Customer | Order], org: str, identity: str) -> str:
    """`orgs/{org}/{collection}/{id}`."""
    return f"orgs/{org}/{COLLECTIONS[kind]}/{identity}"


def org_of(name: str) -> str:
    """The organisation of a resource's or a parent's name."""
    return name.split("/")[1]


def id_of(name: str) -> str:
    """The last part of a name."""
    return name.rpartition("/")[2]


def etag(resource: Pet | Customer | Order) -> str:
    """Changes with every revision, and from a deleted resource to its namesake."""
    return etag_of(resource.org, resource.id, resource.create_time, resource.revision)
