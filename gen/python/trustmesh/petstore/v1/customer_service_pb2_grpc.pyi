"""Types of the gRPC stubs. Generated from trustmesh/petstore/v1/customer_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import google.protobuf.empty_pb2
import trustmesh.petstore.v1.customer_pb2
import trustmesh.petstore.v1.customer_service_pb2

class CustomerServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _CustomerServiceBlockingStub: ...
    CreateCustomer: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.CreateCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]
    GetCustomer: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.GetCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]
    ListCustomers: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.ListCustomersRequest, trustmesh.petstore.v1.customer_service_pb2.ListCustomersResponse]
    UpdateCustomer: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.UpdateCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]
    DeleteCustomer: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.DeleteCustomerRequest, google.protobuf.empty_pb2.Empty]

@type_check_only
class _CustomerServiceBlockingStub(CustomerServiceStub):
    CreateCustomer: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.CreateCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]  # type: ignore[assignment] # the same name, blocking
    GetCustomer: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.GetCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]  # type: ignore[assignment] # the same name, blocking
    ListCustomers: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.ListCustomersRequest, trustmesh.petstore.v1.customer_service_pb2.ListCustomersResponse]  # type: ignore[assignment] # the same name, blocking
    UpdateCustomer: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.UpdateCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]  # type: ignore[assignment] # the same name, blocking
    DeleteCustomer: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.customer_service_pb2.DeleteCustomerRequest, google.protobuf.empty_pb2.Empty]  # type: ignore[assignment] # the same name, blocking

class CustomerServiceServicer:
    def CreateCustomer(self, request: trustmesh.petstore.v1.customer_service_pb2.CreateCustomerRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.customer_service_pb2.CreateCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]) -> Awaitable[trustmesh.petstore.v1.customer_pb2.Customer]: ...
    def GetCustomer(self, request: trustmesh.petstore.v1.customer_service_pb2.GetCustomerRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.customer_service_pb2.GetCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]) -> Awaitable[trustmesh.petstore.v1.customer_pb2.Customer]: ...
    def ListCustomers(self, request: trustmesh.petstore.v1.customer_service_pb2.ListCustomersRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.customer_service_pb2.ListCustomersRequest, trustmesh.petstore.v1.customer_service_pb2.ListCustomersResponse]) -> Awaitable[trustmesh.petstore.v1.customer_service_pb2.ListCustomersResponse]: ...
    def UpdateCustomer(self, request: trustmesh.petstore.v1.customer_service_pb2.UpdateCustomerRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.customer_service_pb2.UpdateCustomerRequest, trustmesh.petstore.v1.customer_pb2.Customer]) -> Awaitable[trustmesh.petstore.v1.customer_pb2.Customer]: ...
    def DeleteCustomer(self, request: trustmesh.petstore.v1.customer_service_pb2.DeleteCustomerRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.customer_service_pb2.DeleteCustomerRequest, google.protobuf.empty_pb2.Empty]) -> Awaitable[google.protobuf.empty_pb2.Empty]: ...

def add_CustomerServiceServicer_to_server(servicer: CustomerServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
