"""protoc plugin: gRPC stubs for Python by grpcio's own generator, and type stubs (.pyi) beside them.

The stub's type follows its channel: `grpc.aio.Channel` gives awaitable calls, `grpc.Channel` blocking ones.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto
from grpc_tools import protoc

_HEADER = '''"""Types of the gRPC stubs. Generated from {name}; do not edit."""

from collections.abc import AsyncIterator, Awaitable
from typing import Self, overload, type_check_only

import grpc
import grpc.aio'''


def generate(request: plugin_pb2.CodeGeneratorRequest) -> plugin_pb2.CodeGeneratorResponse:
    """Answer protoc's request for the files that declare services."""
    response = plugin_pb2.CodeGeneratorResponse(supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    modules = {
        f".{file.package}.{message.name}": _module(file.name) for file in request.proto_file for message in file.message_type
    }
    for file in request.proto_file:
        if file.name in request.file_to_generate and file.service:
            stem = file.name.removesuffix(".proto")
            response.file.add(name=f"{stem}_pb2_grpc.pyi", content="\n".join(_types(file, modules)) + "\n")
    if response.file:
        for path, content in _stubs(request, [each.name.replace("_pb2_grpc.pyi", ".proto") for each in response.file]):
            response.file.add(name=path, content=content)
    return response


def _stubs(request: plugin_pb2.CodeGeneratorRequest, names: list[str]) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "in.binpb").write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        (root / "out").mkdir()
        status = protoc.main(["protoc", f"--descriptor_set_in={root / 'in.binpb'}", f"--grpc_python_out={root / 'out'}", *names])
        if status:
            raise SystemExit(status)
        for path in sorted((root / "out").rglob("*.py")):
            yield str(path.relative_to(root / "out")), path.read_text()


def _types(file: FileDescriptorProto, modules: dict[str, str]) -> Iterator[str]:
    yield _HEADER.format(name=file.name)
    methods = [method for service in file.service for method in service.method]
    used = {modules[kind] for method in methods for kind in (method.input_type, method.output_type)}
    yield from (f"import {module}" for module in sorted(used))
    for service in file.service:
        yield ""
        yield from _stub_types(service, modules)
        yield from _servicer_types(service, modules)


def _stub_types(service: ServiceDescriptorProto, modules: dict[str, str]) -> Iterator[str]:
    blocking = f"_{service.name}BlockingStub"
    yield f"class {service.name}Stub:"
    yield "    @overload"
    yield "    def __new__(cls, channel: grpc.aio.Channel) -> Self: ..."
    yield "    @overload"
    yield f"    def __new__(cls, channel: grpc.Channel) -> {blocking}: ..."
    for method in service.method:
        yield f"    {method.name}: grpc.aio.{_callable(method, modules)}"
    yield ""
    yield "@type_check_only"
    yield f"class {blocking}({service.name}Stub):"
    for method in service.method:
        yield f"    {method.name}: grpc.{_callable(method, modules)}  # type: ignore[assignment] # the same name, blocking"
    yield ""


def _servicer_types(service: ServiceDescriptorProto, modules: dict[str, str]) -> Iterator[str]:
    yield f"class {service.name}Servicer:"
    for method in service.method:
        request, response = _name(method.input_type, modules), _name(method.output_type, modules)
        request = f"AsyncIterator[{request}]" if method.client_streaming else request
        result = f"AsyncIterator[{response}]" if method.server_streaming else f"Awaitable[{response}]"
        context = f"grpc.aio.ServicerContext[{_name(method.input_type, modules)}, {response}]"
        yield f"    def {method.name}(self, request: {request}, context: {context}) -> {result}: ..."
    yield ""
    parameters = f"servicer: {service.name}Servicer, server: grpc.Server | grpc.aio.Server"
    yield f"def add_{service.name}Servicer_to_server({parameters}) -> None: ..."


def _callable(method: MethodDescriptorProto, modules: dict[str, str]) -> str:
    shape = f"{'Stream' if method.client_streaming else 'Unary'}{'Stream' if method.server_streaming else 'Unary'}MultiCallable"
    return f"{shape}[{_name(method.input_type, modules)}, {_name(method.output_type, modules)}]"


def _name(type_name: str, modules: dict[str, str]) -> str:
    return f"{modules[type_name]}.{type_name.rpartition('.')[2]}"


def _module(path: str) -> str:
    return path.removesuffix(".proto").replace("/", ".").replace("-", "_") + "_pb2"


def main() -> None:
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(generate(request).SerializeToString())


if __name__ == "__main__":
    main()
