"""JSON Schema (2020-12) of messages in proto3's JSON mapping, with the bounds of buf.validate and the field behaviours."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from buf.validate import validate_pb2
from trustmesh_contract.descriptors import Types

Schema = dict[str, Any]
F = FieldDescriptorProto

_INTEGERS = {F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32, F.TYPE_UINT32, F.TYPE_FIXED32}
_LONGS = {F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64, F.TYPE_UINT64, F.TYPE_FIXED64}
_UNSIGNED = {F.TYPE_UINT32, F.TYPE_FIXED32, F.TYPE_UINT64, F.TYPE_FIXED64}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    },
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["3.5s"]},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Field paths in camelCase, separated by commas."},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Value": {},
}
_STRING_FORMATS = {
    "email": "email",
    "hostname": "hostname",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "uri_ref": "uri-reference",
    "uuid": "uuid",
}
_NUMBERS = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum", "const": "const"}


class Schemas:
    """Builds schemas; `components` gathers those of the messages and enums that were referred to."""

    def __init__(self, types: Types) -> None:
        self.components: dict[str, Schema] = {}
        self._types = types

    def reference(self, full_name: str) -> Schema:
        """A schema of the named message or enum: written out when well known, else a reference to its component."""
        if full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[full_name])
        if full_name not in self.components:
            self.components[full_name] = {}  # a message may contain itself
            enum = self._types.enums.get(full_name)
            self.components[full_name] = self._enum(full_name) if enum is not None else self.message(full_name)
        return {"$ref": f"#/components/schemas/{full_name}"}

    def message(self, full_name: str, without: Container[str] = ()) -> Schema:
        """The object schema of a message, fields named in `without` left out."""
        fields = [field for field in self._types.messages[full_name].field if field.name not in without]
        schema: Schema = {"type": "object"}
        if comment := self._types.comment(full_name):
            schema["description"] = comment
        if fields:
            schema["properties"] = {field.json_name: self.field(full_name, field) for field in fields}
        if required := [field.json_name for field in fields if is_required(field)]:
            schema["required"] = required
        return schema

    def field(self, owner: str, field: FieldDescriptorProto) -> Schema:
        """The schema of one field, with its comment, bounds and behaviour."""
        rules = field.options.Extensions[validate_pb2.field]
        entry = self._types.messages.get(field.type_name.removeprefix("."))
        if entry is not None and entry.options.map_entry:
            schema = {"type": "object", "additionalProperties": self._value(entry.field[1], rules.map.values)}
            _put(schema, maxProperties=rules.map.max_pairs, minProperties=rules.map.min_pairs)
        elif field.label == F.LABEL_REPEATED:
            schema = {"type": "array", "items": self._value(field, rules.repeated.items)}
            _put(schema, maxItems=rules.repeated.max_items, minItems=rules.repeated.min_items)
            _put(schema, uniqueItems=rules.repeated.unique)
        else:
            schema = self._value(field, rules)
        return self._describe(f"{owner}.{field.name}", field, schema)

    def _describe(self, name: str, field: FieldDescriptorProto, schema: Schema) -> Schema:
        if comment := self._types.comment(name):
            schema["description"] = comment
        behaviours = field.options.Extensions[field_behavior_pb2.field_behavior]
        _put(schema, readOnly=field_behavior_pb2.OUTPUT_ONLY in behaviours)
        _put(schema, writeOnly=field_behavior_pb2.INPUT_ONLY in behaviours)
        schema |= {"x-immutable": True} if field_behavior_pb2.IMMUTABLE in behaviours else {}
        schema |= {"x-sensitive": True} if field.options.debug_redact else {}
        _put(schema, deprecated=field.options.deprecated)
        return schema

    def _value(self, field: FieldDescriptorProto, rules: validate_pb2.FieldRules) -> Schema:
        if field.type in (F.TYPE_MESSAGE, F.TYPE_ENUM):
            return self.reference(field.type_name.removeprefix("."))
        if field.type == F.TYPE_STRING:
            return _string(rules.string)
        if field.type == F.TYPE_BYTES:
            schema: Schema = {"type": "string", "contentEncoding": "base64"}
            _put(schema, maxLength=_base64_length(rules.bytes.max_len or rules.bytes.len))
            return schema
        if field.type == F.TYPE_BOOL:
            return {"type": "boolean"}
        return _number(field, rules)

    def _enum(self, full_name: str) -> Schema:
        values = [value.name for value in self._types.enums[full_name].value]
        lines = [self._types.comment(full_name)]
        lines += [f"- `{value}`: {self._types.comment(f'{full_name}.{value}')}" for value in values]
        return {"type": "string", "enum": values, "description": "\n".join(lines).strip()}


def is_required(field: FieldDescriptorProto) -> bool:
    behaviours = field.options.Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in behaviours or field.options.Extensions[validate_pb2.field].required


def _string(rules: validate_pb2.StringRules) -> Schema:
    schema: Schema = {"type": "string"}
    _put(schema, minLength=rules.min_len or rules.len, maxLength=rules.max_len or rules.len, pattern=rules.pattern)
    well_known = rules.WhichOneof("well_known")
    if well_known in _STRING_FORMATS:
        schema["format"] = _STRING_FORMATS[well_known]
    if allowed := list(getattr(rules, "in")):
        schema["enum"] = allowed
    return schema


def _number(field: FieldDescriptorProto, rules: validate_pb2.FieldRules) -> Schema:
    kind = F.Type.Name(field.type).removeprefix("TYPE_").lower()
    bounds = {_NUMBERS[rule.name]: value for rule, value in getattr(rules, kind).ListFields() if rule.name in _NUMBERS}
    if field.type in _INTEGERS:
        least = {"minimum": 0} if field.type in _UNSIGNED else {}
        return {"type": "integer", "format": "int32", **least, **bounds}
    if field.type in _LONGS:  # JSON numbers lose what int64 holds, so the mapping makes them strings; bounds are of the number
        pattern = "^[0-9]+$" if field.type in _UNSIGNED else "^-?[0-9]+$"
        return {"type": "string", "format": "int64", "pattern": pattern, **{f"x-{name}": value for name, value in bounds.items()}}
    return {"type": "number", "format": kind, **bounds}


def _base64_length(octets: int) -> int:
    return (octets + 2) // 3 * 4


def _put(schema: Schema, **values: object) -> None:
    """Set what is not empty, zero or false."""
    schema |= {name: value for name, value in values.items() if value}
