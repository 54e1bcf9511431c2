"""The two versions of the reflection protocol. They differ in nothing but the package, so v1 is made of v1alpha's descriptor."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection_pb2

from trustmesh.options.v1 import policy_pb2
from trustmesh_chassis.transport.binding import foreign_method
from trustmesh_contract.contract import read_policy

_ALPHA = "grpc.reflection.v1alpha"
_V1 = "grpc.reflection.v1"
_V1_FILE = "grpc/reflection/v1/reflection.proto"


def _v1() -> ServiceDescriptor:
    pool = descriptor_pool.Default()
    try:
        file = pool.FindFileByName(_V1_FILE)
    except KeyError:
        pool.Add(_v1_file())
        file = pool.FindFileByName(_V1_FILE)
    return file.services_by_name["ServerReflection"]


def _v1_file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = _V1_FILE, _V1
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(_ALPHA, _V1)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(_ALPHA, _V1)
            method.output_type = method.output_type.replace(_ALPHA, _V1)
    return file


V1ALPHA = descriptor_pool.Default().FindFileByName(reflection_pb2.DESCRIPTOR.name).services_by_name["ServerReflection"]
V1 = _v1()
DESCRIPTORS = (V1, V1ALPHA)

POLICY = policy_pb2.MethodPolicy(
    permission=policy_pb2.Permission(name="registry.reflection.read"),
    rate_class=policy_pb2.RATE_CLASS_READ,
    audit=policy_pb2.AUDIT_CLASS_DENIALS,
)
METHODS = tuple(
    foreign_method(service, method, read_policy(method.full_name, POLICY))
    for service in DESCRIPTORS
    for method in service.methods
)


def response_class(service: ServiceDescriptor) -> type[Any]:
    """The class of that version's responses."""
    return message_factory.GetMessageClass(service.methods_by_name["ServerReflectionInfo"].output_type)
