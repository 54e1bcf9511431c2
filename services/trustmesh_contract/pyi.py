"""Corrects protoc's .pyi files: an extension there is a bare FieldDescriptor, which says neither what it extends nor its type."""

from __future__ import annotations

import re

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

_IMPORT = "from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor\n"


def type_extensions(file: FileDescriptorProto, stub: str) -> str:
    """Return the stub with the type of each of the file's own message-typed extensions written out."""
    for extension in file.extension:
        if extension.type == FieldDescriptorProto.TYPE_MESSAGE:
            container = f"_descriptor_pb2.{extension.extendee.rpartition('.')[2]}"
            typed = f"{extension.name}: _ExtensionFieldDescriptor[{container}, {extension.type_name.rpartition('.')[2]}]"
            stub = re.sub(rf"^{extension.name}: _descriptor\.FieldDescriptor$", typed, stub, flags=re.MULTILINE)
    return _IMPORT + stub if file.extension else stub
