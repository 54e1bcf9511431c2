"""Where the pet store is put together."""

from __future__ import annotations

from trustmesh.petstore.v1 import customer_service_pb2, order_service_pb2, pet_service_pb2
from trustmesh_chassis.service import Application, Runtime, ServiceDefinition
from trustmesh_petstore import store
from trustmesh_petstore.servicer import CustomerServicer, OrderServicer, PetServicer
from trustmesh_petstore.settings import PetstoreSettings


async def build(settings: PetstoreSettings, runtime: Runtime) -> Application:
    """The pet store on its database."""
    database = await runtime.open_database(store.METADATA, migrations="trustmesh_petstore:migrations")
    parts = (store.SqlShops(database), database.page_tokens, runtime.clock, database.new_id)
    return Application(
        servicers=[
            (pet_service_pb2.DESCRIPTOR.services_by_name["PetService"], PetServicer(*parts)),
            (customer_service_pb2.DESCRIPTOR.services_by_name["CustomerService"], CustomerServicer(*parts)),
            (order_service_pb2.DESCRIPTOR.services_by_name["OrderService"], OrderServicer(*parts)),
        ],
        checks={"database": database.ping},
        close=database.close,
    )


SERVICE = ServiceDefinition(name="petstore", settings=PetstoreSettings, build=build)
