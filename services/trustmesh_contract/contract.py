"""Reads a FileDescriptorSet into typed values: methods, their policies and their HTTP bindings.

It reads descriptor protos and never a descriptor pool, so a contract that this process has no code for (one that another
service registered) reads the same as its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

from trustmesh.options.v1 import policy_pb2


class ContractError(ValueError):
    """The descriptors do not form a contract: what is wrong, where, and the mend."""


class RateClass(IntEnum):
    READ = policy_pb2.RATE_CLASS_READ
    WRITE = policy_pb2.RATE_CLASS_WRITE
    CRYPTO = policy_pb2.RATE_CLASS_CRYPTO
    AUTHENTICATION = policy_pb2.RATE_CLASS_AUTHENTICATION
    EXPENSIVE = policy_pb2.RATE_CLASS_EXPENSIVE


class AuditClass(IntEnum):
    NONE = policy_pb2.AUDIT_CLASS_NONE
    DENIALS = policy_pb2.AUDIT_CLASS_DENIALS
    OUTCOME = policy_pb2.AUDIT_CLASS_OUTCOME
    REQUEST = policy_pb2.AUDIT_CLASS_REQUEST


class Assurance(IntEnum):
    NONE = policy_pb2.ASSURANCE_UNSPECIFIED
    SINGLE_FACTOR = policy_pb2.ASSURANCE_SINGLE_FACTOR
    MULTI_FACTOR = policy_pb2.ASSURANCE_MULTI_FACTOR
    PHISHING_RESISTANT = policy_pb2.ASSURANCE_PHISHING_RESISTANT


class Audience(IntEnum):
    SERVICE = policy_pb2.AUDIENCE_SERVICE
    BROWSER = policy_pb2.AUDIENCE_BROWSER


class Idempotency(IntEnum):
    UNKNOWN = descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN
    NO_SIDE_EFFECTS = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    IDEMPOTENT = descriptor_pb2.MethodOptions.IDEMPOTENT


@dataclass(frozen=True, slots=True)
class PublicAccess:
    """Anyone may call; `why` says why that is safe."""

    why: str


@dataclass(frozen=True, slots=True)
class PermissionAccess:
    """A principal with `permission` on the resource that `resource_field` names may call ("" for platform methods)."""

    permission: str
    resource_field: str
    assurance: Assurance
    callers: frozenset[str]
    audiences: frozenset[Audience]
    forwarders: frozenset[str]


@dataclass(frozen=True, slots=True)
class MeshAccess:
    """Only the named services may call; "*" stands for every service of the trust domain."""

    callers: frozenset[str]

    def admits(self, service: str) -> bool:
        return service in self.callers or "*" in self.callers


Access = PublicAccess | PermissionAccess | MeshAccess


@dataclass(frozen=True, slots=True)
class Policy:
    """A method's policy; `timeout` is in seconds, None for streams that live as long as their connection."""

    access: Access
    rate_class: RateClass
    timeout: float | None
    audit: AuditClass
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class HttpBinding:
    """One google.api.http rule: `verb` is GET, POST, PUT, PATCH or DELETE, `body` a field path, "*" or ""."""

    verb: str
    template: str
    body: str


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the contract."""

    package: str
    service: str
    name: str
    input_type: str
    output_type: str
    client_streaming: bool
    server_streaming: bool
    idempotency: Idempotency
    policy: Policy
    bindings: tuple[HttpBinding, ...]

    @property
    def full_service(self) -> str:
        return f"{self.package}.{self.service}"

    @property
    def full_name(self) -> str:
        return f"{self.full_service}.{self.name}"

    @property
    def path(self) -> str:
        """The gRPC path, "/package.Service/Method"."""
        return f"/{self.full_service}/{self.name}"

    @property
    def retriable(self) -> bool:
        """Whether a repeated call is harmless by the contract."""
        return self.idempotency is not Idempotency.UNKNOWN and not self.client_streaming

    def visible_to(self, audience: Audience) -> bool:
        """Whether the gateway offers the method to `audience`."""
        match self.policy.access:
            case MeshAccess():
                return False
            case PermissionAccess(audiences=audiences):
                return not audiences or audience in audiences
            case _:
                return True


@dataclass(frozen=True, slots=True)
class HttpMount:
    """A path of a protocol of its own; one that ends in "/" is a prefix."""

    full_service: str
    path: str
    methods: frozenset[str]
    why: str
    rate_class: RateClass
    cross_origin: bool


@dataclass(frozen=True)
class Contract:
    """All methods of a descriptor set, by gRPC path, and the HTTP mounts of its services."""

    methods: dict[str, Method] = field(default_factory=dict)
    mounts: tuple[HttpMount, ...] = ()

    def __iter__(self) -> Iterator[Method]:
        return iter(self.methods.values())


def read_contract(descriptors: descriptor_pb2.FileDescriptorSet | Iterable[descriptor_pb2.FileDescriptorProto]) -> Contract:
    """Read every service whose package begins with "trustmesh.".

    Raises ContractError when a method lacks a policy or its policy is incomplete.
    """
    files = descriptors.file if isinstance(descriptors, descriptor_pb2.FileDescriptorSet) else descriptors
    methods: dict[str, Method] = {}
    mounts: list[HttpMount] = []
    for file in files:
        if not file.package.startswith("trustmesh."):
            continue
        for service in file.service:
            for proto in service.method:
                method = _method(file.package, service.name, proto)
                methods[method.path] = method
            mounts += _mounts(f"{file.package}.{service.name}", service.options)
    return Contract(methods, tuple(mounts))


def read_policy(name: str, message: policy_pb2.MethodPolicy) -> Policy:
    """Turn the option's message into a Policy; `name` appears in errors."""
    try:
        return Policy(
            access=_access(name, message),
            rate_class=RateClass(message.rate_class),
            timeout=message.timeout.ToNanoseconds() / 1e9 if message.HasField("timeout") else None,
            audit=AuditClass(message.audit),
            reasons=frozenset(message.reasons),
        )
    except ContractError:
        raise
    except ValueError as error:
        raise ContractError(f"{name}: its policy is incomplete ({error}); set access, rate_class and audit") from None


def _method(package: str, service: str, proto: descriptor_pb2.MethodDescriptorProto) -> Method:
    name = f"{package}.{service}.{proto.name}"
    if not proto.options.HasExtension(policy_pb2.policy):
        raise ContractError(f"{name}: no policy; add option (trustmesh.options.v1.policy)")
    return Method(
        package=package,
        service=service,
        name=proto.name,
        input_type=proto.input_type.removeprefix("."),
        output_type=proto.output_type.removeprefix("."),
        client_streaming=proto.client_streaming,
        server_streaming=proto.server_streaming,
        idempotency=Idempotency(proto.options.idempotency_level),
        policy=read_policy(name, proto.options.Extensions[policy_pb2.policy]),
        bindings=tuple(_bindings(name, proto.options)),
    )


def _access(name: str, message: policy_pb2.MethodPolicy) -> Access:
    match message.WhichOneof("access"):
        case "public":
            return PublicAccess(message.public.why)
        case "permission":
            permission = message.permission
            return PermissionAccess(
                permission=permission.name,
                resource_field=permission.resource_field,
                assurance=Assurance(permission.assurance),
                callers=frozenset(permission.callers),
                audiences=frozenset(map(Audience, permission.audiences)),
                forwarders=frozenset(permission.forwarders),
            )
        case "mesh":
            return MeshAccess(frozenset(message.mesh.callers))
        case _:
            raise ContractError(f"{name}: its policy says not who may call; set public, permission or mesh")


def _bindings(name: str, options: descriptor_pb2.MethodOptions) -> Iterator[HttpBinding]:
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        yield _binding(name, each)


def _binding(name: str, rule: http_pb2.HttpRule) -> HttpBinding:
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom":
        raise ContractError(f"{name}: its google.api.http rule has no standard verb; use get, post, put, patch or delete")
    return HttpBinding(verb.upper(), getattr(rule, verb), rule.body)


def _mounts(full_service: str, options: descriptor_pb2.ServiceOptions) -> Iterator[HttpMount]:
    if not options.HasExtension(policy_pb2.service_policy):
        return
    for mount in options.Extensions[policy_pb2.service_policy].http_mounts:
        yield HttpMount(
            full_service=full_service,
            path=mount.path,
            methods=frozenset(mount.methods),
            why=mount.why,
            rate_class=RateClass(mount.rate_class),
            cross_origin=mount.cross_origin,
        )
