"""Envoy's own errors in the one shape of the mesh's: google.rpc.Status with an ErrorInfo, as JSON or as gRPC's trailers."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from envoy.extensions.access_loggers.filters.cel.v3.cel_pb2 import ExpressionFilter
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import LocalReplyConfig
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from trustmesh_chassis import errors
from trustmesh_registry.gateway.protos import Fields, extension, wrapped

DOMAIN = "trustmesh"
GUARD = "trustmesh.guard"
_OWN_WORDS = "%LOCAL_REPLY_BODY%"
_REQUEST_ID = "%REQUEST_HEADER(X-REQUEST-ID)%"


@dataclass(frozen=True, slots=True)
class Reply:
    """What one HTTP status of Envoy's means, in our words: Envoy's own tell too much, or too little."""

    http: int
    error: type[errors.CallError]
    says: str


REPLIES = (
    Reply(400, errors.InvalidArgument, "The request is not valid."),
    Reply(401, errors.Unauthenticated, "The call needs a valid access token."),
    Reply(403, errors.PermissionDenied, "The gateway does not allow this request."),
    Reply(404, errors.Unimplemented, "No method of the mesh has this path."),
    Reply(405, errors.Unimplemented, "The path does not take this HTTP method."),
    Reply(408, errors.DeadlineExceeded, "The request took too long to arrive."),
    Reply(413, errors.ResourceExhausted, "The request's body is too large."),
    Reply(415, errors.InvalidArgument, "The request's body must be application/json."),
    Reply(421, errors.Unimplemented, "The gateway does not answer for this host name."),
    Reply(429, errors.ResourceExhausted, "Too many requests; slow down."),
    Reply(431, errors.ResourceExhausted, "The request's header fields are too large."),
    Reply(500, errors.Internal, "Something failed that should not."),
    Reply(501, errors.Unimplemented, "The gateway cannot do this."),
    Reply(502, errors.Unavailable, "The service gave no valid answer."),
    Reply(503, errors.Unavailable, "The service is not available now."),
    Reply(504, errors.DeadlineExceeded, "The service did not answer in time."),
)
_INVALID, _UNAUTHENTICATED = REPLIES[:2]
_OTHER = Reply(0, errors.Internal, "The gateway could not serve the request.")


def local_replies(headers: list[Fields]) -> LocalReplyConfig:
    """How every answer that Envoy makes itself looks; `headers` go on each of them."""
    mappers = [_refused_body(headers), _refused_transcoding(headers), *_refused_token(headers)]
    for reply in REPLIES:
        mappers.append(_grpc(reply, headers))
        mappers.append(_json(reply, headers))
    return LocalReplyConfig(mappers=mappers, body_format=_fixed(_OTHER))


def _json(reply: Reply, headers: list[Fields]) -> Fields:
    return {
        "filter": _status_is(reply.http),
        "body_format_override": _fixed(reply),
        "headers_to_add": headers + _retry_after(reply),
    }


def _grpc(reply: Reply, headers: list[Fields]) -> Fields:
    info = error_details_pb2.ErrorInfo(reason=reply.error.reason, domain=DOMAIN, metadata={"code": reply.error.code})
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=reply.error.status, message=reply.says, details=[detail])
    trailers = {
        "grpc-status": str(int(reply.error.status)),
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


def _refused_token(headers: list[Fields]) -> list[Fields]:
    """A token for another audience is no token here: Envoy says 403 to it, a resource server says 401 (RFC 6750)."""
    by_jwt = ExpressionFilter(expression='response.code_details.startsWith("jwt_authn")')
    refused = [_status_is(403), {"extension_filter": extension("envoy.access_loggers.extension_filters.cel", by_jwt)}]
    challenge = [header("www-authenticate", 'Bearer error="invalid_token"')]
    mappers = [_grpc(_UNAUTHENTICATED, headers), _json(_UNAUTHENTICATED, headers)]
    for mapper, others in zip(mappers, ([_IS_GRPC], []), strict=True):
        mapper["filter"] = {"and_filter": {"filters": refused + others}}
        mapper["headers_to_add"] = mapper["headers_to_add"] + challenge
        mapper["status_code"] = wrapped(_UNAUTHENTICATED.http)
    return mappers


def _body(reply: Reply, message: str) -> Fields:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reply.error.reason,
        "domain": DOMAIN,
        "metadata": {"code": reply.error.code},
    }
    request = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": _REQUEST_ID}
    return {"code": int(reply.error.status), "message": message, "details": [info, request]}


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
