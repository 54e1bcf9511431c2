"""What may be inside a request: which of its fields are unbounded, and which may be secret without anyone having decided."""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from buf.validate import validate_pb2
from trustmesh_contract.descriptors import Types

_SECRET = re.compile(r"(^|_)(secret|password|passphrase|token|credential|plaintext|pin|private_key|key_material|share)s?($|_)")
_HARMLESS = re.compile(r"page_token$|_(id|name|type|version|count|hash)$")
_UNBOUNDED_PATTERN = re.compile(r"[*+]|\{\d+,\}")
_STRING_BOUNDS = {"max_len", "len", "max_bytes", "len_bytes", "const", "in"}
_STRING_FORMATS = {
    "hostname", "ip", "ipv4", "ipv6", "uuid", "tuuid", "ulid", "ip_with_prefixlen", "ipv4_with_prefixlen",
    "ipv6_with_prefixlen", "ip_prefix", "ipv4_prefix", "ipv6_prefix", "host_and_port",
}  # fmt: skip
_BYTES_BOUNDS = {"max_len", "len", "const", "in", "ip", "ipv4", "ipv6", "uuid"}


def resolves_to_string(types: Types, message: str, path: str) -> bool:
    """Whether `path` ("name", "pet.name", "requests.name") leads from `message` to a string field, through lists or not."""
    *heads, last = path.split(".")
    for head in heads:
        field = _field(types, message, head)
        if field is None or field.type != FieldDescriptorProto.TYPE_MESSAGE:
            return False
        message = field.type_name.removeprefix(".")
    field = _field(types, message, last)
    return field is not None and field.type == FieldDescriptorProto.TYPE_STRING


def unbounded(types: Types, message: str) -> Iterator[str]:
    """Yield one sentence for each string, bytes, list or map in `message` and below that has no upper bound."""
    for path, owner, field in _walk(types, message):
        rules = field.options.Extensions[validate_pb2.field]
        entry = types.messages.get(field.type_name.removeprefix("."))
        if entry is not None and entry.options.map_entry:
            if not rules.map.HasField("max_pairs"):
                yield f"{path} ({owner}) is a map without max_pairs"
            for part, inner in (("keys", rules.map.keys), ("values", rules.map.values)):
                if not _bounded(entry.field[0 if part == "keys" else 1], inner):
                    yield f"{path} ({owner}) is a map whose {part} have no max_len"
        elif field.label == FieldDescriptorProto.LABEL_REPEATED:
            if not rules.repeated.HasField("max_items"):
                yield f"{path} ({owner}) is a list without max_items"
            if not _bounded(field, rules.repeated.items):
                yield f"{path} ({owner}) is a list whose items have no max_len"
        elif not _bounded(field, rules):
            yield f"{path} ({owner}) has no max_len"


def undecided_secrets(types: Types, message: str) -> Iterator[str]:
    """Yield the path of each bytes field, and each string with a secret's name, that has no debug_redact."""
    for path, _, field in _walk(types, message):
        secret = _SECRET.search(field.name) and not _HARMLESS.search(field.name)
        named = secret and field.type == FieldDescriptorProto.TYPE_STRING
        if (named or field.type == FieldDescriptorProto.TYPE_BYTES) and not field.options.HasField("debug_redact"):
            yield path


def _bounded(field: FieldDescriptorProto, rules: validate_pb2.FieldRules) -> bool:
    """Whether one value of the field is bounded. Messages are walked into, numbers are bounded by their type."""
    if field.type == FieldDescriptorProto.TYPE_STRING:
        present = {each.name for each, _ in rules.string.ListFields()}
        return bool(present & (_STRING_BOUNDS | _STRING_FORMATS)) or _ends(rules.string.pattern)
    if field.type == FieldDescriptorProto.TYPE_BYTES:
        return bool({each.name for each, _ in rules.bytes.ListFields()} & _BYTES_BOUNDS)
    return True


def _ends(pattern: str) -> bool:
    """Whether an RE2 pattern is anchored at both ends and repeats nothing without an upper bound."""
    bare = re.sub(r"\\.", "", pattern)  # what is escaped is no operator
    bare = re.sub(r"\[[^\]]*\]", "", bare)  # nor what is in a class
    return bare.startswith("^") and bare.endswith("$") and not _UNBOUNDED_PATTERN.search(bare)


def _walk(types: Types, message: str) -> Iterator[tuple[str, str, FieldDescriptorProto]]:
    """Yield (path, owning message, field) of everything a caller sets, OUTPUT_ONLY fields and foreign messages left out."""
    seen: set[str] = set()

    def descend(name: str, prefix: str) -> Iterator[tuple[str, str, FieldDescriptorProto]]:
        if name in seen:
            return
        seen.add(name)
        for field in types.messages.get(name, DescriptorProto()).field:
            if field_behavior_pb2.OUTPUT_ONLY in field.options.Extensions[field_behavior_pb2.field_behavior]:
                continue
            yield prefix + field.name, name, field
            inner = field.type_name.removeprefix(".")
            if field.type == FieldDescriptorProto.TYPE_MESSAGE and inner.startswith("trustmesh."):
                entry = types.messages[inner]
                target = entry.field[1].type_name.removeprefix(".") if entry.options.map_entry else inner
                if target.startswith("trustmesh."):
                    yield from descend(target, f"{prefix}{field.name}.")

    yield from descend(message, "")


def _field(types: Types, message: str, name: str) -> FieldDescriptorProto | None:
    found = types.messages.get(message)
    return next((field for field in found.field if field.name == name), None) if found is not None else None
