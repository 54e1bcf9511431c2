"""An index over descriptor files: which one declares a name, and what it imports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto


@dataclass(frozen=True)
class DescriptorIndex:
    """Files by name, by every symbol that they declare, and by the extensions of each message."""

    files: Mapping[str, FileDescriptorProto] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    services: tuple[str, ...] = ()

    def with_imports(self, name: str) -> list[FileDescriptorProto]:
        """The file of that name first, then everything that it imports. Raises KeyError when it is not there."""
        found: dict[str, FileDescriptorProto] = {}
        wanted = [name]
        while wanted:
            each = wanted.pop()
            if each not in found:
                found[each] = self.files[each]
                wanted += reversed(found[each].dependency)
        return list(found.values())


def index_of(files: Iterable[FileDescriptorProto], services: Iterable[str]) -> DescriptorIndex:
    """Index `files`; of two with one name, the first counts. `services` are the full names that a listing tells."""
    kept: dict[str, FileDescriptorProto] = {}
    symbols: dict[str, str] = {}
    extensions: dict[str, dict[int, str]] = {}
    for file in files:
        if file.name in kept:
            continue
        kept[file.name] = file
        for symbol in _symbols(file):
            symbols.setdefault(symbol, file.name)
        for extension in _extensions(file):
            extensions.setdefault(extension.extendee.removeprefix("."), {}).setdefault(extension.number, file.name)
    return DescriptorIndex(kept, symbols, extensions, tuple(sorted(services)))


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    scope = f"{file.package}." if file.package else ""
    for message in file.message_type:
        yield from _of_message(scope, message)
    for enum in file.enum_type:
        yield from _of_enum(scope, enum)
    for extension in file.extension:
        yield scope + extension.name
    for service in file.service:
        yield scope + service.name
        yield from (f"{scope}{service.name}.{method.name}" for method in service.method)


def _of_message(scope: str, message: DescriptorProto) -> Iterator[str]:
    own = scope + message.name
    yield own
    yield from (f"{own}.{each.name}" for each in (*message.field, *message.extension))
    yield from (f"{own}.{each.name}" for each in message.oneof_decl)
    for nested in message.nested_type:
        yield from _of_message(f"{own}.", nested)
    for enum in message.enum_type:
        yield from _of_enum(f"{own}.", enum)


def _of_enum(scope: str, enum: EnumDescriptorProto) -> Iterator[str]:
    yield scope + enum.name
    yield from (f"{scope}{enum.name}.{value.name}" for value in enum.value)


def _extensions(file: FileDescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from file.extension
    for message in file.message_type:
        yield from _nested_extensions(message)


def _nested_extensions(message: DescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from message.extension
    for nested in message.nested_type:
        yield from _nested_extensions(nested)
