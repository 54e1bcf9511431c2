"""Writes a FileDescriptorProto as .proto source, so that a wheel which carries only the descriptor still gives a file to import.

Covers what third-party proto2 and proto3 files use: messages, enums, oneofs, maps as entries, extensions, ranges and options.
Comments are not in a descriptor and so not in the source. Raises ValueError on groups and editions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from google.protobuf import descriptor_pb2, text_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message

_LABELS = {FieldDescriptorProto.LABEL_REPEATED: "repeated ", FieldDescriptorProto.LABEL_REQUIRED: "required "}
_LAST_NUMBER = 536870912  # one past the highest field number; "max" in source


def write_source(file: FileDescriptorProto) -> str:
    """Return the file's source; compiling it gives an equal descriptor, source info aside."""
    if file.edition or file.syntax not in ("", "proto2", "proto3"):
        raise ValueError(f"{file.name}: only proto2 and proto3 can be written as source")
    return "\n".join(_file(file)) + "\n"


def _file(file: FileDescriptorProto) -> Iterator[str]:
    yield f'syntax = "{file.syntax or "proto2"}";'
    if file.package:
        yield f"package {file.package};"
    for index, dependency in enumerate(file.dependency):
        yield f'import {"public " if index in file.public_dependency else ""}"{dependency}";'
    yield from (f"option {option};" for option in _options(file.options))
    proto3 = file.syntax == "proto3"
    yield from _extensions(file.extension, proto3)
    for message in file.message_type:
        yield from _message(message, proto3)
    for enum in file.enum_type:
        yield from _enum(enum)
    if file.service:
        raise ValueError(f"{file.name}: services are not written as source")


def _message(message: DescriptorProto, proto3: bool) -> Iterator[str]:
    yield f"message {message.name} {{"
    yield from (f"option {option};" for option in _options(message.options))
    oneofs: dict[int, list[FieldDescriptorProto]] = {}
    for field in message.field:
        if field.HasField("oneof_index") and not field.proto3_optional:
            oneofs.setdefault(field.oneof_index, []).append(field)
    entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    written: set[int] = set()
    for field in message.field:
        if not field.HasField("oneof_index") or field.proto3_optional:
            yield _field(field, proto3, entries)
        elif field.oneof_index not in written:
            written.add(field.oneof_index)
            yield f"oneof {message.oneof_decl[field.oneof_index].name} {{"
            yield from (f"option {option};" for option in _options(message.oneof_decl[field.oneof_index].options))
            yield from (_field(member, True, {}) for member in oneofs[field.oneof_index])
            yield "}"
    for each in message.extension_range:
        options = ", ".join(_options(each.options))
        yield f"extensions {_range(each.start, each.end)}{f' [{options}]' if options else ''};"
    yield from (f"reserved {_range(each.start, each.end)};" for each in message.reserved_range)
    yield from (f'reserved "{name}";' for name in message.reserved_name)
    yield from _extensions(message.extension, proto3)
    for nested in message.nested_type:
        if nested.name not in entries:
            yield from _message(nested, proto3)
    for enum in message.enum_type:
        yield from _enum(enum)
    yield "}"


def _enum(enum: EnumDescriptorProto) -> Iterator[str]:
    yield f"enum {enum.name} {{"
    yield from (f"option {option};" for option in _options(enum.options))
    for value in enum.value:
        options = ", ".join(_options(value.options))
        yield f"{value.name} = {value.number}{f' [{options}]' if options else ''};"
    yield from (f"reserved {_range(each.start, each.end + 1)};" for each in enum.reserved_range)
    yield from (f'reserved "{name}";' for name in enum.reserved_name)
    yield "}"


def _extensions(fields: Iterable[FieldDescriptorProto], proto3: bool) -> Iterator[str]:
    for extendee, members in groupby(fields, key=lambda field: field.extendee):
        yield f"extend {extendee} {{"
        yield from (_field(member, proto3, {}) for member in members)
        yield "}"


def _field(field: FieldDescriptorProto, bare: bool, entries: dict[str, DescriptorProto]) -> str:
    """One field; `bare` says that a singular one has no label (proto3, or a member of a oneof)."""
    entry = entries.get(field.type_name.rpartition(".")[2])
    label = _LABELS.get(field.label, "optional " if field.proto3_optional or not bare else "")
    kind = _type(field) if entry is None else f"map<{_type(entry.field[0])}, {_type(entry.field[1])}>"
    options = list(_options(field.options))
    if field.HasField("default_value"):
        options.append(f"default = {_default(field)}")
    suffix = f" [{', '.join(options)}]" if options else ""
    return f"{'' if entry is not None else label}{kind} {field.name} = {field.number}{suffix};"


def _default(field: FieldDescriptorProto) -> str:
    if field.type == FieldDescriptorProto.TYPE_STRING:
        return _quote(field.default_value)
    return f'"{field.default_value}"' if field.type == FieldDescriptorProto.TYPE_BYTES else field.default_value  # bytes: escaped


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _type(field: FieldDescriptorProto) -> str:
    if field.type == FieldDescriptorProto.TYPE_GROUP:
        raise ValueError(f"{field.name}: groups are not written as source")
    return field.type_name or descriptor_pb2.FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _range(start: int, end: int) -> str:
    last = "max" if end == _LAST_NUMBER else str(end - 1)
    return str(start) if last == str(start) else f"{start} to {last}"


def _options(options: Message) -> Iterator[str]:
    """The options as `name = value`; extensions must be registered in this process."""
    for field, value in options.ListFields():
        name = f"(.{field.full_name})" if field.is_extension else field.name
        for each in value if field.is_repeated else [value]:
            yield f"{name} = {_value(field, each)}"


def _value(field: FieldDescriptor, value: object) -> str:
    if isinstance(value, Message):
        return "{ " + text_format.MessageToString(value, as_one_line=True, as_utf8=True) + " }"
    return _scalar(field, value)


def _scalar(field: FieldDescriptor, value: object) -> str:
    if field.enum_type is not None and isinstance(value, int):
        return str(field.enum_type.values_by_number[value].name)
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quote(value)
        case bytes():
            return '"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
        case _:
            return str(value)
