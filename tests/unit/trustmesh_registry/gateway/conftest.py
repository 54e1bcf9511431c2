"""Small contracts, built without a compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf import duration_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from trustmesh.options.v1 import policy_pb2
from trustmesh_registry.gateway.mesh import Edge, Endpoint, RegisteredService

IMPORTS = ("google/api/annotations.proto", "trustmesh/options/v1/policy.proto")
PUBLIC = policy_pb2.MethodPolicy(
    public=policy_pb2.Public(why="A test."),
    rate_class=policy_pb2.RATE_CLASS_READ,
    timeout=duration_pb2.Duration(seconds=5),
    audit=policy_pb2.AUDIT_CLASS_NONE,
)


def closure(*modules: Any) -> list[FileDescriptorProto]:
    files: dict[str, FileDescriptorProto] = {}

    def visit(descriptor: Any) -> None:
        for dependency in descriptor.dependencies:
            visit(dependency)
        files[descriptor.name] = FileDescriptorProto.FromString(descriptor.serialized_pb)

    for module in modules:
        visit(module.DESCRIPTOR)
    return list(files.values())


def file_of(product: str, methods: dict[str, tuple[policy_pb2.MethodPolicy, list[http_pb2.HttpRule]]]) -> FileDescriptorProto:
    """A contract with one service "Service" whose methods all take and give the message "Thing" {name, display_name}."""
    file = FileDescriptorProto(name=f"{product}.proto", package=f"trustmesh.{product}.v1", syntax="proto3", dependency=IMPORTS)
    thing = file.message_type.add(name="Thing")
    for number, name in enumerate(("name", "display_name"), start=1):
        thing.field.add(
            name=name, number=number, type=FieldDescriptorProto.TYPE_STRING, label=FieldDescriptorProto.LABEL_OPTIONAL
        )
    service = file.service.add(name="Service")
    for method_name, (policy, rules) in methods.items():
        message = f".trustmesh.{product}.v1.Thing"
        method = service.method.add(name=method_name, input_type=message, output_type=message)
        method.options.Extensions[policy_pb2.policy].CopyFrom(policy)
        if rules:
            rule = method.options.Extensions[annotations_pb2.http]
            rule.CopyFrom(rules[0])
            rule.additional_bindings.extend(rules[1:])
    return file


@pytest.fixture
def edge() -> Edge:
    return Edge(issuer="https://localhost:8443", audience="trustmesh", cors_origins=("https://app.test",))


@pytest.fixture
def registered() -> Callable[..., RegisteredService]:
    """A registered service whose contract has one method for each keyword: its name, and its policy or REST rules or both."""

    def make(
        product: str,
        *,
        change: Callable[[FileDescriptorProto], object] = lambda file: None,
        imports: bool = True,
        service_policy: policy_pb2.ServicePolicy | None = None,
        **methods: Any,
    ) -> RegisteredService:
        described = {
            name: (
                next((each for each in given if isinstance(each, policy_pb2.MethodPolicy)), PUBLIC),
                [each for each in given if isinstance(each, http_pb2.HttpRule)],
            )
            for name, given in methods.items()
        }
        file = file_of(product, described)
        if service_policy:
            file.service[0].options.Extensions[policy_pb2.service_policy].CopyFrom(service_policy)
        change(file)
        files = [*(closure(annotations_pb2, policy_pb2, wrappers_pb2) if imports else ()), file]
        full_name = f"{file.package}.Service"
        return RegisteredService(product, FileDescriptorSet(file=files), (full_name,), (Endpoint("127.0.0.1", 8080),))

    return make
