from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor
from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
CATALOGUE_FIELD_NUMBER: _ClassVar[int]
catalogue: _ExtensionFieldDescriptor[_descriptor_pb2.EnumValueOptions, CatalogueEntry]

class CatalogueEntry(_message.Message):
    __slots__ = ("code", "status", "mend")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MEND_FIELD_NUMBER: _ClassVar[int]
    code: str
    status: str
    mend: str
    def __init__(self, code: _Optional[str] = ..., status: _Optional[str] = ..., mend: _Optional[str] = ...) -> None: ...
