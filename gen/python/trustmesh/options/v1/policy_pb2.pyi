from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor
import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Audience(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIENCE_UNSPECIFIED: _ClassVar[Audience]
    AUDIENCE_SERVICE: _ClassVar[Audience]
    AUDIENCE_BROWSER: _ClassVar[Audience]

class Assurance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSURANCE_UNSPECIFIED: _ClassVar[Assurance]
    ASSURANCE_SINGLE_FACTOR: _ClassVar[Assurance]
    ASSURANCE_MULTI_FACTOR: _ClassVar[Assurance]
    ASSURANCE_PHISHING_RESISTANT: _ClassVar[Assurance]

class RateClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RATE_CLASS_UNSPECIFIED: _ClassVar[RateClass]
    RATE_CLASS_READ: _ClassVar[RateClass]
    RATE_CLASS_WRITE: _ClassVar[RateClass]
    RATE_CLASS_CRYPTO: _ClassVar[RateClass]
    RATE_CLASS_AUTHENTICATION: _ClassVar[RateClass]
    RATE_CLASS_EXPENSIVE: _ClassVar[RateClass]

class AuditClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_CLASS_UNSPECIFIED: _ClassVar[AuditClass]
    AUDIT_CLASS_NONE: _ClassVar[AuditClass]
    AUDIT_CLASS_DENIALS: _ClassVar[AuditClass]
    AUDIT_CLASS_OUTCOME: _ClassVar[AuditClass]
    AUDIT_CLASS_REQUEST: _ClassVar[AuditClass]
AUDIENCE_UNSPECIFIED: Audience
AUDIENCE_SERVICE: Audience
AUDIENCE_BROWSER: Audience
ASSURANCE_UNSPECIFIED: Assurance
ASSURANCE_SINGLE_FACTOR: Assurance
ASSURANCE_MULTI_FACTOR: Assurance
ASSURANCE_PHISHING_RESISTANT: Assurance
RATE_CLASS_UNSPECIFIED: RateClass
RATE_CLASS_READ: RateClass
RATE_CLASS_WRITE: RateClass
RATE_CLASS_CRYPTO: RateClass
RATE_CLASS_AUTHENTICATION: RateClass
RATE_CLASS_EXPENSIVE: RateClass
AUDIT_CLASS_UNSPECIFIED: AuditClass
AUDIT_CLASS_NONE: AuditClass
AUDIT_CLASS_DENIALS: AuditClass
AUDIT_CLASS_OUTCOME: AuditClass
AUDIT_CLASS_REQUEST: AuditClass
POLICY_FIELD_NUMBER: _ClassVar[int]
policy: _ExtensionFieldDescriptor[_descriptor_pb2.MethodOptions, MethodPolicy]
SERVICE_POLICY_FIELD_NUMBER: _ClassVar[int]
service_policy: _ExtensionFieldDescriptor[_descriptor_pb2.ServiceOptions, ServicePolicy]

class MethodPolicy(_message.Message):
    __slots__ = ("public", "permission", "mesh", "rate_class", "timeout", "audit", "reasons")
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    MESH_FIELD_NUMBER: _ClassVar[int]
    RATE_CLASS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    public: Public
    permission: Permission
    mesh: Mesh
    rate_class: RateClass
    timeout: _duration_pb2.Duration
    audit: AuditClass
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, public: _Optional[_Union[Public, _Mapping]] = ..., permission: _Optional[_Union[Permission, _Mapping]] = ..., mesh: _Optional[_Union[Mesh, _Mapping]] = ..., rate_class: _Optional[_Union[RateClass, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., audit: _Optional[_Union[AuditClass, str]] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class Public(_message.Message):
    __slots__ = ("why",)
    WHY_FIELD_NUMBER: _ClassVar[int]
    why: str
    def __init__(self, why: _Optional[str] = ...) -> None: ...

class Permission(_message.Message):
    __slots__ = ("name", "resource_field", "assurance", "callers", "audiences", "forwarders")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_FIELD_NUMBER: _ClassVar[int]
    ASSURANCE_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    AUDIENCES_FIELD_NUMBER: _ClassVar[int]
    FORWARDERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    resource_field: str
    assurance: Assurance
    callers: _containers.RepeatedScalarFieldContainer[str]
    audiences: _containers.RepeatedScalarFieldContainer[Audience]
    forwarders: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., resource_field: _Optional[str] = ..., assurance: _Optional[_Union[Assurance, str]] = ..., callers: _Optional[_Iterable[str]] = ..., audiences: _Optional[_Iterable[_Union[Audience, str]]] = ..., forwarders: _Optional[_Iterable[str]] = ...) -> None: ...

class Mesh(_message.Message):
    __slots__ = ("callers",)
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    callers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, callers: _Optional[_Iterable[str]] = ...) -> None: ...

class ServicePolicy(_message.Message):
    __slots__ = ("http_mounts",)
    HTTP_MOUNTS_FIELD_NUMBER: _ClassVar[int]
    http_mounts: _containers.RepeatedCompositeFieldContainer[HttpMount]
    def __init__(self, http_mounts: _Optional[_Iterable[_Union[HttpMount, _Mapping]]] = ...) -> None: ...

class HttpMount(_message.Message):
    __slots__ = ("path", "methods", "why", "rate_class", "cross_origin")
    PATH_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    RATE_CLASS_FIELD_NUMBER: _ClassVar[int]
    CROSS_ORIGIN_FIELD_NUMBER: _ClassVar[int]
    path: str
    methods: _containers.RepeatedScalarFieldContainer[str]
    why: str
    rate_class: RateClass
    cross_origin: bool
    def __init__(self, path: _Optional[str] = ..., methods: _Optional[_Iterable[str]] = ..., why: _Optional[str] = ..., rate_class: _Optional[_Union[RateClass, str]] = ..., cross_origin: _Optional[bool] = ...) -> None: ...
