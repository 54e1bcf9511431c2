"""The guard before the transcoder, which refuses JSON bodies that the contract does not describe.

guard.lua reads the bodies; the tables of fields that it goes by are made here.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

from trustmesh_contract.contract import HttpBinding, Method

# Types that have a JSON form of their own, or any form at all: the transcoder checks them.
_OPAQUE = frozenset(
    f"google.protobuf.{name}"
    for name in [
        "Any",
        "Timestamp",
        "Duration",
        "FieldMask",
        "Struct",
        "Value",
        "ListValue",
        "BoolValue",
        "BytesValue",
        "DoubleValue",
        "FloatValue",
        "Int32Value",
        "Int64Value",
        "StringValue",
        "UInt32Value",
        "UInt64Value",
    ]
)
_RAW = "google.api.HttpBody"

NO_BODY, RAW_BODY = -1, -2

# json name, proto name, type (0 scalar, i message i, -i map of message i), oneof (0 none).
Row = tuple[str, str, int, int]


class BodyTypes:
    """Numbers the message types that bodies hold, from 1, and renders their fields for guard.lua."""

    def __init__(self, described: Iterable[FileDescriptorProto]) -> None:
        self._messages: dict[str, DescriptorProto] = {}
        for file in described:
            for message in file.message_type:
                self._describe(message, file.package)
        self._numbers: dict[str, int] = {}
        self._rows: list[list[Row]] = []

    def number(self, method: Method, binding: HttpBinding) -> int:
        """What the binding's body holds: NO_BODY, RAW_BODY (google.api.HttpBody), 0 for any JSON value, or a type's number."""
        if not binding.body:
            return NO_BODY
        if binding.body == "*":
            return RAW_BODY if method.input_type == _RAW else self._number(method.input_type)
        fields = {field.name: field for field in self._messages[method.input_type].field}
        field = fields[binding.body]
        return RAW_BODY if field.type_name == f".{_RAW}" else self._type(field)

    def script(self) -> str:
        """guard.lua with the tables of every type numbered so far."""
        tables = ",\n".join("{" + ",".join(map(_row, rows)) + "}" for rows in self._rows)
        source = files(__package__).joinpath("guard.lua").read_text(encoding="utf-8")
        return f"local messages = {{\n{tables}\n}}\n{source}"

    def _describe(self, message: DescriptorProto, scope: str) -> None:
        name = f"{scope}.{message.name}"
        self._messages[name] = message
        for nested in message.nested_type:
            self._describe(nested, name)

    def _number(self, name: str) -> int:
        if name in _OPAQUE or name == _RAW:
            return 0
        if name not in self._numbers:
            self._numbers[name] = len(self._rows) + 1
            rows: list[Row] = []
            self._rows.append(rows)
            rows += map(self._row, self._messages[name].field)
        return self._numbers[name]

    def _row(self, field: FieldDescriptorProto) -> Row:
        real_oneof = field.HasField("oneof_index") and not field.proto3_optional
        return field.json_name or json_name(field.name), field.name, self._type(field), field.oneof_index + 1 if real_oneof else 0

    def _type(self, field: FieldDescriptorProto) -> int:
        if field.type != FieldDescriptorProto.TYPE_MESSAGE:
            return 0
        name = field.type_name.removeprefix(".")
        message = self._messages[name]
        if message.options.map_entry:
            return -self._type(message.field[1])
        return self._number(name)


def json_name(name: str) -> str:
    """What protoc calls the field in JSON (descriptors of generated code leave it out)."""
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)


def _row(row: Row) -> str:
    json_name, name, kind, oneof = row
    return f'{{"{json_name}","{name}",{kind},{oneof}}}'
