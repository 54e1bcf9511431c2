"""Checks requests against the rules that the contract states with buf.validate."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message
from protovalidate import Validator, Violation

from trustmesh_chassis.errors import FieldViolation, InvalidArgument

Validate = Callable[[Message], None]

_MAX_VIOLATIONS = 32


def compile_validation() -> Validate:
    """A validator whose rules are compiled at each message's first use and kept.

    The function raises InvalidArgument with one FieldViolation for each broken rule, at most 32.
    """
    validator = Validator()

    def validate(request: Message) -> None:
        violations = validator.collect_violations(request)
        if violations:
            fields = tuple(map(_field_violation, violations[:_MAX_VIOLATIONS]))
            first = fields[0]
            raise InvalidArgument(f"{first.field}: {first.description}" if first.field else first.description, fields=fields)

    return validate


def _field_violation(violation: Violation) -> FieldViolation:
    proto = violation.proto
    return FieldViolation(_path(proto), proto.message or proto.rule_id or "is invalid")


def _path(violation: object) -> str:
    elements = getattr(getattr(violation, "field", None), "elements", ())
    path = ""
    for element in elements:
        path += f".{element.field_name}" if path else element.field_name
        subscript = element.subscript
        if subscript is not None:
            path += f"[{getattr(subscript, 'value', subscript)}]"
    return path
