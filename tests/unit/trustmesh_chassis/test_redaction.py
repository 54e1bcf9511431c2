"""Secrets never reach a record in the clear, wherever in the message they are."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from trustmesh_chassis.redaction import keep_key, redactor


def test_marked_fields_are_hashed_wherever_they_are(request_type: Any) -> None:
    message = request_type(
        name="n", pet={"name": "p", "secret": "canary"}, requests=[{"secret": "canary"}], keys=[b"canary"], labels={"a": "b"}
    )
    message.by_name["x"].secret = "canary"
    shown = redactor(b"key")(message)
    assert "canary" not in str(shown)
    digest = shown["pet"]["secret"]
    assert digest.startswith("hmac-sha256:")
    assert shown["requests"][0]["secret"] == shown["by_name"]["x"]["secret"] == digest
    assert shown["keys"][0].startswith("hmac-sha256:")
    assert (shown["name"], shown["pet"]["name"], shown["labels"]) == ("n", "p", {"a": "b"})


def test_free_keys_have_no_marks_to_look_at() -> None:
    assert redactor(b"key")(struct_pb2.Struct(fields={"a": struct_pb2.Value(bool_value=True)})) == {"a": True}


def test_another_key_gives_another_hash(request_type: Any) -> None:
    message = request_type(pet={"secret": "canary"})
    assert redactor(b"one")(message) != redactor(b"two")(message)


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "audit" / "redaction.key"
    key = keep_key(file)
    assert len(key) == 32
    assert keep_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["redaction.key"]
