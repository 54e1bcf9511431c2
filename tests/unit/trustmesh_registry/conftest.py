"""Contracts built by hand, as services register them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, MethodOptions

from trustmesh.options.v1 import policy_pb2

Make = Callable[..., FileDescriptorSet]


@pytest.fixture
def contract() -> Make:
    """contract(service, package=..., timeout=..., retried=...): one service Echo with the method Say."""
    return echo


def echo(service: str = "echo", *, package: str = "", timeout: float | None = 1, retried: bool = True) -> FileDescriptorSet:
    package = package or f"trustmesh.{service}.v1"
    file = FileDescriptorProto(name=f"{package.replace('.', '/')}/echo.proto", package=package, syntax="proto3")
    file.message_type.add(name="Text")
    declared = file.service.add(name="Echo")
    say = declared.method.add(name="Say", input_type=f".{package}.Text", output_type=f".{package}.Text")
    say.options.idempotency_level = MethodOptions.IDEMPOTENT if retried else MethodOptions.IDEMPOTENCY_UNKNOWN
    policy = say.options.Extensions[policy_pb2.policy]
    policy.mesh.callers.append("*")
    policy.rate_class = policy_pb2.RATE_CLASS_READ
    policy.audit = policy_pb2.AUDIT_CLASS_NONE
    if timeout is not None:
        policy.timeout.FromNanoseconds(int(timeout * 1e9))
    return FileDescriptorSet(file=[file])
