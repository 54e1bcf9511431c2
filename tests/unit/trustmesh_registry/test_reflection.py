"""The descriptor index, and the two versions of the protocol on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from trustmesh_registry.reflection.index import DescriptorIndex, index_of
from trustmesh_registry.reflection.protocol import DESCRIPTORS
from trustmesh_registry.reflection.servicer import ReflectionServicer


def imported() -> FileDescriptorProto:
    return FileDescriptorProto(name="imported.proto", dependency=["deep.proto"])


def main_file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="main.proto", package="p", dependency=["imported.proto", "deep.proto"])
    message = file.message_type.add(name="Outer")
    message.field.add(name="field", number=1)
    message.oneof_decl.add(name="choice")
    message.extension.add(name="nested_extension", number=101, extendee=".p.Extended")
    inner = message.nested_type.add(name="Inner")
    inner.enum_type.add(name="Kind").value.add(name="KIND_ONE", number=1)
    inner.extension.add(name="deep_extension", number=102, extendee="p.Extended")
    file.enum_type.add(name="Top").value.add(name="TOP_ONE", number=1)
    file.extension.add(name="extension", number=100, extendee=".p.Extended")
    file.service.add(name="Service").method.add(name="Method")
    return file


@pytest.fixture
def index() -> DescriptorIndex:
    files = [main_file(), imported(), FileDescriptorProto(name="deep.proto")]
    return index_of(files, ["p.Service", "a.Other"])


@pytest.mark.parametrize(
    "symbol",
    [
        "p.Outer",
        "p.Outer.field",
        "p.Outer.choice",
        "p.Outer.nested_extension",
        "p.Outer.Inner",
        "p.Outer.Inner.Kind",
        "p.Outer.Inner.Kind.KIND_ONE",
        "p.Top",
        "p.Top.TOP_ONE",
        "p.extension",
        "p.Service",
        "p.Service.Method",
    ],
)
def test_every_declaration_is_found(index: DescriptorIndex, symbol: str) -> None:
    assert index.symbols[symbol] == "main.proto"


def test_extensions_are_found_wherever_they_are_declared(index: DescriptorIndex) -> None:
    assert index.extensions == {"p.Extended": {100: "main.proto", 101: "main.proto", 102: "main.proto"}}


def test_a_file_comes_first_and_its_imports_once(index: DescriptorIndex) -> None:
    assert [file.name for file in index.with_imports("main.proto")] == ["main.proto", "imported.proto", "deep.proto"]


def test_an_import_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        index_of([imported()], []).with_imports("imported.proto")


def test_of_two_files_of_one_name_the_first_counts() -> None:
    other = FileDescriptorProto(name="main.proto", package="other")
    other.message_type.add(name="Message")
    index = index_of([main_file(), other], [])
    assert index.files["main.proto"].package == "p"
    assert "other.Message" not in index.symbols


def test_names_without_a_package() -> None:
    file = FileDescriptorProto(name="bare.proto")
    file.message_type.add(name="Bare")
    assert index_of([file], []).symbols == {"Bare": "bare.proto"}


@pytest.mark.parametrize("service", DESCRIPTORS, ids=lambda each: each.full_name)
async def test_both_versions_answer_alike(index: DescriptorIndex, service: ServiceDescriptor) -> None:
    method = service.methods_by_name["ServerReflectionInfo"]
    request: Any = message_factory.GetMessageClass(method.input_type)
    questions = [
        request(list_services="*"),
        request(file_by_filename="imported.proto"),
        request(file_containing_extension={"containing_type": "p.Extended", "extension_number": 102}),
        request(all_extension_numbers_of_type="p.Extended"),
        request(file_containing_symbol="p.Nothing"),
        request(),
    ]
    servicer: Any = ReflectionServicer(service, lambda: index)
    listed, file, extension, numbers, missing, empty = [
        each async for each in servicer.ServerReflectionInfo(stream(questions), None)
    ]
    assert [each.name for each in listed.list_services_response.service] == ["a.Other", "p.Service"]
    assert listed.original_request == questions[0]
    assert len(file.file_descriptor_response.file_descriptor_proto) == 2
    first = extension.file_descriptor_response.file_descriptor_proto[0]
    assert descriptor_pb2.FileDescriptorProto.FromString(first).name == "main.proto"
    assert list(numbers.all_extension_numbers_response.extension_number) == [100, 101, 102]
    assert (missing.error_response.error_code, empty.error_response.error_code) == (5, 3)


async def stream(items: list[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def test_the_versions_differ_in_their_package_alone() -> None:
    names = [service.full_name for service in DESCRIPTORS]
    assert names == ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
