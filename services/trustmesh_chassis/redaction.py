"""Shows a request to the audit log without its secrets: fields marked debug_redact appear as keyed hashes.

The hash lets an auditor see that two records held the same value without learning it; without the key it tells nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

Redact = Callable[[Message], dict[str, Any]]


def keep_key(file: Path) -> bytes:
    """The key of this service's hashes: read from `file`, made there (mode 0600) at first use."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.touch(0o600)
    beside.write_bytes(secrets.token_bytes(32))
    try:
        os.link(beside, file)  # the first of several processes wins, whole
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    return file.read_bytes()


def redactor(key: bytes) -> Redact:
    """A function from a message to its JSON form (proto field names) with every debug_redact field hashed under `key`."""

    def redact(message: Message) -> dict[str, Any]:
        shown: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
        _hide(shown, message.DESCRIPTOR, key)
        return shown

    return redact


def _hide(shown: dict[str, Any], descriptor: Any, key: bytes) -> None:
    for name, value in shown.items():
        field = descriptor.fields_by_name.get(name)
        if field is None:
            continue
        if field.GetOptions().debug_redact:
            shown[name] = _hashed(value, key)
        elif field.message_type is not None:
            for nested, nested_descriptor in _nested(field, value):
                _hide(nested, nested_descriptor, key)


def _nested(field: FieldDescriptor, value: Any) -> list[tuple[dict[str, Any], Any]]:
    descriptor: Any = field.message_type
    if descriptor.GetOptions().map_entry:
        descriptor, candidates = descriptor.fields_by_name["value"].message_type, list(value.values())
    else:
        candidates = value if field.is_repeated else [value]
    if descriptor is None:
        return []
    return [(each, descriptor) for each in candidates if isinstance(each, dict)]


def _hashed(value: Any, key: bytes) -> Any:
    if isinstance(value, list):
        return [_hashed(each, key) for each in value]
    return "hmac-sha256:" + hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:32]
