"""Between the contract's messages and the domain's values, each conversion once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from trustmesh.petstore.v1 import (
    customer_pb2,
    customer_service_pb2,
    order_pb2,
    order_service_pb2,
    pet_pb2,
    pet_service_pb2,
)
from trustmesh_chassis.storage import PageTokens, etag_of
from trustmesh_chassis.storage.listing import Collection, Query, integer, page
from trustmesh_petstore.customers import Customer
from trustmesh_petstore.names import etag, name_of, org_of
from trustmesh_petstore.orders import Item, Order, OrderState
from trustmesh_petstore.pets import Pet, Species
from trustmesh_petstore.ports import Once

PETS = Collection(
    "petstore.pets",
    fields={"species": Species.__getitem__, "price_cents": integer, "stock": integer, "display_name": str},
    orders=frozenset({"name", "display_name", "price_cents", "stock", "create_time"}),
)
FOUND_PETS = Collection("petstore.pets.search", fields={}, orders=frozenset())
CUSTOMERS = Collection(
    "petstore.customers",
    fields={"email": str, "display_name": str},
    orders=frozenset({"name", "display_name", "create_time"}),
)
ORDERS = Collection(
    "petstore.orders",
    fields={"state": OrderState.__getitem__, "customer": str, "total_cents": integer},
    orders=frozenset({"name", "create_time", "total_cents"}),
)

ListRequest = pet_service_pb2.ListPetsRequest | customer_service_pb2.ListCustomersRequest | order_service_pb2.ListOrdersRequest
CreateRequest = (
    pet_service_pb2.CreatePetRequest | customer_service_pb2.CreateCustomerRequest | order_service_pb2.CreateOrderRequest
)


def once(request: CreateRequest) -> Once:
    return Once(request.request_id, etag_of(request.DESCRIPTOR.full_name, request.SerializeToString(deterministic=True)))


def query(collection: Collection, request: ListRequest, tokens: PageTokens) -> Query:
    return collection.query(
        tokens,
        request.parent,
        size=request.page_size,
        token=request.page_token,
        filter=request.filter,
        order_by=request.order_by,
    )


def search_query(request: pet_service_pb2.SearchPetsRequest, tokens: PageTokens) -> Query:
    return FOUND_PETS.query(tokens, request.parent, size=request.page_size, token=request.page_token, more=request.query)


def changes(message: Message, mask: FieldMask, fields: Mapping[str, Callable[[Any], object]]) -> dict[str, Any]:
    """The new values of the fields that an update's mask names: all of `fields` for "*", those that are set without a mask."""
    if "*" in mask.paths:
        named = set(fields)
    elif mask.paths:
        named = set(mask.paths)
    else:
        named = {field.name for field, _ in message.ListFields()}
    return {field: read(getattr(message, field)) for field, read in fields.items() if field in named}


PET_CHANGES: Mapping[str, Callable[[Any], object]] = {"display_name": str, "price_cents": int, "tags": tuple}
CUSTOMER_CHANGES: Mapping[str, Callable[[Any], object]] = {"display_name": str, "email": str}


def new_pet(request: pet_service_pb2.CreatePetRequest, now: datetime, new_id: Callable[[], str]) -> Pet:
    pet = request.pet
    return Pet(
        org=org_of(request.parent),
        id=request.pet_id or f"pet-{new_id()}",
        display_name=pet.display_name,
        species=Species[pet_pb2.Species.Name(pet.species).removeprefix("SPECIES_")],
        price_cents=pet.price_cents,
        stock=pet.stock,
        tags=tuple(pet.tags),
        create_time=now,
        update_time=now,
    )


def pet_message(pet: Pet) -> pet_pb2.Pet:
    return pet_pb2.Pet(
        name=name_of(Pet, pet.org, pet.id),
        display_name=pet.display_name,
        species=f"SPECIES_{pet.species.name}",
        price_cents=pet.price_cents,
        stock=pet.stock,
        tags=pet.tags,
        create_time=pet.create_time,
        update_time=pet.update_time,
        etag=etag(pet),
    )


def pets_page(pets: Sequence[Pet], asked: Query, tokens: PageTokens) -> pet_service_pb2.ListPetsResponse:
    shown, token = page(pets, asked, tokens)
    return pet_service_pb2.ListPetsResponse(pets=map(pet_message, shown), next_page_token=token)


def found_page(pets: Sequence[Pet], asked: Query, tokens: PageTokens) -> pet_service_pb2.SearchPetsResponse:
    shown, token = page(pets, asked, tokens)
    return pet_service_pb2.SearchPetsResponse(pets=map(pet_message, shown), next_page_token=token)


def new_customer(request: customer_service_pb2.CreateCustomerRequest, now: datetime, new_id: Callable[[], str]) -> Customer:
    return Customer(
        org=org_of(request.parent),
        id=request.customer_id or f"customer-{new_id()}",
        display_name=request.customer.display_name,
        email=request.customer.email,
        create_time=now,
        update_time=now,
    )


def customer_message(customer: Customer) -> customer_pb2.Customer:
    return customer_pb2.Customer(
        name=name_of(Customer, customer.org, customer.id),
        display_name=customer.display_name,
        email=customer.email,
        create_time=customer.create_time,
        update_time=customer.update_time,
        etag=etag(customer),
    )


def customers_page(customers: Sequence[Customer], asked: Query, tokens: PageTokens) -> customer_service_pb2.ListCustomersResponse:
    shown, token = page(customers, asked, tokens)
    return customer_service_pb2.ListCustomersResponse(customers=map(customer_message, shown), next_page_token=token)


def new_order(request: order_service_pb2.CreateOrderRequest, now: datetime, new_id: Callable[[], str]) -> Order:
    """The order as it is asked for; its prices are found when it is placed."""
    return Order(
        org=org_of(request.parent),
        id=request.order_id or f"order-{new_id()}",
        customer=request.order.customer,
        items=tuple(Item(item.pet, item.quantity, unit_price_cents=0) for item in request.order.items),
        total_cents=0,
        state=OrderState.PLACED,
        create_time=now,
        update_time=now,
    )


def order_message(order: Order) -> order_pb2.Order:
    return order_pb2.Order(
        name=name_of(Order, order.org, order.id),
        customer=order.customer,
        items=[
            order_pb2.OrderItem(pet=item.pet, quantity=item.quantity, unit_price_cents=item.unit_price_cents)
            for item in order.items
        ],
        state=f"ORDER_STATE_{order.state.name}",
        total_cents=order.total_cents,
        create_time=order.create_time,
        update_time=order.update_time,
        etag=etag(order),
    )


def orders_page(orders: Sequence[Order], asked: Query, tokens: PageTokens) -> order_service_pb2.ListOrdersResponse:
    shown, token = page(orders, asked, tokens)
    return order_service_pb2.ListOrdersResponse(orders=map(order_message, shown), next_page_token=token)


def message_of(resource: Pet | Customer | Order) -> Message:
    match resource:
        case Pet():
            return pet_message(resource)
        case Customer():
            return customer_message(resource)
        case _:
            return order_message(resource)
