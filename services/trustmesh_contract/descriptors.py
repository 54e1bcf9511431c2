"""Reads descriptor sets: the released one, comments by element, types by full name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    SourceCodeInfo,
)

OURS = "trustmesh/"
ALWAYS = "google/rpc/error_details.proto"
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6  # field numbers in FileDescriptorProto
_FIELD, _NESTED, _NESTED_ENUM = 2, 3, 4  # field numbers in DescriptorProto
_VALUE = _METHOD = 2  # field numbers in EnumDescriptorProto and ServiceDescriptorProto


def release(image: FileDescriptorSet) -> FileDescriptorSet:
    """The released set: our files, google/rpc/error_details.proto and all that they import, importers last.

    Of the source info only comments are kept, and of our own files only.
    """
    files = {file.name: file for file in image.file}
    result = FileDescriptorSet()
    for name in closure(files, [*sorted(name for name in files if name.startswith(OURS)), ALWAYS]):
        file = result.file.add()
        file.CopyFrom(files[name])
        kept = [each for each in file.source_code_info.location if each.leading_comments or each.trailing_comments]
        file.ClearField("source_code_info")
        if name.startswith(OURS):
            file.source_code_info.location.extend(
                SourceCodeInfo.Location(
                    path=each.path,
                    span=each.span,
                    leading_comments=each.leading_comments,
                    trailing_comments=each.trailing_comments,
                )
                for each in kept
            )
    return result


def closure(files: dict[str, FileDescriptorProto], roots: Iterable[str]) -> dict[str, None]:
    """The names of `roots` and everything they import, each after its own imports. Raises KeyError on an absent import."""
    order: dict[str, None] = {}
    for name in roots:
        if name not in order:
            order |= closure_of(files, name, order)
    return order


def closure_of(files: dict[str, FileDescriptorProto], name: str, known: dict[str, None]) -> dict[str, None]:
    order: dict[str, None] = {}
    for dependency in files[name].dependency:
        if dependency not in known and dependency not in order:
            order |= closure_of(files, dependency, known | order)
    order[name] = None
    return order


class Types:
    """Messages, enums and comments of a descriptor set by full name ("trustmesh.kms.v1.Key.name" for a field)."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self.files = files
        self.messages: dict[str, DescriptorProto] = {}
        self.enums: dict[str, EnumDescriptorProto] = {}
        self.comments: dict[str, str] = {}
        for file in files.file:
            self._read(file)

    def comment(self, name: str) -> str:
        """The comment of an element, lines joined as written; "" when it has none."""
        return self.comments.get(name, "")

    @cached_property
    def ours(self) -> list[FileDescriptorProto]:
        """Our own files, by name."""
        return sorted((file for file in self.files.file if file.name.startswith(OURS)), key=lambda file: file.name)

    def _read(self, file: FileDescriptorProto) -> None:
        comments = {tuple(each.path): each.leading_comments or each.trailing_comments for each in file.source_code_info.location}
        prefix = f"{file.package}." if file.package else ""
        for index, message in enumerate(file.message_type):
            self._read_message(f"{prefix}{message.name}", message, (_MESSAGE, index), comments)
        for index, enum in enumerate(file.enum_type):
            self._read_enum(f"{prefix}{enum.name}", enum, (_ENUM, index), comments)
        for index, service in enumerate(file.service):
            name = f"{prefix}{service.name}"
            self._note(name, (_SERVICE, index), comments)
            for number, method in enumerate(service.method):
                self._note(f"{name}.{method.name}", (_SERVICE, index, _METHOD, number), comments)

    def _read_message(
        self, name: str, message: DescriptorProto, path: tuple[int, ...], comments: dict[tuple[int, ...], str]
    ) -> None:
        self.messages[name] = message
        self._note(name, path, comments)
        for index, field in enumerate(message.field):
            self._note(f"{name}.{field.name}", (*path, _FIELD, index), comments)
        for index, nested in enumerate(message.nested_type):
            self._read_message(f"{name}.{nested.name}", nested, (*path, _NESTED, index), comments)
        for index, enum in enumerate(message.enum_type):
            self._read_enum(f"{name}.{enum.name}", enum, (*path, _NESTED_ENUM, index), comments)

    def _read_enum(
        self, name: str, enum: EnumDescriptorProto, path: tuple[int, ...], comments: dict[tuple[int, ...], str]
    ) -> None:
        self.enums[name] = enum
        self._note(name, path, comments)
        for index, value in enumerate(enum.value):
            self._note(f"{name}.{value.name}", (*path, _VALUE, index), comments)

    def _note(self, name: str, path: tuple[int, ...], comments: dict[tuple[int, ...], str]) -> None:
        if text := comments.get(path):
            self.comments[name] = "\n".join(line.strip() for line in text.strip().splitlines())
