"""Which contracts a service may register."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from trustmesh_chassis.errors import InvalidArgument, PermissionDenied
from trustmesh_registry.contracts import judge_contract

Make = Callable[..., FileDescriptorSet]

ECHO = "trustmesh.echo.v1.Echo"


def test_a_service_registers_its_own_product(contract: Make) -> None:
    judged = judge_contract("echo", contract().SerializeToString(), [ECHO], {})
    assert judged.grpc_services == (ECHO,)
    assert len(judged.digest) == 64


def test_a_service_registers_another_product_where_the_settings_allow_it(contract: Make) -> None:
    descriptors = contract().SerializeToString()
    assert judge_contract("shop", descriptors, [ECHO], {"shop": ("echo",)}).grpc_services == (ECHO,)
    with pytest.raises(PermissionDenied) as caught:
        judge_contract("shop", descriptors, [ECHO], {"echo": ("shop",)})
    assert caught.value.metadata == {"service": "shop", "grpc_service": ECHO}


def test_a_product_is_a_whole_segment_of_the_name(contract: Make) -> None:
    descriptors = contract("echoes").SerializeToString()
    with pytest.raises(PermissionDenied):
        judge_contract("echo", descriptors, ["trustmesh.echoes.v1.Echo"], {})


def test_foreign_protocols_are_not_kept(contract: Make) -> None:
    descriptors = contract(package="acme.v1").SerializeToString()
    assert judge_contract("echo", descriptors, ["acme.v1.Echo"], {}).grpc_services == ()
    assert judge_contract("echo", b"", [], {}).grpc_services == ()


def test_what_is_not_declared_cannot_be_served(contract: Make) -> None:
    assert violation(contract().SerializeToString(), "trustmesh.echo.v1.Missing")[0] == "grpc_services"


def test_what_is_not_a_descriptor_set_is_refused() -> None:
    field, description = violation(b"\xff\xff")
    assert field == "descriptors" and "FileDescriptorSet" in description


def test_a_contract_without_policy_is_refused(contract: Make) -> None:
    files = contract()
    files.file[0].service[0].method[0].ClearField("options")
    field, description = violation(files.SerializeToString(), ECHO)
    assert field == "descriptors" and "no policy" in description


@pytest.mark.parametrize("order", ["missing", "late"])
def test_imports_must_come_along_and_first(contract: Make, order: str) -> None:
    files = contract()
    files.file[0].dependency.append("acme/imported.proto")
    if order == "late":
        files.file.append(FileDescriptorProto(name="acme/imported.proto"))
    field, description = violation(files.SerializeToString(), ECHO)
    assert field == "descriptors" and "imports" in description


def test_a_reference_to_nothing_is_refused(contract: Make) -> None:
    files = contract()
    files.file[0].service[0].method[0].input_type = ".trustmesh.echo.v1.Nothing"
    assert violation(files.SerializeToString(), ECHO)[0] == "descriptors"


def violation(descriptors: bytes, *services: str) -> tuple[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        judge_contract("echo", descriptors, services, {})
    [found] = caught.value.fields
    return found.field, found.description
