"""The pet store's gRPC services: each method converts, calls and converts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from google.protobuf.empty_pb2 import Empty

from trustmesh.petstore.v1 import customer_pb2, customer_service_pb2, order_pb2, order_service_pb2, pet_pb2, pet_service_pb2
from trustmesh_chassis.call import Call
from trustmesh_chassis.storage import PageTokens
from trustmesh_petstore import convert, operations
from trustmesh_petstore.names import id_of, org_of
from trustmesh_petstore.orders import OrderState
from trustmesh_petstore.ports import Shops


class _Servicer:
    def __init__(self, shops: Shops, tokens: PageTokens, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._shops = shops
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id


class PetServicer(_Servicer):
    """trustmesh.petstore.v1.PetService."""

    async def CreatePet(self, request: pet_service_pb2.CreatePetRequest, call: Call) -> pet_pb2.Pet:
        draft = convert.new_pet(request, self._clock(), self._new_id)
        pet = await operations.create_pet(self._shops, draft, convert.once(request))
        return convert.pet_message(pet)

    async def GetPet(self, request: pet_service_pb2.GetPetRequest, call: Call) -> pet_pb2.Pet:
        pet = await operations.get_pet(self._shops, org_of(request.name), id_of(request.name))
        return convert.pet_message(pet)

    async def ListPets(self, request: pet_service_pb2.ListPetsRequest, call: Call) -> pet_service_pb2.ListPetsResponse:
        query = convert.query(convert.PETS, request, self._tokens)
        pets = await operations.list_pets(self._shops, org_of(request.parent), query)
        return convert.pets_page(pets, query, self._tokens)

    async def SearchPets(self, request: pet_service_pb2.SearchPetsRequest, call: Call) -> pet_service_pb2.SearchPetsResponse:
        query = convert.search_query(request, self._tokens)
        pets = await operations.search_pets(self._shops, org_of(request.parent), request.query, query)
        return convert.found_page(pets, query, self._tokens)

    async def UpdatePet(self, request: pet_service_pb2.UpdatePetRequest, call: Call) -> pet_pb2.Pet:
        name, changes = request.pet.name, convert.changes(request.pet, request.update_mask, convert.PET_CHANGES)
        pet = await operations.update_pet(self._shops, org_of(name), id_of(name), request.pet.etag, changes, self._clock())
        return convert.pet_message(pet)

    async def RestockPet(self, request: pet_service_pb2.RestockPetRequest, call: Call) -> pet_pb2.Pet:
        org, identity = org_of(request.name), id_of(request.name)
        pet = await operations.restock_pet(self._shops, org, identity, request.etag, request.quantity, self._clock())
        return convert.pet_message(pet)

    async def DeletePet(self, request: pet_service_pb2.DeletePetRequest, call: Call) -> Empty:
        org, identity = org_of(request.name), id_of(request.name)
        await operations.delete_pet(self._shops, org, identity, request.etag, validate_only=request.validate_only)
        return Empty()


class CustomerServicer(_Servicer):
    """trustmesh.petstore.v1.CustomerService."""

    async def CreateCustomer(self, request: customer_service_pb2.CreateCustomerRequest, call: Call) -> customer_pb2.Customer:
        draft = convert.new_customer(request, self._clock(), self._new_id)
        customer = await operations.create_customer(self._shops, draft, convert.once(request))
        return convert.customer_message(customer)

    async def GetCustomer(self, request: customer_service_pb2.GetCustomerRequest, call: Call) -> customer_pb2.Customer:
        customer = await operations.get_customer(self._shops, org_of(request.name), id_of(request.name))
        return convert.customer_message(customer)

    async def ListCustomers(
        self, request: customer_service_pb2.ListCustomersRequest, call: Call
    ) -> customer_service_pb2.ListCustomersResponse:
        query = convert.query(convert.CUSTOMERS, request, self._tokens)
        customers = await operations.list_customers(self._shops, org_of(request.parent), query)
        return convert.customers_page(customers, query, self._tokens)

    async def UpdateCustomer(self, request: customer_service_pb2.UpdateCustomerRequest, call: Call) -> customer_pb2.Customer:
        asked = request.customer
        changes = convert.changes(asked, request.update_mask, convert.CUSTOMER_CHANGES)
        org, identity = org_of(asked.name), id_of(asked.name)
        customer = await operations.update_customer(self._shops, org, identity, asked.etag, changes, self._clock())
        return convert.customer_message(customer)

    async def DeleteCustomer(self, request: customer_service_pb2.DeleteCustomerRequest, call: Call) -> Empty:
        org, identity = org_of(request.name), id_of(request.name)
        await operations.delete_customer(self._shops, org, identity, request.etag, validate_only=request.validate_only)
        return Empty()


MoveRequest = (
    order_service_pb2.PayOrderRequest
    | order_service_pb2.ShipOrderRequest
    | order_service_pb2.DeliverOrderRequest
    | order_service_pb2.CancelOrderRequest
)


class OrderServicer(_Servicer):
    """trustmesh.petstore.v1.OrderService."""

    async def CreateOrder(self, request: order_service_pb2.CreateOrderRequest, call: Call) -> order_pb2.Order:
        draft = convert.new_order(request, self._clock(), self._new_id)
        order = await operations.create_order(self._shops, draft, convert.once(request))
        return convert.order_message(order)

    async def GetOrder(self, request: order_service_pb2.GetOrderRequest, call: Call) -> order_pb2.Order:
        order = await operations.get_order(self._shops, org_of(request.name), id_of(request.name))
        return convert.order_message(order)

    async def ListOrders(self, request: order_service_pb2.ListOrdersRequest, call: Call) -> order_service_pb2.ListOrdersResponse:
        query = convert.query(convert.ORDERS, request, self._tokens)
        orders = await operations.list_orders(self._shops, org_of(request.parent), query)
        return convert.orders_page(orders, query, self._tokens)

    async def PayOrder(self, request: order_service_pb2.PayOrderRequest, call: Call) -> order_pb2.Order:
        return await self._move(request, OrderState.PAID)

    async def ShipOrder(self, request: order_service_pb2.ShipOrderRequest, call: Call) -> order_pb2.Order:
        return await self._move(request, OrderState.SHIPPED)

    async def DeliverOrder(self, request: order_service_pb2.DeliverOrderRequest, call: Call) -> order_pb2.Order:
        return await self._move(request, OrderState.DELIVERED)

    async def CancelOrder(self, request: order_service_pb2.CancelOrderRequest, call: Call) -> order_pb2.Order:
        return await self._move(request, OrderState.CANCELLED)

    async def _move(self, request: MoveRequest, state: OrderState) -> order_pb2.Order:
        org, identity = org_of(request.name), id_of(request.name)
        order = await operations.move_order(self._shops, org, identity, request.etag, state, self._clock())
        return convert.order_message(order)
