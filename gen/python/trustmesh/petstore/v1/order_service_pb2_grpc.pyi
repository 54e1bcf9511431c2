"""Types of the gRPC stubs. Generated from trustmesh/petstore/v1/order_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.petstore.v1.order_pb2
import trustmesh.petstore.v1.order_service_pb2

class OrderServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _OrderServiceBlockingStub: ...
    CreateOrder: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.CreateOrderRequest, trustmesh.petstore.v1.order_pb2.Order]
    GetOrder: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.GetOrderRequest, trustmesh.petstore.v1.order_pb2.Order]
    ListOrders: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.ListOrdersRequest, trustmesh.petstore.v1.order_service_pb2.ListOrdersResponse]
    PayOrder: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.PayOrderRequest, trustmesh.petstore.v1.order_pb2.Order]
    ShipOrder: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.ShipOrderRequest, trustmesh.petstore.v1.order_pb2.Order]
    DeliverOrder: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.DeliverOrderRequest, trustmesh.petstore.v1.order_pb2.Order]
    CancelOrder: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.CancelOrderRequest, trustmesh.petstore.v1.order_pb2.Order]

@type_check_only
class _OrderServiceBlockingStub(OrderServiceStub):
    CreateOrder: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.CreateOrderRequest, trustmesh.petstore.v1.order_pb2.Order]  # type: ignore[assignment] # the same name, blocking
    GetOrder: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.GetOrderRequest, trustmesh.petstore.v1.order_pb2.Order]  # type: ignore[assignment] # the same name, blocking
    ListOrders: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.ListOrdersRequest, trustmesh.petstore.v1.order_service_pb2.ListOrdersResponse]  # type: ignore[assignment] # the same name, blocking
    PayOrder: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.PayOrderRequest, trustmesh.petstore.v1.order_pb2.Order]  # type: ignore[assignment] # the same name, blocking
    ShipOrder: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.ShipOrderRequest, trustmesh.petstore.v1.order_pb2.Order]  # type: ignore[assignment] # the same name, blocking
    DeliverOrder: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.DeliverOrderRequest, trustmesh.petstore.v1.order_pb2.Order]  # type: ignore[assignment] # the same name, blocking
    CancelOrder: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.order_service_pb2.CancelOrderRequest, trustmesh.petstore.v1.order_pb2.Order]  # type: ignore[assignment] # the same name, blocking

class OrderServiceServicer:
    def CreateOrder(self, request: trustmesh.petstore.v1.order_service_pb2.CreateOrderRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.CreateOrderRequest, trustmesh.petstore.v1.order_pb2.Order]) -> Awaitable[trustmesh.petstore.v1.order_pb2.Order]: ...
    def GetOrder(self, request: trustmesh.petstore.v1.order_service_pb2.GetOrderRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.GetOrderRequest, trustmesh.petstore.v1.order_pb2.Order]) -> Awaitable[trustmesh.petstore.v1.order_pb2.Order]: ...
    def ListOrders(self, request: trustmesh.petstore.v1.order_service_pb2.ListOrdersRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.ListOrdersRequest, trustmesh.petstore.v1.order_service_pb2.ListOrdersResponse]) -> Awaitable[trustmesh.petstore.v1.order_service_pb2.ListOrdersResponse]: ...
    def PayOrder(self, request: trustmesh.petstore.v1.order_service_pb2.PayOrderRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.PayOrderRequest, trustmesh.petstore.v1.order_pb2.Order]) -> Awaitable[trustmesh.petstore.v1.order_pb2.Order]: ...
    def ShipOrder(self, request: trustmesh.petstore.v1.order_service_pb2.ShipOrderRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.ShipOrderRequest, trustmesh.petstore.v1.order_pb2.Order]) -> Awaitable[trustmesh.petstore.v1.order_pb2.Order]: ...
    def DeliverOrder(self, request: trustmesh.petstore.v1.order_service_pb2.DeliverOrderRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.DeliverOrderRequest, trustmesh.petstore.v1.order_pb2.Order]) -> Awaitable[trustmesh.petstore.v1.order_pb2.Order]: ...
    def CancelOrder(self, request: trustmesh.petstore.v1.order_service_pb2.CancelOrderRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.order_service_pb2.CancelOrderRequest, trustmesh.petstore.v1.order_pb2.Order]) -> Awaitable[trustmesh.petstore.v1.order_pb2.Order]: ...

def add_OrderServiceServicer_to_server(servicer: OrderServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
