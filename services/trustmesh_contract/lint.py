"""The policy lint: what buf cannot know about a contract and nobody should have to remember.

    python -m trustmesh_contract.lint gen/descriptors/trustmesh.binpb

Each rule is a function of one method (or service) that yields what is wrong; the rule's name is its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2
from google.longrunning import operations_proto_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto, MethodOptions, ServiceDescriptorProto

from trustmesh.options.v1 import policy_pb2
from trustmesh_contract import bounds
from trustmesh_contract.contract import ContractError, read_policy
from trustmesh_contract.descriptors import Types

_PERMISSION = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-zA-Z0-9]*\.[a-z][a-zA-Z0-9]*")
_REASON = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_OPERATION = ".google.longrunning.Operation"
_OWN_PORT = {"trustmesh.pki.v1.JoinService"}  # served on the join port, to callers without a certificate; never at the gateway
_STANDARD_VERBS = {"Get": "get", "List": "get", "Create": "post", "Update": "patch", "Delete": "delete"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: `where` is the element's full name."""

    where: str
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Subject:
    """The method that a rule looks at."""

    types: Types
    package: str
    full_name: str
    proto: MethodDescriptorProto

    @property
    def policy(self) -> policy_pb2.MethodPolicy:
        return self.proto.options.Extensions[policy_pb2.policy]

    @property
    def unary(self) -> bool:
        return not (self.proto.client_streaming or self.proto.server_streaming)

    @property
    def request(self) -> str:
        return self.proto.input_type.removeprefix(".")


def lint(files: FileDescriptorSet) -> Iterator[Finding]:
    """Yield everything wrong with our services in the set, in the order of the files."""
    types = Types(files)
    bindings: dict[str, str] = {}
    for file in types.ours:
        for service in file.service:
            name = f"{file.package}.{service.name}"
            yield from (Finding(name, "mount", what) for what in mount(service))
            for method in service.method:
                subject = Subject(types, file.package, f"{name}.{method.name}", method)
                yield from _lint_method(subject)
                for shape in _shapes(method):
                    other = bindings.setdefault(shape, subject.full_name)
                    if other != subject.full_name:
                        yield Finding(subject.full_name, "path_taken", f"{shape} also leads to {other}")


def _lint_method(subject: Subject) -> Iterator[Finding]:
    if not subject.proto.options.HasExtension(policy_pb2.policy):
        yield Finding(subject.full_name, "policy_missing", "no policy; add option (trustmesh.options.v1.policy)")
        return
    for rule in RULES:
        yield from (Finding(subject.full_name, rule.__name__, what) for what in rule(subject))


def policy_incomplete(subject: Subject) -> Iterator[str]:
    try:
        read_policy(subject.full_name, subject.policy)
    except ContractError as error:
        yield str(error).removeprefix(f"{subject.full_name}: ")


def access(subject: Subject) -> Iterator[str]:
    match subject.policy.WhichOneof("access"):
        case "public" if not subject.policy.public.why:
            yield "public says not why that is safe"
        case "mesh" if not subject.policy.mesh.callers:
            yield "mesh names no callers, so nobody may call"


def timeout(subject: Subject) -> Iterator[str]:
    if subject.unary and not subject.policy.HasField("timeout"):
        yield "a unary method needs a timeout"
    elif subject.policy.HasField("timeout") and subject.policy.timeout.ToNanoseconds() <= 0:
        yield "the timeout must be above zero"


def permission_name(subject: Subject) -> Iterator[str]:
    if subject.policy.WhichOneof("access") != "permission":
        return
    name = subject.policy.permission.name
    if not _PERMISSION.fullmatch(name):
        yield f'permission "{name}" is not <product>.<collection>.<verb> with camelCase parts'
    elif name.partition(".")[0] not in subject.package.split("."):
        yield f'permission "{name}" does not begin with the product of {subject.package}'


def resource_field(subject: Subject) -> Iterator[str]:
    path = subject.policy.permission.resource_field
    if path and not bounds.resolves_to_string(subject.types, subject.request, path):
        yield f'resource_field "{path}" is no string field of {subject.request}'


def reason(subject: Subject) -> Iterator[str]:
    for each in subject.policy.reasons:
        if not _REASON.fullmatch(each):
            yield f'reason "{each}" is not UPPER_SNAKE_CASE'


def redaction(subject: Subject) -> Iterator[str]:
    if subject.policy.audit == policy_pb2.AUDIT_CLASS_REQUEST:
        for path in bounds.undecided_secrets(subject.types, subject.request):
            yield f"{path} is audited and may be secret; decide by debug_redact = true or false"


def unbounded(subject: Subject) -> Iterator[str]:
    yield from bounds.unbounded(subject.types, subject.request)


def binding(subject: Subject) -> Iterator[str]:
    options = subject.proto.options
    bound = options.HasExtension(annotations_pb2.http)
    own_port = subject.full_name.rpartition(".")[0] in _OWN_PORT
    reachable = subject.policy.WhichOneof("access") in ("public", "permission") and not own_port
    if bound and (own_port or subject.policy.WhichOneof("access") == "mesh"):
        yield "the method does not exist at the gateway, so it has no google.api.http"
    if reachable and subject.unary and not bound:
        yield "no google.api.http; every unary method that the gateway shows has REST"
    if not bound:
        return
    rule = options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    for prefix, expected in _STANDARD_VERBS.items():
        if re.match(rf"{prefix}[A-Z]", subject.proto.name) and verb != expected:
            yield f"{prefix} methods are bound to {expected.upper()}"
    if verb == "get" and options.idempotency_level != MethodOptions.NO_SIDE_EFFECTS:
        yield "GET promises no side effects; add idempotency_level = NO_SIDE_EFFECTS"
    if not getattr(rule, verb or "get", "").startswith("/v1/"):
        yield "paths begin with /v1/"


def long_running(subject: Subject) -> Iterator[str]:
    if subject.proto.output_type != _OPERATION:
        return
    info = subject.proto.options.Extensions[operations_proto_pb2.operation_info]
    if not (info.response_type and info.metadata_type):
        yield "an Operation says what it answers with; add google.longrunning.operation_info"
    if subject.proto.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        yield "an Operation is a side effect; it cannot be NO_SIDE_EFFECTS"


def mount(service: ServiceDescriptorProto) -> Iterator[str]:
    for each in service.options.Extensions[policy_pb2.service_policy].http_mounts:
        if not each.path.startswith("/") or not each.methods or not each.why:
            yield f'mount "{each.path}" needs a path that begins with "/", its methods, and why no token is asked for'


RULES: tuple[Callable[[Subject], Iterator[str]], ...] = (
    policy_incomplete,
    access,
    timeout,
    permission_name,
    resource_field,
    reason,
    redaction,
    unbounded,
    binding,
    long_running,
)


def _shapes(method: MethodDescriptorProto) -> Iterator[str]:
    """Every binding as verb and path, each variable replaced by what it matches."""
    if method.options.HasExtension(annotations_pb2.http):
        rule = method.options.Extensions[annotations_pb2.http]
        for each in (rule, *rule.additional_bindings):
            verb = each.WhichOneof("pattern")
            if verb is not None and verb != "custom":
                path = re.sub(r"\{[^}=]+=([^}]*)\}", r"\1", getattr(each, verb))
                yield f"{verb.upper()} {re.sub(r'{[^}]+}', '*', path)}"


def main(path: Path) -> int:
    found = list(lint(FileDescriptorSet.FromString(path.read_bytes())))
    for finding in found:
        print(finding, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
