import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Node(_message.Message):
    __slots__ = ("name", "create_time", "update_time", "etag", "kind", "service", "user_agent", "streams")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Node.Kind]
        KIND_ENVOY: _ClassVar[Node.Kind]
        KIND_GRPC: _ClassVar[Node.Kind]
    KIND_UNSPECIFIED: Node.Kind
    KIND_ENVOY: Node.Kind
    KIND_GRPC: Node.Kind
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    kind: Node.Kind
    service: str
    user_agent: str
    streams: _containers.RepeatedCompositeFieldContainer[NodeStream]
    def __init__(self, name: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., kind: _Optional[_Union[Node.Kind, str]] = ..., service: _Optional[str] = ..., user_agent: _Optional[str] = ..., streams: _Optional[_Iterable[_Union[NodeStream, _Mapping]]] = ...) -> None: ...

class NodeStream(_message.Message):
    __slots__ = ("connect_time", "subscriptions")
    CONNECT_TIME_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    connect_time: _timestamp_pb2.Timestamp
    subscriptions: _containers.RepeatedCompositeFieldContainer[NodeSubscription]
    def __init__(self, connect_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., subscriptions: _Optional[_Iterable[_Union[NodeSubscription, _Mapping]]] = ...) -> None: ...

class NodeSubscription(_message.Message):
    __slots__ = ("type", "resource_names", "sent_version", "acknowledged_version", "refusal", "sent_time", "answer_time", "refusals")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_NAMES_FIELD_NUMBER: _ClassVar[int]
    SENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_VERSION_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    SENT_TIME_FIELD_NUMBER: _ClassVar[int]
    ANSWER_TIME_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    type: str
    resource_names: _containers.RepeatedScalarFieldContainer[str]
    sent_version: str
    acknowledged_version: str
    refusal: str
    sent_time: _timestamp_pb2.Timestamp
    answer_time: _timestamp_pb2.Timestamp
    refusals: int
    def __init__(self, type: _Optional[str] = ..., resource_names: _Optional[_Iterable[str]] = ..., sent_version: _Optional[str] = ..., acknowledged_version: _Optional[str] = ..., refusal: _Optional[str] = ..., sent_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answer_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refusals: _Optional[int] = ...) -> None: ...

class NodeConfiguration(_message.Message):
    __slots__ = ("name", "resources")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    name: str
    resources: _containers.RepeatedCompositeFieldContainer[NodeResource]
    def __init__(self, name: _Optional[str] = ..., resources: _Optional[_Iterable[_Union[NodeResource, _Mapping]]] = ...) -> None: ...

class NodeResource(_message.Message):
    __slots__ = ("type", "name", "version", "json", "omitted")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELD_NUMBER: _ClassVar[int]
    type: str
    name: str
    version: str
    json: str
    omitted: bool
    def __init__(self, type: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., json: _Optional[str] = ..., omitted: _Optional[bool] = ...) -> None: ...
