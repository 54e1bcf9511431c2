from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from trustmesh.pki.v1 import intermediate_pb2 as _intermediate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateIntermediateRequest(_message.Message):
    __slots__ = ("intermediate_id",)
    INTERMEDIATE_ID_FIELD_NUMBER: _ClassVar[int]
    intermediate_id: str
    def __init__(self, intermediate_id: _Optional[str] = ...) -> None: ...

class InstallIntermediateRequest(_message.Message):
    __slots__ = ("name", "certificate_pem", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    certificate_pem: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., certificate_pem: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class GetIntermediateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListIntermediatesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListIntermediatesResponse(_message.Message):
    __slots__ = ("intermediates", "next_page_token")
    INTERMEDIATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    intermediates: _containers.RepeatedCompositeFieldContainer[_intermediate_pb2.Intermediate]
    next_page_token: str
    def __init__(self, intermediates: _Optional[_Iterable[_Union[_intermediate_pb2.Intermediate, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
