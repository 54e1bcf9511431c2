import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Route(_message.Message):
    __slots__ = ("name", "service", "method", "protocol", "verbs", "path", "permission", "public_why", "rate_class", "timeout", "retried")
    class Protocol(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PROTOCOL_UNSPECIFIED: _ClassVar[Route.Protocol]
        PROTOCOL_GRPC: _ClassVar[Route.Protocol]
        PROTOCOL_REST: _ClassVar[Route.Protocol]
        PROTOCOL_HTTP: _ClassVar[Route.Protocol]
    PROTOCOL_UNSPECIFIED: Route.Protocol
    PROTOCOL_GRPC: Route.Protocol
    PROTOCOL_REST: Route.Protocol
    PROTOCOL_HTTP: Route.Protocol
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    VERBS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_WHY_FIELD_NUMBER: _ClassVar[int]
    RATE_CLASS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    RETRIED_FIELD_NUMBER: _ClassVar[int]
    name: str
    service: str
    method: str
    protocol: Route.Protocol
    verbs: _containers.RepeatedScalarFieldContainer[str]
    path: str
    permission: str
    public_why: str
    rate_class: _policy_pb2.RateClass
    timeout: _duration_pb2.Duration
    retried: bool
    def __init__(self, name: _Optional[str] = ..., service: _Optional[str] = ..., method: _Optional[str] = ..., protocol: _Optional[_Union[Route.Protocol, str]] = ..., verbs: _Optional[_Iterable[str]] = ..., path: _Optional[str] = ..., permission: _Optional[str] = ..., public_why: _Optional[str] = ..., rate_class: _Optional[_Union[_policy_pb2.RateClass, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retried: _Optional[bool] = ...) -> None: ...
