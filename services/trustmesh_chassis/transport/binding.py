"""Compiles a service descriptor and its servicer into methods that any transport can serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from trustmesh_chassis.pipeline import Bidirectional, Pipeline, Streaming, Unary
from trustmesh_contract.contract import Contract, Idempotency, Method, Policy, read_contract


class ContractMismatch(TypeError):
    """A servicer does not implement its contract."""


@dataclass(frozen=True, slots=True)
class BoundMethod:
    """One method, ready to serve: exactly one of the three shapes, by the method's streaming kinds."""

    method: Method
    request: type[Message]
    response: type[Message]
    serve: Unary | Streaming | Bidirectional


def bind(
    pipeline: Pipeline, service: ServiceDescriptor, servicer: object, policies: Mapping[str, Policy] | None = None
) -> list[BoundMethod]:
    """Bind every method of `service` to the coroutine of that name on `servicer`.

    `policies` gives the policies, by method name, of a service whose contract is not ours and so carries none. Raises
    ContractMismatch when a method has no implementation, ContractError when it has no policy.
    """
    contract = Contract() if policies is not None else read_contract(closure([service.file]))
    bound = []
    for descriptor in service.methods:
        handler = getattr(servicer, descriptor.name, None)
        if handler is None:
            raise ContractMismatch(f"{type(servicer).__name__} does not implement {descriptor.full_name}")
        path = f"/{service.full_name}/{descriptor.name}"
        method = contract.methods[path] if policies is None else foreign_method(service, descriptor, policies[descriptor.name])
        bound.append(
            BoundMethod(
                method=method,
                request=message_factory.GetMessageClass(descriptor.input_type),
                response=message_factory.GetMessageClass(descriptor.output_type),
                serve=_compiled(pipeline, method, descriptor, handler),
            )
        )
    return bound


def closure(files: list[FileDescriptor]) -> descriptor_pb2.FileDescriptorSet:
    """The files with everything that they import, imports first."""
    seen: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(file: FileDescriptor) -> None:
        if file.name in seen:
            return
        for dependency in file.dependencies:
            add(dependency)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        seen[file.name] = proto

    for file in files:
        add(file)
    return descriptor_pb2.FileDescriptorSet(file=seen.values())


def _compiled(
    pipeline: Pipeline, method: Method, descriptor: MethodDescriptor, handler: Any
) -> Unary | Streaming | Bidirectional:
    match method.client_streaming, method.server_streaming:
        case False, False:
            return pipeline.unary(method, descriptor.input_type, handler)
        case False, True:
            return pipeline.server_streaming(method, descriptor.input_type, handler)
        case True, True:
            return pipeline.bidirectional(method, descriptor.input_type, handler)
        case _:
            raise ContractMismatch(f"{method.full_name}: client streaming has no place in our contracts; use a batch method")


def foreign_method(service: ServiceDescriptor, descriptor: MethodDescriptor, policy: Policy) -> Method:
    """A method of a contract that is not ours, with the policy that we give it."""
    return Method(
        package=service.file.package,
        service=service.name,
        name=descriptor.name,
        input_type=descriptor.input_type.full_name,
        output_type=descriptor.output_type.full_name,
        client_streaming=descriptor.client_streaming,
        server_streaming=descriptor.server_streaming,
        idempotency=Idempotency.UNKNOWN,
        policy=policy,
        bindings=(),
    )
