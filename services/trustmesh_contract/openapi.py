"""OpenAPI 3.1 of the REST side: what google.api.http binds, as it is called below /service at the gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.api import resource_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from trustmesh_contract.contract import Assurance, Audience, Contract, HttpBinding, Idempotency, Method, PermissionAccess
from trustmesh_contract.descriptors import Types
from trustmesh_contract.schema import Schema, Schemas, is_required

TITLE = "Trustmesh"
GATEWAY = "https://localhost:8443"
SERVICE_PREFIX, BROWSER_PREFIX = "/service", "/browser"
ERROR: Schema = {
    "type": "object",
    "description": "Every failed call answers with this: google.rpc.Status with exactly one ErrorInfo in its details.",
    "required": ["code", "message", "details"],
    "properties": {
        "code": {"type": "integer", "description": "The google.rpc.Code."},
        "message": {"type": "string", "description": "What went wrong, for a person; holds nothing secret."},
        "details": {
            "type": "array",
            "description": "ErrorInfo (reason, domain `trustmesh`, the catalogue's code under metadata.code and the request id), "
            "BadRequest for invalid fields, RetryInfo where a retry helps.",
            "items": {
                "type": "object",
                "required": ["@type"],
                "properties": {"@type": {"type": "string"}},
                "additionalProperties": True,
            },
        },
    },
}
_VARIABLE = re.compile(r"\{([^}=]+)(?:=([^}]*))?\}")


def openapi(types: Types, contract: Contract, version: str) -> dict[str, Any]:
    """The document, ready for JSON. Methods without a binding and those of the mesh alone are not in it."""
    schemas = Schemas(types)
    patterns = list(_resource_patterns(types))
    paths: dict[str, dict[str, Any]] = {}
    scopes: dict[str, str] = {}
    shown = [method for method in contract if method.bindings and method.visible_to(Audience.SERVICE)]
    for method in shown:
        if isinstance(method.policy.access, PermissionAccess):
            scopes[method.policy.access.permission] = _first_sentence(types.comment(method.full_name))
        for number, binding in enumerate(method.bindings):
            path, variables = concrete_path(binding.template, patterns)
            operation = _operation(types, schemas, method, binding, variables)
            if method.visible_to(Audience.BROWSER):
                operation["x-browser-path"] = BROWSER_PREFIX + path
            if number:
                operation["operationId"] += f".{number}"
            paths.setdefault(SERVICE_PREFIX + path, {})[binding.verb.lower()] = operation
    return {
        "openapi": "3.1.1",
        "info": {"title": TITLE, "version": version, "description": "The services behind the gateway as REST."},
        "servers": [{"url": GATEWAY, "description": "The gateway of `make up`."}],
        "tags": [
            {"name": service, "description": types.comment(service)} for service in dict.fromkeys(m.full_service for m in shown)
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted({"Error": ERROR, **schemas.components}.items())),
            "responses": {"Error": {"description": "The call failed.", "content": _json({"$ref": "#/components/schemas/Error"})}},
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "description": "An access token whose scope holds the permission, exactly or by a pattern such as `kms.*`.",
                    "flows": {
                        "clientCredentials": {"tokenUrl": f"{GATEWAY}/oauth2/token", "scopes": dict(sorted(scopes.items()))}
                    },
                }
            },
        },
    }


def concrete_path(template: str, patterns: list[str]) -> tuple[str, dict[str, list[str]]]:
    """Turn a path template into OpenAPI's: "/v1/{name=orgs/*/pets/*}" is "/v1/orgs/{org}/pets/{pet}".

    Returns the path and, for each field bound by it, the names of its variables. `patterns` are those of the resources.
    """
    variables: dict[str, list[str]] = {}

    def expand(match: re.Match[str]) -> str:
        field, shape = match[1], match[2] or "*"
        written = f"{{{field}}}" if shape in ("*", "**") else _named(shape, patterns)
        variables[field] = re.findall(r"\{([^}]+)\}", written)
        return written

    return _VARIABLE.sub(expand, template), variables


def _named(shape: str, patterns: list[str]) -> str:
    for pattern in patterns:
        if re.sub(r"\{[^}]+\}", "*", pattern) == shape:
            return pattern
    segments = shape.split("/")
    named = [
        f"{{{segments[index - 1].rstrip('s') or 'id'}}}" if segment.startswith("*") else segment
        for index, segment in enumerate(segments)
    ]
    return "/".join(named)


def _operation(
    types: Types, schemas: Schemas, method: Method, binding: HttpBinding, variables: dict[str, list[str]]
) -> dict[str, Any]:
    comment = types.comment(method.full_name)
    operation: dict[str, Any] = {
        "operationId": f"{method.package.split('.')[1]}.{method.service}.{method.name}",
        "tags": [method.full_service],
        "summary": _first_sentence(comment),
        "description": comment,
        "parameters": [*_path_parameters(variables), *_query_parameters(types, schemas, method, binding, variables)],
        "responses": {
            "200": {"description": "The call succeeded.", "content": _json(_answer(schemas, method))},
            "default": {"$ref": "#/components/responses/Error"},
        },
        "security": [],
        "x-grpc-method": method.path,
        "x-rate-class": method.policy.rate_class.name,
        "x-audit": method.policy.audit.name,
        "x-reasons": sorted(method.policy.reasons),
        "x-idempotent": method.idempotency is not Idempotency.UNKNOWN,
    }
    if method.policy.timeout is not None:
        operation["x-timeout-seconds"] = method.policy.timeout
    if isinstance(method.policy.access, PermissionAccess):
        access = method.policy.access
        operation["security"] = [{"oauth2": [access.permission]}]
        operation["x-permission"] = access.permission
        operation["x-resource-field"] = access.resource_field
        if access.assurance is not Assurance.NONE:
            operation["x-assurance"] = access.assurance.name
    if binding.body:
        operation["requestBody"] = {"required": True, "content": _json(_body(types, schemas, method, binding, variables))}
    return operation


def _answer(schemas: Schemas, method: Method) -> Schema:
    answer = schemas.reference(method.output_type)
    return {"type": "array", "items": answer, "description": "One item a message."} if method.server_streaming else answer


def _body(types: Types, schemas: Schemas, method: Method, binding: HttpBinding, variables: dict[str, list[str]]) -> Schema:
    if binding.body == "*":
        return schemas.message(method.input_type, without=variables)
    field = next(field for field in types.messages[method.input_type].field if field.name == binding.body)
    return schemas.field(method.input_type, field)


def _path_parameters(variables: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    for field, names in variables.items():
        for name in names:
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"Part of `{field}`." if len(names) > 1 or name != field else f"`{field}`.",
                "schema": {"type": "string"},
            }


def _query_parameters(
    types: Types, schemas: Schemas, method: Method, binding: HttpBinding, variables: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    if binding.body == "*":
        return
    for field in types.messages[method.input_type].field:
        if field.name in variables or field.name == binding.body:
            continue
        schema = schemas.field(method.input_type, field)
        if field.type == FieldDescriptorProto.TYPE_MESSAGE and "$ref" in schema:
            continue  # a message has no form in a query
        description = schema.pop("description", "")
        yield {
            "name": field.json_name,
            "in": "query",
            "required": is_required(field),
            "description": description,
            "schema": schema,
        }


def _resource_patterns(types: Types) -> Iterator[str]:
    for message in types.messages.values():
        if message.options.HasExtension(resource_pb2.resource):
            yield from message.options.Extensions[resource_pb2.resource].pattern


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _first_sentence(comment: str) -> str:
    return re.split(r"(?<=[.!?])\s", " ".join(comment.split()), maxsplit=1)[0]
