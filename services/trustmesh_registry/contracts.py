"""Judges a contract that a service wants to register: readable, closed over its imports, and the service's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from trustmesh_chassis.errors import FieldViolation, InvalidArgument, PermissionDenied
from trustmesh_contract.contract import ContractError, read_contract
from trustmesh_registry.membership import RegisteredContract

NAMESPACE = "trustmesh."


def judge_contract(
    service: str, descriptors: bytes, grpc_services: Iterable[str], products: Mapping[str, tuple[str, ...]]
) -> RegisteredContract:
    """The contract that `service` may register.

    A service answers for `trustmesh.<its own name>.*`, and for the products that `products` gives it beyond that; gRPC services
    outside the namespace "trustmesh." (foreign protocols) are not offered to anyone and so not kept. Raises InvalidArgument for
    what cannot be read, PermissionDenied for another's product.
    """
    files = read_files(descriptors)
    declared = {f"{file.package}.{each.name}" for file in files.file for each in file.service}
    mine = tuple(sorted(each for each in grpc_services if each.startswith(NAMESPACE)))
    for full_name in mine:
        if full_name not in declared:
            raise _invalid("grpc_services", f"{full_name} is not in the descriptors")
        product = full_name.removeprefix(NAMESPACE).partition(".")[0]
        if product != service and product not in products.get(service, ()):
            raise PermissionDenied(
                f"service {service} may not answer for {full_name}; the registry's setting 'products' would have to allow it",
                metadata={"service": service, "grpc_service": full_name},
            )
    return RegisteredContract(hashlib.sha256(descriptors).hexdigest(), descriptors, mine)


def read_files(descriptors: bytes) -> FileDescriptorSet:
    """Parse descriptors that form a whole contract. Raises InvalidArgument naming what is missing or wrong."""
    try:
        files = FileDescriptorSet.FromString(descriptors)
        read_contract(files)
        pool = DescriptorPool()
        for file in files.file:
            pool.Add(file)
        for file in files.file:
            pool.FindFileByName(file.name)
    except DecodeError:
        raise _invalid("descriptors", "is not a google.protobuf.FileDescriptorSet") from None
    except ContractError as error:
        raise _invalid("descriptors", str(error)) from None
    except (TypeError, KeyError) as error:
        raise _invalid("descriptors", f"imports must come along, before the files that need them ({error})") from None
    return files


def _invalid(field: str, description: str) -> InvalidArgument:
    return InvalidArgument("The contract cannot be registered.", fields=(FieldViolation(field, description),))
