"""Types of the gRPC stubs. Generated from trustmesh/config/v1/config_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import google.protobuf.empty_pb2
import trustmesh.config.v1.config_service_pb2
import trustmesh.config.v1.configuration_pb2

class ConfigServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _ConfigServiceBlockingStub: ...
    GetConfiguration: grpc.aio.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.GetConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]
    ListConfigurations: grpc.aio.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.ListConfigurationsRequest, trustmesh.config.v1.config_service_pb2.ListConfigurationsResponse]
    UpdateConfiguration: grpc.aio.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.UpdateConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]
    DeleteConfiguration: grpc.aio.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.DeleteConfigurationRequest, google.protobuf.empty_pb2.Empty]
    PublishConfiguration: grpc.aio.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.PublishConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]
    WatchConfigurations: grpc.aio.UnaryStreamMultiCallable[trustmesh.config.v1.config_service_pb2.WatchConfigurationsRequest, trustmesh.config.v1.config_service_pb2.WatchConfigurationsResponse]

@type_check_only
class _ConfigServiceBlockingStub(ConfigServiceStub):
    GetConfiguration: grpc.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.GetConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]  # type: ignore[assignment] # the same name, blocking
    ListConfigurations: grpc.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.ListConfigurationsRequest, trustmesh.config.v1.config_service_pb2.ListConfigurationsResponse]  # type: ignore[assignment] # the same name, blocking
    UpdateConfiguration: grpc.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.UpdateConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]  # type: ignore[assignment] # the same name, blocking
    DeleteConfiguration: grpc.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.DeleteConfigurationRequest, google.protobuf.empty_pb2.Empty]  # type: ignore[assignment] # the same name, blocking
    PublishConfiguration: grpc.UnaryUnaryMultiCallable[trustmesh.config.v1.config_service_pb2.PublishConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]  # type: ignore[assignment] # the same name, blocking
    WatchConfigurations: grpc.UnaryStreamMultiCallable[trustmesh.config.v1.config_service_pb2.WatchConfigurationsRequest, trustmesh.config.v1.config_service_pb2.WatchConfigurationsResponse]  # type: ignore[assignment] # the same name, blocking

class ConfigServiceServicer:
    def GetConfiguration(self, request: trustmesh.config.v1.config_service_pb2.GetConfigurationRequest, context: grpc.aio.ServicerContext[trustmesh.config.v1.config_service_pb2.GetConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]) -> Awaitable[trustmesh.config.v1.configuration_pb2.Configuration]: ...
    def ListConfigurations(self, request: trustmesh.config.v1.config_service_pb2.ListConfigurationsRequest, context: grpc.aio.ServicerContext[trustmesh.config.v1.config_service_pb2.ListConfigurationsRequest, trustmesh.config.v1.config_service_pb2.ListConfigurationsResponse]) -> Awaitable[trustmesh.config.v1.config_service_pb2.ListConfigurationsResponse]: ...
    def UpdateConfiguration(self, request: trustmesh.config.v1.config_service_pb2.UpdateConfigurationRequest, context: grpc.aio.ServicerContext[trustmesh.config.v1.config_service_pb2.UpdateConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]) -> Awaitable[trustmesh.config.v1.configuration_pb2.Configuration]: ...
    def DeleteConfiguration(self, request: trustmesh.config.v1.config_service_pb2.DeleteConfigurationRequest, context: grpc.aio.ServicerContext[trustmesh.config.v1.config_service_pb2.DeleteConfigurationRequest, google.protobuf.empty_pb2.Empty]) -> Awaitable[google.protobuf.empty_pb2.Empty]: ...
    def PublishConfiguration(self, request: trustmesh.config.v1.config_service_pb2.PublishConfigurationRequest, context: grpc.aio.ServicerContext[trustmesh.config.v1.config_service_pb2.PublishConfigurationRequest, trustmesh.config.v1.configuration_pb2.Configuration]) -> Awaitable[trustmesh.config.v1.configuration_pb2.Configuration]: ...
    def WatchConfigurations(self, request: trustmesh.config.v1.config_service_pb2.WatchConfigurationsRequest, context: grpc.aio.ServicerContext[trustmesh.config.v1.config_service_pb2.WatchConfigurationsRequest, trustmesh.config.v1.config_service_pb2.WatchConfigurationsResponse]) -> AsyncIterator[trustmesh.config.v1.config_service_pb2.WatchConfigurationsResponse]: ...

def add_ConfigServiceServicer_to_server(servicer: ConfigServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
