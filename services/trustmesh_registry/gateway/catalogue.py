"""Which methods and mounts the gateway offers, out of all that the mesh registered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from trustmesh_contract.contract import Audience, Contract, ContractError, HttpBinding, HttpMount, Method, read_contract
from trustmesh_registry.gateway.mesh import Mesh, RegisteredService
from trustmesh_registry.gateway.paths import TemplateError, template_regex


@dataclass(frozen=True, slots=True)
class Offered:
    """A method that the gateway offers, and the service that answers for it; `bindings` are as in the contract."""

    service: str
    method: Method
    bindings: tuple[HttpBinding, ...]


@dataclass(frozen=True, slots=True)
class Mounted:
    """An HTTP mount and the service that it leads to."""

    service: str
    mount: HttpMount


@dataclass(frozen=True)
class Catalogue:
    """All that the gateway offers, the files that describe it (by file name), what was left out, and what is not ours."""

    methods: tuple[Offered, ...]
    mounts: tuple[Mounted, ...]
    files: dict[str, FileDescriptorProto]
    problems: tuple[str, ...]
    foreign: tuple[Offered, ...] = ()


def read_mesh(mesh: Mesh) -> Catalogue:
    """Read every service's contract. One that does not fit is left out whole, so that it cannot harm the others."""
    methods: dict[str, Offered] = {}
    mounts: dict[str, Mounted] = {}
    files: dict[str, FileDescriptorProto] = {}
    problems: list[str] = []
    for service in sorted(mesh, key=lambda each: each.name):
        try:
            offered, mounted = _read_service(service)
            _refuse_overlap(offered, mounted, methods, mounts)
            merged = merge_files(files, service.files.file)
            _build([*methods.values(), *offered], merged)
        except (ContractError, TemplateError) as error:
            problems.append(f"{service.name}: {error}")
            continue
        files = merged
        methods |= {each.method.path: each for each in offered}
        mounts |= {each.mount.path: each for each in mounted}
    foreign = tuple(Offered(service.name, method, ()) for service in mesh for method in service.foreign)
    return Catalogue(tuple(methods.values()), tuple(mounts.values()), files, tuple(problems), foreign)


def _read_service(service: RegisteredService) -> tuple[list[Offered], list[Mounted]]:
    contract: Contract = read_contract(service.files)
    offered = []
    for method in contract:
        if method.full_service in service.serves and method.visible_to(Audience.SERVICE):
            for binding in method.bindings:
                template_regex(binding.template)
            offered.append(Offered(service.name, method, method.bindings))
    mounted = [Mounted(service.name, mount) for mount in contract.mounts if mount.full_service in service.serves]
    return offered, mounted


def _refuse_overlap(
    offered: Iterable[Offered], mounted: Iterable[Mounted], methods: dict[str, Offered], mounts: dict[str, Mounted]
) -> None:
    shapes = {_shape(binding): each.method.path for each in methods.values() for binding in each.bindings}
    for each in offered:
        if each.method.path in methods:
            raise ContractError(f"{each.method.path} is served by {methods[each.method.path].service} already")
        for binding in each.bindings:
            taken = shapes.setdefault(_shape(binding), each.method.path)
            if taken != each.method.path:
                raise ContractError(f"{each.method.path} has the same REST path as {taken}: {binding.verb} {binding.template}")
    for mount in mounted:
        if mount.mount.path in mounts or mount.mount.path.startswith(("/service/", "/browser/", "/trustmesh.")):
            raise ContractError(f"the mount {mount.mount.path} is taken")


def _shape(binding: HttpBinding) -> tuple[str, str]:
    return binding.verb, template_regex(binding.template)


def merge_files(files: dict[str, FileDescriptorProto], more: Iterable[FileDescriptorProto]) -> dict[str, FileDescriptorProto]:
    """Add files by name, without their comments; of a file that several services share, the larger version is kept."""
    merged = dict(files)
    for file in more:
        bare = FileDescriptorProto()
        bare.CopyFrom(file)
        bare.ClearField("source_code_info")
        known = merged.get(bare.name)
        if known is None or known.ByteSize() < bare.ByteSize():
            merged[bare.name] = bare
    return merged


def in_order(files: dict[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    """The files, each after its imports. Raises ContractError when an import is missing."""
    ordered: dict[str, FileDescriptorProto] = {}

    def visit(name: str, importer: str) -> None:
        if name in ordered:
            return
        if name not in files:
            raise ContractError(f"{importer} imports {name}, which is not in the descriptor set; register it with its imports")
        for dependency in files[name].dependency:
            visit(dependency, name)
        ordered[name] = files[name]

    for name in sorted(files):
        visit(name, name)
    return list(ordered.values())


def _build(offered: Iterable[Offered], files: dict[str, FileDescriptorProto]) -> None:
    """Prove that the files form one set, as Envoy will ask; raises ContractError when they do not."""
    pool = DescriptorPool()
    try:
        for file in in_order(files):
            pool.AddSerializedFile(file.SerializeToString())
        for each in offered:
            pool.FindMethodByName(each.method.full_name)
    except (TypeError, KeyError) as error:
        raise ContractError(f"its descriptors do not build: {error}") from None
