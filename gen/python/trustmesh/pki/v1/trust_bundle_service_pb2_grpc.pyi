"""Types of the gRPC stubs. Generated from trustmesh/pki/v1/trust_bundle_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import google.protobuf.empty_pb2
import trustmesh.pki.v1.trust_bundle_pb2
import trustmesh.pki.v1.trust_bundle_service_pb2

class TrustBundleServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _TrustBundleServiceBlockingStub: ...
    GetTrustBundle: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.GetTrustBundleRequest, trustmesh.pki.v1.trust_bundle_pb2.TrustBundle]
    ListRoots: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsRequest, trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsResponse]
    CreateRoot: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.CreateRootRequest, trustmesh.pki.v1.trust_bundle_pb2.Root]
    DeleteRoot: grpc.aio.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.DeleteRootRequest, google.protobuf.empty_pb2.Empty]

@type_check_only
class _TrustBundleServiceBlockingStub(TrustBundleServiceStub):
    GetTrustBundle: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.GetTrustBundleRequest, trustmesh.pki.v1.trust_bundle_pb2.TrustBundle]  # type: ignore[assignment] # the same name, blocking
    ListRoots: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsRequest, trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsResponse]  # type: ignore[assignment] # the same name, blocking
    CreateRoot: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.CreateRootRequest, trustmesh.pki.v1.trust_bundle_pb2.Root]  # type: ignore[assignment] # the same name, blocking
    DeleteRoot: grpc.UnaryUnaryMultiCallable[trustmesh.pki.v1.trust_bundle_service_pb2.DeleteRootRequest, google.protobuf.empty_pb2.Empty]  # type: ignore[assignment] # the same name, blocking

class TrustBundleServiceServicer:
    def GetTrustBundle(self, request: trustmesh.pki.v1.trust_bundle_service_pb2.GetTrustBundleRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.trust_bundle_service_pb2.GetTrustBundleRequest, trustmesh.pki.v1.trust_bundle_pb2.TrustBundle]) -> Awaitable[trustmesh.pki.v1.trust_bundle_pb2.TrustBundle]: ...
    def ListRoots(self, request: trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsRequest, trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsResponse]) -> Awaitable[trustmesh.pki.v1.trust_bundle_service_pb2.ListRootsResponse]: ...
    def CreateRoot(self, request: trustmesh.pki.v1.trust_bundle_service_pb2.CreateRootRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.trust_bundle_service_pb2.CreateRootRequest, trustmesh.pki.v1.trust_bundle_pb2.Root]) -> Awaitable[trustmesh.pki.v1.trust_bundle_pb2.Root]: ...
    def DeleteRoot(self, request: trustmesh.pki.v1.trust_bundle_service_pb2.DeleteRootRequest, context: grpc.aio.ServicerContext[trustmesh.pki.v1.trust_bundle_service_pb2.DeleteRootRequest, google.protobuf.empty_pb2.Empty]) -> Awaitable[google.protobuf.empty_pb2.Empty]: ...

def add_TrustBundleServiceServicer_to_server(servicer: TrustBundleServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
