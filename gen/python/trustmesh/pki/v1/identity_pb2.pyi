import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trustmesh.pki.v1 import trust_bundle_pb2 as _trust_bundle_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Identity(_message.Message):
    __slots__ = ("name", "service", "spiffe_id", "cause", "intermediate", "certificate_pem", "create_time", "expire_time")
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[Identity.Cause]
        CAUSE_JOIN: _ClassVar[Identity.Cause]
        CAUSE_RENEWAL: _ClassVar[Identity.Cause]
        CAUSE_SELF: _ClassVar[Identity.Cause]
    CAUSE_UNSPECIFIED: Identity.Cause
    CAUSE_JOIN: Identity.Cause
    CAUSE_RENEWAL: Identity.Cause
    CAUSE_SELF: Identity.Cause
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SPIFFE_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    INTERMEDIATE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    service: str
    spiffe_id: str
    cause: Identity.Cause
    intermediate: str
    certificate_pem: str
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., service: _Optional[str] = ..., spiffe_id: _Optional[str] = ..., cause: _Optional[_Union[Identity.Cause, str]] = ..., intermediate: _Optional[str] = ..., certificate_pem: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IssuedIdentity(_message.Message):
    __slots__ = ("identity", "spiffe_id", "certificate_chain_pem", "trust_bundle", "expire_time", "renew_time")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SPIFFE_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_CHAIN_PEM_FIELD_NUMBER: _ClassVar[int]
    TRUST_BUNDLE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    RENEW_TIME_FIELD_NUMBER: _ClassVar[int]
    identity: str
    spiffe_id: str
    certificate_chain_pem: str
    trust_bundle: _trust_bundle_pb2.TrustBundle
    expire_time: _timestamp_pb2.Timestamp
    renew_time: _timestamp_pb2.Timestamp
    def __init__(self, identity: _Optional[str] = ..., spiffe_id: _Optional[str] = ..., certificate_chain_pem: _Optional[str] = ..., trust_bundle: _Optional[_Union[_trust_bundle_pb2.TrustBundle, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., renew_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
