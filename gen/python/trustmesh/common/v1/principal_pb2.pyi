import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Principal(_message.Message):
    __slots__ = ("user", "client_id", "service")
    USER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    user: User
    client_id: str
    service: str
    def __init__(self, user: _Optional[_Union[User, _Mapping]] = ..., client_id: _Optional[str] = ..., service: _Optional[str] = ...) -> None: ...

class User(_message.Message):
    __slots__ = ("subject", "display_name", "email", "email_verified", "locale")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    subject: str
    display_name: str
    email: str
    email_verified: bool
    locale: str
    def __init__(self, subject: _Optional[str] = ..., display_name: _Optional[str] = ..., email: _Optional[str] = ..., email_verified: _Optional[bool] = ..., locale: _Optional[str] = ...) -> None: ...

class Claims(_message.Message):
    __slots__ = ("issuer", "subject", "audiences", "client_id", "orgs", "scopes", "assurance", "token_id", "issue_time", "expire_time")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AUDIENCES_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    ORGS_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    ASSURANCE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    subject: str
    audiences: _containers.RepeatedScalarFieldContainer[str]
    client_id: str
    orgs: _containers.RepeatedScalarFieldContainer[str]
    scopes: _containers.RepeatedScalarFieldContainer[str]
    assurance: _policy_pb2.Assurance
    token_id: str
    issue_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ..., audiences: _Optional[_Iterable[str]] = ..., client_id: _Optional[str] = ..., orgs: _Optional[_Iterable[str]] = ..., scopes: _Optional[_Iterable[str]] = ..., assurance: _Optional[_Union[_policy_pb2.Assurance, str]] = ..., token_id: _Optional[str] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
