import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Gateway(_message.Message):
    __slots__ = ("name", "host_names", "issuer", "audience", "cors_origins", "max_body_bytes", "rate_limits", "callers_counted", "circuit_breaker", "problems")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_NAMES_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    CORS_ORIGINS_FIELD_NUMBER: _ClassVar[int]
    MAX_BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    CALLERS_COUNTED_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_BREAKER_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    host_names: _containers.RepeatedScalarFieldContainer[str]
    issuer: str
    audience: str
    cors_origins: _containers.RepeatedScalarFieldContainer[str]
    max_body_bytes: int
    rate_limits: _containers.RepeatedCompositeFieldContainer[RateLimit]
    callers_counted: bool
    circuit_breaker: CircuitBreaker
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., host_names: _Optional[_Iterable[str]] = ..., issuer: _Optional[str] = ..., audience: _Optional[str] = ..., cors_origins: _Optional[_Iterable[str]] = ..., max_body_bytes: _Optional[int] = ..., rate_limits: _Optional[_Iterable[_Union[RateLimit, _Mapping]]] = ..., callers_counted: _Optional[bool] = ..., circuit_breaker: _Optional[_Union[CircuitBreaker, _Mapping]] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ("rate_class", "requests", "interval")
    RATE_CLASS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    rate_class: _policy_pb2.RateClass
    requests: int
    interval: _duration_pb2.Duration
    def __init__(self, rate_class: _Optional[_Union[_policy_pb2.RateClass, str]] = ..., requests: _Optional[int] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CircuitBreaker(_message.Message):
    __slots__ = ("max_connections", "max_requests", "max_pending_requests", "retry_budget_percent")
    MAX_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_PENDING_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    RETRY_BUDGET_PERCENT_FIELD_NUMBER: _ClassVar[int]
    max_connections: int
    max_requests: int
    max_pending_requests: int
    retry_budget_percent: int
    def __init__(self, max_connections: _Optional[int] = ..., max_requests: _Optional[int] = ..., max_pending_requests: _Optional[int] = ..., retry_budget_percent: _Optional[int] = ...) -> None: ...
