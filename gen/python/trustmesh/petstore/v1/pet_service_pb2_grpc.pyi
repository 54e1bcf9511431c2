"""Types of the gRPC stubs. Generated from trustmesh/petstore/v1/pet_service.proto; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio
import google.protobuf.empty_pb2
import trustmesh.petstore.v1.pet_pb2
import trustmesh.petstore.v1.pet_service_pb2

class PetServiceStub:
    @overload
    def __new__(cls, channel: grpc.aio.Channel) -> Self: ...
    @overload
    def __new__(cls, channel: grpc.Channel) -> _PetServiceBlockingStub: ...
    CreatePet: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.CreatePetRequest, trustmesh.petstore.v1.pet_pb2.Pet]
    GetPet: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.GetPetRequest, trustmesh.petstore.v1.pet_pb2.Pet]
    ListPets: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.ListPetsRequest, trustmesh.petstore.v1.pet_service_pb2.ListPetsResponse]
    UpdatePet: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.UpdatePetRequest, trustmesh.petstore.v1.pet_pb2.Pet]
    DeletePet: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.DeletePetRequest, google.protobuf.empty_pb2.Empty]
    RestockPet: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.RestockPetRequest, trustmesh.petstore.v1.pet_pb2.Pet]
    SearchPets: grpc.aio.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.SearchPetsRequest, trustmesh.petstore.v1.pet_service_pb2.SearchPetsResponse]

@type_check_only
class _PetServiceBlockingStub(PetServiceStub):
    CreatePet: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.CreatePetRequest, trustmesh.petstore.v1.pet_pb2.Pet]  # type: ignore[assignment] # the same name, blocking
    GetPet: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.GetPetRequest, trustmesh.petstore.v1.pet_pb2.Pet]  # type: ignore[assignment] # the same name, blocking
    ListPets: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.ListPetsRequest, trustmesh.petstore.v1.pet_service_pb2.ListPetsResponse]  # type: ignore[assignment] # the same name, blocking
    UpdatePet: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.UpdatePetRequest, trustmesh.petstore.v1.pet_pb2.Pet]  # type: ignore[assignment] # the same name, blocking
    DeletePet: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.DeletePetRequest, google.protobuf.empty_pb2.Empty]  # type: ignore[assignment] # the same name, blocking
    RestockPet: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.RestockPetRequest, trustmesh.petstore.v1.pet_pb2.Pet]  # type: ignore[assignment] # the same name, blocking
    SearchPets: grpc.UnaryUnaryMultiCallable[trustmesh.petstore.v1.pet_service_pb2.SearchPetsRequest, trustmesh.petstore.v1.pet_service_pb2.SearchPetsResponse]  # type: ignore[assignment] # the same name, blocking

class PetServiceServicer:
    def CreatePet(self, request: trustmesh.petstore.v1.pet_service_pb2.CreatePetRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.CreatePetRequest, trustmesh.petstore.v1.pet_pb2.Pet]) -> Awaitable[trustmesh.petstore.v1.pet_pb2.Pet]: ...
    def GetPet(self, request: trustmesh.petstore.v1.pet_service_pb2.GetPetRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.GetPetRequest, trustmesh.petstore.v1.pet_pb2.Pet]) -> Awaitable[trustmesh.petstore.v1.pet_pb2.Pet]: ...
    def ListPets(self, request: trustmesh.petstore.v1.pet_service_pb2.ListPetsRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.ListPetsRequest, trustmesh.petstore.v1.pet_service_pb2.ListPetsResponse]) -> Awaitable[trustmesh.petstore.v1.pet_service_pb2.ListPetsResponse]: ...
    def UpdatePet(self, request: trustmesh.petstore.v1.pet_service_pb2.UpdatePetRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.UpdatePetRequest, trustmesh.petstore.v1.pet_pb2.Pet]) -> Awaitable[trustmesh.petstore.v1.pet_pb2.Pet]: ...
    def DeletePet(self, request: trustmesh.petstore.v1.pet_service_pb2.DeletePetRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.DeletePetRequest, google.protobuf.empty_pb2.Empty]) -> Awaitable[google.protobuf.empty_pb2.Empty]: ...
    def RestockPet(self, request: trustmesh.petstore.v1.pet_service_pb2.RestockPetRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.RestockPetRequest, trustmesh.petstore.v1.pet_pb2.Pet]) -> Awaitable[trustmesh.petstore.v1.pet_pb2.Pet]: ...
    def SearchPets(self, request: trustmesh.petstore.v1.pet_service_pb2.SearchPetsRequest, context: grpc.aio.ServicerContext[trustmesh.petstore.v1.pet_service_pb2.SearchPetsRequest, trustmesh.petstore.v1.pet_service_pb2.SearchPetsResponse]) -> Awaitable[trustmesh.petstore.v1.pet_service_pb2.SearchPetsResponse]: ...

def add_PetServiceServicer_to_server(servicer: PetServiceServicer, server: grpc.Server | grpc.aio.Server) -> None: ...
