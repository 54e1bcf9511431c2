"""Types of the gRPC stubs. Generated from trustmesh/registry/v1/mesh_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import trustmesh.registry.v1.mesh_service_pb2
import trustmesh.registry.v1.node_pb2

class MeshServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _MeshServiceBlockingStub: ...
    ListNodes: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.mesh_service_pb2.ListNodesRequest, trustmesh.registry.v1.mesh_service_pb2.ListNodesResponse]
    GetNode: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.mesh_service_pb2.GetNodeRequest, trustmesh.registry.v1.node_pb2.Node]
    GetNodeConfiguration: grpc.aio.UnaryUnaryMultiCallable[trustmesh.registry.v1.mesh_service_pb2.GetNodeConfigurationRequest, trustmesh.registry.v1.node_pb2.NodeConfiguration]

@type_check_only
class _MeshServiceBlockingStub(MeshServiceStub):
    ListNodes: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.mesh_service_pb2.ListNodesRequest, trustmesh.registry.v1.mesh_service_pb2.ListNodesResponse]  # type: ignore[assignment] # the same name, blocking
    GetNode: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.mesh_service_pb2.GetNodeRequest, trustmesh.registry.v1.node_pb2.Node]  # type: ignore[assignment] # the same name, blocking
    GetNodeConfiguration: grpc.UnaryUnaryMultiCallable[trustmesh.registry.v1.mesh_service_pb2.GetNodeConfigurationRequest, trustmesh.registry.v1.node_pb2.NodeConfiguration]  # type: ignore[assignment] # the same name, blocking

class MeshServiceServicer:
    def ListNodes(self, request: trustmesh.registry.v1.mesh_service_pb2.ListNodesRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.mesh_service_pb2.ListNodesRequest, trustmesh.registry.v1.mesh_service_pb2.ListNodesResponse]) -> Awaitable[trustmesh.registry.v1.mesh_service_pb2.ListNodesResponse]: ...
    def GetNode(self, request: trustmesh.registry.v1.mesh_service_pb2.GetNodeRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.mesh_service_pb2.GetNodeRequest, trustmesh.registry.v1.node_pb2.Node]) -> Awaitable[trustmesh.registry.v1.node_pb2.Node]: ...
    def GetNodeConfiguration(self, request: trustmesh.registry.v1.mesh_service_pb2.GetNodeConfigurationRequest, context: grpc.aio.ServicerContext[trustmesh.registry.v1.mesh_service_pb2.GetNodeConfigurationRequest, trustmesh.registry.v1.node_pb2.NodeConfiguration]) -> Awaitable[trustmesh.registry.v1.node_pb2.NodeConfiguration]: ...

def add_MeshServiceServicer_to_server(servicer: MeshServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
