"""The few protobuf shapes that every part of the gateway's configuration repeats."""

from __future__ import annotations

import json
from typing import Any

import yaml
from envoy.config.core.v3.config_source_pb2 import ConfigSource
from google.protobuf import any_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

Fields = dict[str, Any]


def packed(message: Message) -> any_pb2.Any:
    """`message` in an Any, its bytes the same for the same content."""
    box = any_pb2.Any()
    box.Pack(message, deterministic=True)
    return box


def duration(seconds: float) -> Fields:
    nanoseconds = round(seconds * 1e9)
    return {"seconds": nanoseconds // 1_000_000_000, "nanos": nanoseconds % 1_000_000_000}


def wrapped(value: float | bool) -> Fields:
    """The content of a google.protobuf wrapper message."""
    return {"value": value}


def by_ads() -> ConfigSource:
    return ConfigSource(ads={}, resource_api_version="V3", initial_fetch_timeout=duration(5))


def socket(address: str, port: int) -> Fields:
    return {"socket_address": {"address": address, "port_value": port}}


def extension(name: str, message: Message) -> Fields:
    return {"name": name, "typed_config": packed(message)}


def percent(whole: int = 100) -> Fields:
    return {"default_value": {"numerator": whole, "denominator": "HUNDRED"}}


def to_yaml(message: Message) -> str:
    """As YAML, in a stable order."""
    fields = json.loads(MessageToJson(message, preserving_proto_field_name=True))
    return str(yaml.safe_dump(fields, sort_keys=True, width=160, allow_unicode=True))
