"""The pet store's methods as a client meets them: over mTLS with a token, through the whole pipeline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from trustmesh.petstore.v1 import customer_pb2, customer_service_pb2, order_pb2, order_service_pb2, pet_pb2, pet_service_pb2
from trustmesh.petstore.v1.customer_service_pb2_grpc import CustomerServiceStub
from trustmesh.petstore.v1.order_service_pb2_grpc import OrderServiceStub
from trustmesh.petstore.v1.pet_service_pb2_grpc import PetServiceStub
from trustmesh_chassis.storage import Database
from trustmesh_chassis.storage.outbox import pending_events, pending_records
from trustmesh_chassis.testing.served import Served
from trustmesh_petstore.store import METADATA

ORG = "orgs/demo"
REX, ADA, FIRST = f"{ORG}/pets/rex", f"{ORG}/customers/ada", f"{ORG}/orders/first"
REQUEST_ID = "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"


@dataclass(frozen=True)
class Client:
    pets: Any
    customers: Any
    orders: Any

    async def new_pet(self, pet_id: str = "rex", request_id: str = "", **fields: Any) -> pet_pb2.Pet:
        usual: dict[str, Any] = {"display_name": "Rex", "species": pet_pb2.SPECIES_DOG, "price_cents": 10_000, "stock": 3}
        pet = pet_pb2.Pet(**usual | fields)
        request = pet_service_pb2.CreatePetRequest(parent=ORG, pet_id=pet_id, pet=pet, request_id=request_id)
        made: pet_pb2.Pet = await self.pets.CreatePet(request)
        return made

    async def new_customer(
        self, customer_id: str = "ada", email: str = "ada@example.com", request_id: str = ""
    ) -> customer_pb2.Customer:
        request = customer_service_pb2.CreateCustomerRequest(
            parent=ORG,
            customer_id=customer_id,
            customer=customer_pb2.Customer(display_name="Ada", email=email),
            request_id=request_id,
        )
        made: customer_pb2.Customer = await self.customers.CreateCustomer(request)
        return made

    async def new_order(self, order_id: str = "first", request_id: str = "", **quantities: int) -> order_pb2.Order:
        items = [order_pb2.OrderItem(pet=f"{ORG}/pets/{pet}", quantity=quantity) for pet, quantity in quantities.items()]
        order = order_pb2.Order(customer=ADA, items=items)
        request = order_service_pb2.CreateOrderRequest(parent=ORG, order_id=order_id, order=order, request_id=request_id)
        made: order_pb2.Order = await self.orders.CreateOrder(request)
        return made

    async def stock(self, name: str = REX) -> int:
        pet: pet_pb2.Pet = await self.pets.GetPet(pet_service_pb2.GetPetRequest(name=name))
        return pet.stock


@pytest.fixture
def client(shop: Served) -> Client:
    return client_of(shop)


def client_of(shop: Served, **claims: Any) -> Client:
    channel = shop.channel(shop.issuer.token(**claims))
    return Client(PetServiceStub(channel), CustomerServiceStub(channel), OrderServiceStub(channel))  # type: ignore[no-untyped-call,unused-ignore] # generated


@contextmanager
def refused(code: grpc.StatusCode, reason: str, field: str | None = None) -> Iterator[None]:
    """The block's call ends with the status, the ErrorInfo reason and, if one is named, the violated field."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    assert caught.value.code() is code, caught.value.details()
    status: status_pb2.Status = rpc_status.from_call(cast(Any, caught.value))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert [detail.Unpack(info) for detail in status.details].count(True) == 1
    assert (info.domain, info.reason) == ("trustmesh", reason)
    if field is not None:
        assert any(detail.Unpack(bad) for detail in status.details)
        assert [violation.field for violation in bad.field_violations] == [field]


async def test_a_pet_from_birth_to_end(client: Client) -> None:
    pet = await client.new_pet(tags=["good-boy"])
    assert (pet.name, pet.display_name, pet.stock, list(pet.tags)) == (REX, "Rex", 3, ["good-boy"])
    assert pet.etag and pet.create_time == pet.update_time
    assert await client.pets.GetPet(pet_service_pb2.GetPetRequest(name=REX)) == pet

    change = pet_pb2.Pet(name=REX, price_cents=9_000, display_name="ignored", etag=pet.etag)
    changed = await client.pets.UpdatePet(
        pet_service_pb2.UpdatePetRequest(pet=change, update_mask=FieldMask(paths=["price_cents"]))
    )
    assert (changed.display_name, changed.price_cents) == ("Rex", 9_000)
    assert changed.etag != pet.etag and changed.update_time.ToNanoseconds() > pet.update_time.ToNanoseconds()

    restocked = await client.pets.RestockPet(pet_service_pb2.RestockPetRequest(name=REX, quantity=7, etag=changed.etag))
    assert restocked.stock == 10
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await client.pets.RestockPet(pet_service_pb2.RestockPetRequest(name=REX, quantity=7, etag=changed.etag))
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await client.pets.UpdatePet(pet_service_pb2.UpdatePetRequest(pet=change))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "STOCK_LIMIT_REACHED"):
        await client.pets.RestockPet(pet_service_pb2.RestockPetRequest(name=REX, quantity=1_000_000))

    await client.pets.DeletePet(pet_service_pb2.DeletePetRequest(name=REX, validate_only=True))
    await client.pets.DeletePet(pet_service_pb2.DeletePetRequest(name=REX, etag=restocked.etag))
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await client.pets.GetPet(pet_service_pb2.GetPetRequest(name=REX))
    assert (await client.new_pet()).etag != pet.etag


async def test_the_server_names_what_the_caller_does_not(client: Client) -> None:
    one, other = await client.new_pet(""), await client.new_pet("")
    assert one.name.startswith(f"{ORG}/pets/pet-") and one.name < other.name
    assert (await client.new_customer("")).name.startswith(f"{ORG}/customers/customer-")


async def test_a_taken_id_is_refused(client: Client) -> None:
    await client.new_pet()
    with refused(grpc.StatusCode.ALREADY_EXISTS, "PET_EXISTS"):
        await client.new_pet()


async def test_a_repeated_create_answers_with_the_first(client: Client) -> None:
    made = await client.new_pet("", request_id=REQUEST_ID)
    assert await client.new_pet("", request_id=REQUEST_ID) == made
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", "request_id"):
        await client.new_pet("", request_id=REQUEST_ID, display_name="Max")
    ada = await client.new_customer(request_id=REQUEST_ID.replace("a", "b"))
    assert await client.new_customer(request_id=REQUEST_ID.replace("a", "b")) == ada
    pet_id = made.name.rpartition("/")[2]
    order = await client.new_order("", request_id=REQUEST_ID.replace("a", "c"), **{pet_id: 1})
    assert await client.new_order("", request_id=REQUEST_ID.replace("a", "c"), **{pet_id: 1}) == order
    assert await client.stock(made.name) == 2


async def test_pets_are_listed_by_pages(client: Client) -> None:
    for number in range(5):
        await client.new_pet(f"p{number}", price_cents=number, display_name=f"Rex the {number}th")

    async def pages(**query: Any) -> AsyncIterator[list[str]]:
        token = ""
        while True:
            answer = await client.pets.ListPets(
                pet_service_pb2.ListPetsRequest(parent=ORG, page_size=2, page_token=token, **query)
            )
            yield [pet.name.split("/")[-1] for pet in answer.pets]
            token = answer.next_page_token
            if not token:
                return

    assert [page async for page in pages()] == [["p0", "p1"], ["p2", "p3"], ["p4"]]
    assert [page async for page in pages(filter="price_cents > 1", order_by="price_cents desc")] == [["p4", "p3"], ["p2"]]
    first = await client.pets.ListPets(pet_service_pb2.ListPetsRequest(parent=ORG, page_size=2))
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", "page_token"):
        await client.pets.ListPets(
            pet_service_pb2.ListPetsRequest(parent=ORG, page_token=first.next_page_token, filter="stock > 0")
        )
    found = await client.pets.SearchPets(pet_service_pb2.SearchPetsRequest(parent=ORG, query="3TH rex", page_size=1))
    assert [pet.name for pet in found.pets] == [f"{ORG}/pets/p3"]


@pytest.mark.parametrize(
    ("query", "reason", "field"),
    [
        ({"filter": "colour = RED"}, "INVALID_FILTER", "filter"),
        ({"order_by": "tags"}, "INVALID_ORDER", "order_by"),
        ({"page_token": "forged"}, "INVALID_PAGE_TOKEN", "page_token"),
        ({"page_size": -1}, "INVALID_ARGUMENT", "page_size"),
    ],
)
async def test_what_a_list_cannot_do(client: Client, query: dict[str, Any], reason: str, field: str) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, reason, field):
        await client.pets.ListPets(pet_service_pb2.ListPetsRequest(parent=ORG, **query))


async def test_a_customer_from_birth_to_end(client: Client) -> None:
    ada = await client.new_customer()
    assert await client.customers.GetCustomer(customer_service_pb2.GetCustomerRequest(name=ADA)) == ada
    with refused(grpc.StatusCode.ALREADY_EXISTS, "CUSTOMER_EXISTS"):
        await client.new_customer("eve")
    await client.new_customer("eve", "eve@example.com")
    taken = customer_pb2.Customer(name=ADA, email="eve@example.com")
    with refused(grpc.StatusCode.ALREADY_EXISTS, "CUSTOMER_EXISTS"):
        await client.customers.UpdateCustomer(customer_service_pb2.UpdateCustomerRequest(customer=taken))
    changed = await client.customers.UpdateCustomer(
        customer_service_pb2.UpdateCustomerRequest(customer=customer_pb2.Customer(name=ADA, email="a@example.com"))
    )
    assert (changed.display_name, changed.email) == ("Ada", "a@example.com")
    listed = await client.customers.ListCustomers(
        customer_service_pb2.ListCustomersRequest(parent=ORG, filter='email = "a@example.com"')
    )
    assert list(listed.customers) == [changed]
    await client.customers.DeleteCustomer(customer_service_pb2.DeleteCustomerRequest(name=ADA, validate_only=True))
    await client.customers.DeleteCustomer(customer_service_pb2.DeleteCustomerRequest(name=ADA))
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await client.customers.DeleteCustomer(customer_service_pb2.DeleteCustomerRequest(name=ADA))


async def test_an_order_from_the_basket_to_the_door(client: Client) -> None:
    await client.new_pet()
    await client.new_pet("bea", price_cents=500)
    await client.new_customer()
    order = await client.new_order(rex=2, bea=1)
    assert (order.name, order.state, order.total_cents) == (FIRST, order_pb2.ORDER_STATE_PLACED, 20_500)
    assert [item.unit_price_cents for item in order.items] == [10_000, 500]
    assert await client.stock() == 1

    with refused(grpc.StatusCode.FAILED_PRECONDITION, "PET_IS_ORDERED"):
        await client.pets.DeletePet(pet_service_pb2.DeletePetRequest(name=REX, validate_only=True))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "CUSTOMER_HAS_ORDERS"):
        await client.customers.DeleteCustomer(customer_service_pb2.DeleteCustomerRequest(name=ADA))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_ORDER_STATE"):
        await client.orders.ShipOrder(order_service_pb2.ShipOrderRequest(name=FIRST))

    for move, request, state in (
        (client.orders.PayOrder, order_service_pb2.PayOrderRequest, order_pb2.ORDER_STATE_PAID),
        (client.orders.ShipOrder, order_service_pb2.ShipOrderRequest, order_pb2.ORDER_STATE_SHIPPED),
        (client.orders.DeliverOrder, order_service_pb2.DeliverOrderRequest, order_pb2.ORDER_STATE_DELIVERED),
    ):
        moved = await move(request(name=FIRST, etag=order.etag))
        assert moved.state == state and moved.etag != order.etag
        assert await move(request(name=FIRST, etag=order.etag)) == moved  # a repeated call is harmless
        order = moved

    with refused(grpc.StatusCode.FAILED_PRECONDITION, "WRONG_ORDER_STATE"):
        await client.orders.CancelOrder(order_service_pb2.CancelOrderRequest(name=FIRST))
    await client.pets.DeletePet(pet_service_pb2.DeletePetRequest(name=REX))
    await client.customers.DeleteCustomer(customer_service_pb2.DeleteCustomerRequest(name=ADA))
    assert await client.orders.GetOrder(order_service_pb2.GetOrderRequest(name=FIRST)) == order


async def test_a_cancelled_order_gives_its_pets_back(client: Client) -> None:
    await client.new_pet()
    await client.new_customer()
    placed = await client.new_order(rex=3)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK"):
        await client.new_order("second", rex=1)
    paid = await client.orders.PayOrder(order_service_pb2.PayOrderRequest(name=FIRST))
    with refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        await client.orders.CancelOrder(order_service_pb2.CancelOrderRequest(name=FIRST, etag=placed.etag))
    await client.orders.CancelOrder(order_service_pb2.CancelOrderRequest(name=FIRST, etag=paid.etag))
    assert await client.stock() == 3
    await client.new_order("second", rex=1)
    listed = await client.orders.ListOrders(order_service_pb2.ListOrdersRequest(parent=ORG, filter="state = CANCELLED"))
    assert [order.name for order in listed.orders] == [FIRST]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"customer": f"{ORG}/customers/nobody"}, "UNKNOWN_CUSTOMER"),
        ({"customer": "orgs/other/customers/ada"}, "UNKNOWN_CUSTOMER"),
        ({"items": [order_pb2.OrderItem(pet=f"{ORG}/pets/nothing", quantity=1)]}, "UNKNOWN_PET"),
        ({"items": [order_pb2.OrderItem(pet="orgs/other/pets/rex", quantity=1)]}, "UNKNOWN_PET"),
    ],
)
async def test_an_order_names_what_its_shop_has(shop: Served, client: Client, change: dict[str, Any], reason: str) -> None:
    await client.new_pet()
    await client.new_customer()
    order = order_pb2.Order(**{"customer": ADA, "items": [order_pb2.OrderItem(pet=REX, quantity=1)]} | change)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, reason):
        await client.orders.CreateOrder(order_service_pb2.CreateOrderRequest(parent=ORG, order=order))
    assert await client.stock() == 3


async def test_an_order_id_is_taken_once(client: Client) -> None:
    await client.new_pet()
    await client.new_customer()
    await client.new_order(rex=1)
    with refused(grpc.StatusCode.ALREADY_EXISTS, "ORDER_EXISTS"):
        await client.new_order(rex=1)
    assert await client.stock() == 2


async def test_concurrent_orders_share_the_stock(client: Client) -> None:
    await client.new_pet(stock=4)
    await client.new_customer()
    outcomes = await asyncio.gather(*(client.new_order("", rex=1) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, order_pb2.Order) for outcome in outcomes) == 4
    assert await client.stock() == 0


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("pet.display_name", {"display_name": "x" * 101}),
        ("pet.display_name", {"display_name": "line\nbreak"}),
        ("pet.price_cents", {"price_cents": -1}),
        ("pet.stock", {"stock": -1}),
        ("pet.tags[0]", {"tags": ["Not A Tag"]}),
        ("pet", {"species": pet_pb2.SPECIES_UNSPECIFIED}),
        ("pet", {"display_name": ""}),
    ],
)
async def test_invalid_pets_are_refused_by_field(client: Client, field: str, change: dict[str, Any]) -> None:
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", field):
        await client.new_pet(**change)


async def test_an_update_mask_names_what_may_change(client: Client) -> None:
    pet = await client.new_pet()
    for path in ("stock", "species", "name", "nonsense"):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", "update_mask"):
            await client.pets.UpdatePet(pet_service_pb2.UpdatePetRequest(pet=pet, update_mask=FieldMask(paths=[path])))
    emptied = pet_pb2.Pet(name=REX)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"):
        await client.pets.UpdatePet(pet_service_pb2.UpdatePetRequest(pet=emptied, update_mask=FieldMask(paths=["*"])))


async def test_who_may_do_what(shop: Served, client: Client) -> None:
    await client.new_pet()
    get = pet_service_pb2.GetPetRequest(name=REX)
    with refused(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"):
        await client_of(shop, scope="petstore.pets.list petstore.orders.*").pets.GetPet(get)
    with refused(grpc.StatusCode.NOT_FOUND, "NOT_FOUND"):
        await client_of(shop, orgs=("other",)).pets.GetPet(get)
    assert (await client_of(shop, scope="petstore.pets.get").pets.GetPet(get)).name == REX


async def test_changes_are_audited_in_their_transaction(shop: Served, client: Client, tmp_path: Path) -> None:
    await client.new_pet()
    with refused(grpc.StatusCode.ALREADY_EXISTS, "PET_EXISTS"):
        await client.new_pet()
    database = await Database.open(f"sqlite:///{tmp_path}/services/petstore/data.db", METADATA, "trustmesh_petstore:migrations")
    kept = [json.loads(record) for record in (await pending_records(database)).values()]
    events = await pending_events(database, "petstore")
    await database.close()
    assert [(each["method"], each["resources"]) for each in kept] == [("trustmesh.petstore.v1.PetService.CreatePet", [ORG])]
    assert [(event.type, event.resource, event.org) for event in events] == [("petstore.pet.created", REX, "demo")]
    pet = pet_pb2.Pet()
    assert events[0].payload.Unpack(pet) and pet.name == REX
    assert [each["reason"] for each in shop.records] == ["PET_EXISTS"]  # what had no effect goes to the spool
