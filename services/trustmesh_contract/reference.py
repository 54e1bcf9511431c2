"""Reference pages in Markdown: one for each service, one for the error catalogue, and an index."""

from __future__ import annotations

from collections.abc import Iterator

from google.api import field_behavior_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto

from trustmesh.options.v1 import catalogue_pb2
from trustmesh_contract.contract import (
    Assurance,
    Audience,
    Contract,
    Idempotency,
    MeshAccess,
    Method,
    PermissionAccess,
    PublicAccess,
)
from trustmesh_contract.descriptors import Types

_BEHAVIOURS = {
    field_behavior_pb2.REQUIRED: "required",
    field_behavior_pb2.OUTPUT_ONLY: "output only",
    field_behavior_pb2.INPUT_ONLY: "input only",
    field_behavior_pb2.IMMUTABLE: "immutable",
    field_behavior_pb2.IDENTIFIER: "identifier",
}
_CATALOGUE = "trustmesh.common.v1.ErrorCode"


def pages(types: Types, contract: Contract) -> Iterator[tuple[str, str]]:
    """Yield (file name, Markdown)."""
    index = ["# Reference", "", "Generated from `proto/`. [Errors](errors.md) are the same everywhere.", ""]
    for file in types.ours:
        for service in file.service:
            name = f"{file.package}.{service.name}"
            index.append(f"- [{name}]({name}.md): {types.comment(name).splitlines()[0] if types.comment(name) else ''}")
            yield f"{name}.md", "\n".join(_service(types, contract, file, service)) + "\n"
    yield "errors.md", "\n".join(_catalogue(types)) + "\n"
    yield "README.md", "\n".join(index) + "\n"


def _service(types: Types, contract: Contract, file: FileDescriptorProto, service: ServiceDescriptorProto) -> Iterator[str]:
    name = f"{file.package}.{service.name}"
    methods = [contract.methods[f"/{name}/{method.name}"] for method in service.method]
    yield from (f"# {name}", "", types.comment(name), "")
    yield from ("| method | REST | who may call |", "|---|---|---|")
    for method in methods:
        rest = "<br>".join(f"`{each.verb} {each.template}`" for each in method.bindings) or "none"
        yield f"| [{method.name}](#{method.name.lower()}) | {rest} | {_access(method)} |"
    for mount in (each for each in contract.mounts if each.full_service == name):
        yield f"| `{mount.path}` | {', '.join(sorted(mount.methods))} | anyone: {mount.why} |"
    for method in methods:
        yield from ("", f"## {method.name}", "", types.comment(method.full_name), "")
        yield from (f"- {line}" for line in _facts(method))
        yield from _message(types, "Request", method.input_type, method.client_streaming)
        yield from _message(types, "Response", method.output_type, method.server_streaming)
    yield from _types(types, methods)


def _facts(method: Method) -> Iterator[str]:
    yield f"Who may call: {_access(method)}"
    if isinstance(method.policy.access, PermissionAccess):
        access = method.policy.access
        yield f"Resource: `{access.resource_field}`" if access.resource_field else "Resource: the platform itself"
        if access.assurance is not Assurance.NONE:
            yield f"Authentication: {access.assurance.name.replace('_', ' ').lower()} or stronger"
        if access.callers:
            yield f"Without a token: {', '.join(f'`{caller}`' for caller in sorted(access.callers))}"
        if access.forwarders:
            yield f"Forwarded by: {', '.join(f'`{service}`' for service in sorted(access.forwarders))}"
    seen_by = [audience.name.lower() for audience in Audience if method.visible_to(audience)]
    yield f"At the gateway: {', '.join(seen_by) if seen_by else 'no'}"
    yield f"Rate class: {method.policy.rate_class.name}"
    yield "Timeout: none" if method.policy.timeout is None else f"Timeout: {method.policy.timeout:g} s"
    yield f"Audit: {method.policy.audit.name}"
    yield f"Retried: {'no' if method.idempotency is Idempotency.UNKNOWN else 'yes'}"
    if method.policy.reasons:
        yield f"Reasons of its own: {', '.join(f'`{reason}`' for reason in sorted(method.policy.reasons))}"


def _access(method: Method) -> str:
    match method.policy.access:
        case PublicAccess(why=why):
            return f"anyone: {why}"
        case MeshAccess(callers=callers):
            names = "every service" if "*" in callers else ", ".join(f"`{caller}`" for caller in sorted(callers))
            return f"in the mesh: {names}"
        case PermissionAccess(permission=permission):
            return f"`{permission}`"


def _message(types: Types, title: str, full_name: str, streaming: bool) -> Iterator[str]:
    yield from ("", f"**{title}**: {'a stream of ' if streaming else ''}`{full_name}`")
    yield from _fields(types, full_name)


def _fields(types: Types, full_name: str) -> Iterator[str]:
    message = types.messages.get(full_name)
    if message is None or not message.field or not full_name.startswith("trustmesh."):
        return
    yield from ("", "| field | type | |", "|---|---|---|")
    for field in message.field:
        marks = [_BEHAVIOURS[each] for each in field.options.Extensions[field_behavior_pb2.field_behavior] if each in _BEHAVIOURS]
        comment = " ".join(types.comment(f"{full_name}.{field.name}").split()).replace("|", "\\|")
        marked = f"*{', '.join(marks)}.* " if marks else ""
        yield f"| `{field.name}` | {_type(types, field)} | {marked}{comment} |"


def _type(types: Types, field: FieldDescriptorProto) -> str:
    bare = field.type_name.removeprefix(".")
    entry = types.messages.get(bare)
    if entry is not None and entry.options.map_entry:
        return f"map of {_type(types, entry.field[0])} to {_type(types, entry.field[1])}"
    name = f"`{bare}`" if bare else FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"list of {name}" if field.label == FieldDescriptorProto.LABEL_REPEATED else name


def _types(types: Types, methods: list[Method]) -> Iterator[str]:
    """The messages and enums inside of the requests and responses."""
    known = {kind for method in methods for kind in (method.input_type, method.output_type)}
    queue, found = sorted(known), list[str]()
    while queue:
        message = types.messages.get(queue.pop(0))
        for field in message.field if message is not None else ():
            name = field.type_name.removeprefix(".")
            if name.startswith("trustmesh.") and name not in known:
                known.add(name)
                queue.append(name)
                found.append(name)
    for name in sorted(found):
        if name in types.enums:
            yield from ("", f"### {name}", "", types.comment(name), "")
            yield from (f"- `{value.name}`: {types.comment(f'{name}.{value.name}')}" for value in types.enums[name].value)
        elif not types.messages[name].options.map_entry:
            yield from ("", f"### {name}", "", types.comment(name))
            yield from _fields(types, name)


def _catalogue(types: Types) -> Iterator[str]:
    yield from ("# Errors", "", types.comment(_CATALOGUE), "")
    yield from ("| code | status | when | what to do |", "|---|---|---|---|")
    for value in types.enums[_CATALOGUE].value:
        if value.options.HasExtension(catalogue_pb2.catalogue):
            entry = value.options.Extensions[catalogue_pb2.catalogue]
            comment = types.comment(f"{_CATALOGUE}.{value.name}")
            yield f"| {entry.code} | {entry.status} | {comment} | {entry.mend} |"
