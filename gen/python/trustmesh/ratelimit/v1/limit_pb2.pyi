import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CountedBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COUNTED_BY_UNSPECIFIED: _ClassVar[CountedBy]
    COUNTED_BY_PRINCIPAL: _ClassVar[CountedBy]
    COUNTED_BY_ORGANIZATION: _ClassVar[CountedBy]
    COUNTED_BY_ADDRESS: _ClassVar[CountedBy]
COUNTED_BY_UNSPECIFIED: CountedBy
COUNTED_BY_PRINCIPAL: CountedBy
COUNTED_BY_ORGANIZATION: CountedBy
COUNTED_BY_ADDRESS: CountedBy

class Limit(_message.Message):
    __slots__ = ("rate_class", "counted_by", "requests", "window")
    RATE_CLASS_FIELD_NUMBER: _ClassVar[int]
    COUNTED_BY_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    rate_class: _policy_pb2.RateClass
    counted_by: CountedBy
    requests: int
    window: _duration_pb2.Duration
    def __init__(self, rate_class: _Optional[_Union[_policy_pb2.RateClass, str]] = ..., counted_by: _Optional[_Union[CountedBy, str]] = ..., requests: _Optional[int] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
