"""Types of the gRPC stubs. Generated from trustmesh/registry/v1/registry_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.registry.v1.registry_service_pb2
import trustmesh.registry.v1.service_pb2

class RegistryServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _RegistryServiceBlockingStub: ...
    RegisterInstance: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.RegisterInstanceRequest, trustmesh.registry.v1.registry_service_pb2.RegisterInstanceResponse]
    DeregisterInstance: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceRequest, trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceResponse]
    Heartbeat: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.HeartbeatRequest, trustmesh.registry.v1.registry_service_pb2.HeartbeatResponse]
    DiscoverService: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.DiscoverServiceRequest, trustmesh.registry.v1.service_pb2.Service]
    DiscoverServices: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.DiscoverServicesRequest, trustmesh.registry.v1.registry_service_pb2.DiscoverServicesResponse]
    WatchServices: grpc.aio.UnaryStreamMultiCallable[trustmesh.registry.v1.registry_service_pb2.WatchServicesRequest, trustmesh.registry.v1.registry_service_pb2.WatchServicesResponse]

@type_check_only
class _RegistryServiceBlockingStub(RegistryServiceStub):
    RegisterInstance: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.RegisterInstanceRequest, trustmesh.registry.v1.registry_service_pb2.RegisterInstanceResponse]  # type: ignore[assignment] # the same name, blocking
    DeregisterInstance: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceRequest, trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceResponse]  # type: ignore[assignment] # the same name, blocking
    Heartbeat: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.HeartbeatRequest, trustmesh.registry.v1.registry_service_pb2.HeartbeatResponse]  # type: ignore[assignment] # the same name, blocking
    DiscoverService: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.DiscoverServiceRequest, trustmesh.registry.v1.service_pb2.Service]  # type: ignore[assignment] # the same name, blocking
    DiscoverServices: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.registry_service_pb2.DiscoverServicesRequest, trustmesh.registry.v1.registry_service_pb2.DiscoverServicesResponse]  # type: ignore[assignment] # the same name, blocking
    WatchServices: grpc.UnaryStreamMultiCallable[trustmesh.registry.v1.registry_service_pb2.WatchServicesRequest, trustmesh.registry.v1.registry_service_pb2.WatchServicesResponse]  # type: ignore[assignment] # the same name, blocking

class RegistryServiceServicer:
    def RegisterInstance(self, request: trustmesh.registry.v1.registry_service_pb2.RegisterInstanceRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.registry_service_pb2.RegisterInstanceRequest, trustmesh.registry.v1.registry_service_pb2.RegisterInstanceResponse]) -> Awaitable[trustmesh.registry.v1.registry_service_pb2.RegisterInstanceResponse]: ...
    def DeregisterInstance(self, request: trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceRequest, trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceResponse]) -> Awaitable[trustmesh.registry.v1.registry_service_pb2.DeregisterInstanceResponse]: ...
    def Heartbeat(self, request: trustmesh.registry.v1.registry_service_pb2.HeartbeatRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.registry_service_pb2.HeartbeatRequest, trustmesh.registry.v1.registry_service_pb2.HeartbeatResponse]) -> Awaitable[trustmesh.registry.v1.registry_service_pb2.HeartbeatResponse]: ...
    def DiscoverService(self, request: trustmesh.registry.v1.registry_service_pb2.DiscoverServiceRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.registry_service_pb2.DiscoverServiceRequest, trustmesh.registry.v1.service_pb2.Service]) -> Awaitable[trustmesh.registry.v1.service_pb2.Service]: ...
    def DiscoverServices(self, request: trustmesh.registry.v1.registry_service_pb2.DiscoverServicesRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.registry_service_pb2.DiscoverServicesRequest, trustmesh.registry.v1.registry_service_pb2.DiscoverServicesResponse]) -> Awaitable[trustmesh.registry.v1.registry_service_pb2.DiscoverServicesResponse]: ...
    def WatchServices(self, request: trustmesh.registry.v1.registry_service_pb2.WatchServicesRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.registry_service_pb2.WatchServicesRequest, trustmesh.registry.v1.registry_service_pb2.WatchServicesResponse]) -> AsyncIterator[trustmesh.registry.v1.registry_service_pb2.WatchServicesResponse]: ...

def add_RegistryServiceServicer_to_server(servicer: RegistryServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
