from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from trustmesh.petstore.v1 import pet_pb2 as _pet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreatePetRequest(_message.Message):
    __slots__ = ("parent", "pet_id", "pet", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PET_ID_FIELD_NUMBER: _ClassVar[int]
    PET_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    pet_id: str
    pet: _pet_pb2.Pet
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., pet_id: _Optional[str] = ..., pet: _Optional[_Union[_pet_pb2.Pet, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetPetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListPetsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter", "order_by")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListPetsResponse(_message.Message):
    __slots__ = ("pets", "next_page_token")
    PETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pets: _containers.RepeatedCompositeFieldContainer[_pet_pb2.Pet]
    next_page_token: str
    def __init__(self, pets: _Optional[_Iterable[_Union[_pet_pb2.Pet, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdatePetRequest(_message.Message):
    __slots__ = ("pet", "update_mask")
    PET_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    pet: _pet_pb2.Pet
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, pet: _Optional[_Union[_pet_pb2.Pet, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class DeletePetRequest(_message.Message):
    __slots__ = ("name", "etag", "validate_only")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    validate_only: bool
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class RestockPetRequest(_message.Message):
    __slots__ = ("name", "quantity", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    quantity: int
    etag: str
    def __init__(self, name: _Optional[str] = ..., quantity: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...

class SearchPetsRequest(_message.Message):
    __slots__ = ("parent", "query", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    query: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., query: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchPetsResponse(_message.Message):
    __slots__ = ("pets", "next_page_token")
    PETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pets: _containers.RepeatedCompositeFieldContainer[_pet_pb2.Pet]
    next_page_token: str
    def __init__(self, pets: _Optional[_Iterable[_Union[_pet_pb2.Pet, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
