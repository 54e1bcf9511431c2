"""Envoy's own errors in the one shape of the mesh's: google.rpc.Status with an ErrorInfo, as JSON or as gRPC's trailers."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from envoy.extensions.access_loggers.filters.cel.v3.cel_pb2 import ExpressionFilter
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import LocalReplyConfig
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from trustmesh_registry.gateway.protos import Fields, extension, wrapped

DOMAIN = "trustmesh"
GUARD = "trustmesh.guard"
_OWN_WORDS = "%LOCAL_REPLY_BODY%"
_REQUEST_ID = "%REQUEST_HEADER(X-REQUEST-ID)%"


@dataclass(frozen=True, slots=True)
class Reply:
    """What one HTTP status of Envoy's means, in our words: Envoy's own tell too much, or too little."""

    http: int
    code: int
    reason: str
    catalogue: str
    says: str


REPLIES = (
    Reply(400, code_pb2.INVALID_ARGUMENT, "INVALID_REQUEST", "VAL_001", "The request is not valid."),
    Reply(401, code_pb2.UNAUTHENTICATED, "UNAUTHENTICATED", "AUTH_001", "The call needs a valid access token."),
    Reply(403, code_pb2.PERMISSION_DENIED, "PERMISSION_DENIED", "AUTH_002", "The gateway does not allow this request."),
    Reply(404, code_pb2.UNIMPLEMENTED, "UNKNOWN_METHOD", "SVC_004", "No method of the mesh has this path."),
    Reply(405, code_pb2.UNIMPLEMENTED, "UNKNOWN_METHOD", "SVC_004", "The path does not take this HTTP method."),
    Reply(408, code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "SVC_002", "The request took too long to arrive."),
    Reply(413, code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "RATE_001", "The request's body is too large."),
    Reply(415, code_pb2.INVALID_ARGUMENT, "INVALID_REQUEST", "VAL_001", "The request's body must be application/json."),
    Reply(421, code_pb2.UNIMPLEMENTED, "UNKNOWN_HOST", "SVC_004", "The gateway does not answer for this host name."),
    Reply(429, code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED", "RATE_001", "Too many requests; slow down."),
    Reply(431, code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "RATE_001", "The request's header fields are too large."),
    Reply(500, code_pb2.INTERNAL, "INTERNAL", "INT_001", "Something failed that should not."),
    Reply(501, code_pb2.UNIMPLEMENTED, "UNKNOWN_METHOD", "SVC_004", "The gateway cannot do this."),
    Reply(502, code_pb2.UNAVAILABLE, "SERVICE_UNAVAILABLE", "SVC_001", "The service gave no valid answer."),
    Reply(503, code_pb2.UNAVAILABLE, "SERVICE_UNAVAILABLE", "SVC_001", "The service is not available now."),
    Reply(504, code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "SVC_002", "The service did not answer in time."),
)


def local_replies(headers: list[Fields]) -> LocalReplyConfig:
    """How every answer that Envoy makes itself looks; `headers` go on each of them."""
    unauthenticated = next(reply for reply in REPLIES if reply.http == 401)
    mappers = [_refused_body(headers), _refused_transcoding(headers), *_refused_token(unauthenticated, headers)]
    for reply in REPLIES:
        mappers.append(_grpc(reply, headers))
        mappers.append(_json(reply, headers))
    return LocalReplyConfig(mappers=mappers, body_format=_fixed(_OTHER))


_INVALID = REPLIES[0]
_OTHER = Reply(0, code_pb2.UNKNOWN, "UNKNOWN", "INT_001", "The gateway could not serve the request.")


def _json(reply: Reply, headers: list[Fields]) -> Fields:
    return {
        "filter": _status_is(reply.http),
        "body_format_override": _fixed(reply),
        "headers_to_add": headers + _retry_after(reply),
    }


def _grpc(reply: Reply, headers: list[Fields]) -> Fields:
    info = error_details_pb2.ErrorInfo(reason=reply.reason, domain=DOMAIN, metadata={"code": reply.catalogue})
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=reply.code, message=reply.says, details=[detail])
    trailers = {
        "grpc-status": str(reply.code),
        "grpc-status-details-bin": base64.b64encode(status.SerializeToString(deterministic=True)).decode().rstrip("="),
    }
    return {
        "filter": {"and_filter": {"filters": [_status_is(reply.http), _IS_GRPC]}},
        "body_format_override": {"text_format_source": {"inline_string": reply.says}},
        "headers_to_add": headers + _retry_after(reply) + [header(name, value) for name, value in trailers.items()],
    }


def _refused_body(headers: list[Fields]) -> Fields:
    """What guard.lua refused, with the field that it named."""
    violation = {"field": _guard_says("field"), "description": _guard_says("description")}
    body = _body(_INVALID, _OWN_WORDS) | {"code": _guard_says("code")}
    body["details"].append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    return {
        "filter": _guard_said("field"),
        "body_format_override": {"json_format": body, "content_type": "application/json"},
        "headers_to_add": headers,
    }


def _refused_transcoding(headers: list[Fields]) -> Fields:
    """What the transcoder could not make a message of, in its words, which name the value."""
    body = _body(_INVALID, _OWN_WORDS) | {"code": _guard_says("code")}
    return {
        "filter": {"and_filter": {"filters": [_status_is(_INVALID.http), _guard_said("code")]}},
        "body_format_override": {"json_format": body, "content_type": "application/json"},
        "headers_to_add": headers,
    }


def _refused_token(reply: Reply, headers: list[Fields]) -> list[Fields]:
    """A token for another audience is no token here: Envoy says 403 to it, a resource server says 401 (RFC 6750)."""
    by_jwt = ExpressionFilter(expression='response.code_details.startsWith("jwt_authn")')
    refused = [_status_is(403), {"extension_filter": extension("envoy.access_loggers.extension_filters.cel", by_jwt)}]
    challenge = [header("www-authenticate", 'Bearer error="invalid_token"')]
    mappers = [_grpc(reply, headers), _json(reply, headers)]
    for mapper, others in zip(mappers, ([_IS_GRPC], []), strict=True):
        mapper["filter"] = {"and_filter": {"filters": refused + others}}
        mapper["headers_to_add"] = mapper["headers_to_add"] + challenge
        mapper["status_code"] = wrapped(reply.http)
    return mappers


def _body(reply: Reply, message: str) -> Fields:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reply.reason,
        "domain": DOMAIN,
        "metadata": {"code": reply.catalogue},
    }
    request = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": _REQUEST_ID}
    return {"code": reply.code, "message": message, "details": [info, request]}


def _fixed(reply: Reply) -> Fields:
    # Not json_format, which would make a string of the number.
    text = json.dumps(_body(reply, reply.says), separators=(",", ":")) + "\n"
    return {"text_format_source": {"inline_string": text}, "content_type": "application/json"}


def header(name: str, value: str, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Fields:
    return {"header": {"key": name, "value": value}, "append_action": action}


def _retry_after(reply: Reply) -> list[Fields]:
    return [header("retry-after", "1", "ADD_IF_ABSENT")] if reply.http in (429, 503) else []


def _status_is(http: int) -> Fields:
    value = {"default_value": http, "runtime_key": f"trustmesh.status.{http}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _guard_says(key: str) -> str:
    return f"%DYNAMIC_METADATA({GUARD}:{key})%"


def _guard_said(key: str) -> Fields:
    present = {"filter": GUARD, "path": [{"key": key}], "value": {"present_match": True}}
    return {"metadata_filter": {"matcher": present, "match_if_key_not_found": wrapped(False)}}


def _header_is(match: Fields) -> Fields:
    return {"header_filter": {"header": match}}


# A transcoded request looks like gRPC from the transcoder on; it keeps its old path in a field that no client can send.
_IS_GRPC: Fields = {
    "and_filter": {
        "filters": [
            _header_is({"name": "content-type", "string_match": {"prefix": "application/grpc"}}),
            _header_is({"name": "x-envoy-original-path", "present_match": False}),
        ]
    }
}
