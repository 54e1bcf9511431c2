from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from buf.validate import validate_pb2
from trustmesh_contract.generate import validate_descriptor
from trustmesh_contract.source import write_source

PROTO2 = """
syntax = "proto2";
package old.v1;
import public "google/protobuf/descriptor.proto";
option java_package = "old";
extend google.protobuf.FieldOptions { optional string hint = 50999; optional Old old = 50998; }
message Old {
  option deprecated = true;
  required string name = 1 [default = "a\\"\\\\b"];
  optional int32 size = 2 [default = 7, deprecated = true];
  repeated Kind kinds = 3;
  map<string, Inner> inners = 4 [(hint) = "one\\n\\\\two"];
  oneof choice { string text = 5; Inner inner = 6 [(old) = {name: "x" size: 3}]; bytes raw = 7 [default = "\\001a"]; }
  message Inner { optional bool on = 1; enum Deep { DEEP_ZERO = 0; } }
  enum Kind { option allow_alias = true; KIND_ZERO = 0; KIND_NULL = 0 [deprecated = true]; reserved 5 to 7; reserved "X"; }
  extensions 100 to 200 [declaration = {number: 100 full_name: ".old.v1.x" type: "int32"}];
  extensions 1000 to max;
  reserved 20, 30 to 40;
  reserved "gone";
  extend Old { optional float weight = 1000; }
}
"""
PROTO3 = """
syntax = "proto3";
package new.v1;
message New { optional string maybe = 1; int32 plain = 2; oneof choice { string a = 3; int32 b = 4; } repeated bytes many = 5; }
"""


def compiled(directory: Path, name: str, source: str) -> FileDescriptorProto:
    (directory / name).write_text(source)
    include = Path(str(protoc.__file__)).parent / "_proto"
    out = directory / "out.binpb"
    assert protoc.main(["protoc", f"-I{directory}", f"-I{include}", f"--descriptor_set_out={out}", name]) == 0
    return FileDescriptorSet.FromString(out.read_bytes()).file[0]


@pytest.mark.parametrize("source", [PROTO2, PROTO3], ids=["proto2", "proto3"])
def test_compiles_to_the_descriptor_it_was_written_from(tmp_path: Path, source: str) -> None:
    wanted = compiled(tmp_path, "x.proto", source)
    wanted_again = FileDescriptorProto.FromString(wanted.SerializeToString())
    if "hint" in source:  # its options are extensions of its own, unknown to this process and so not written
        for message in (wanted_again, wanted):
            message.message_type[0].field[3].ClearField("options")
            message.message_type[0].field[5].ClearField("options")
    assert compiled(tmp_path, "x.proto", write_source(wanted)) == wanted_again


def test_writes_the_rules_that_protovalidate_evaluates(tmp_path: Path) -> None:
    written = compiled(tmp_path, "validate.proto", write_source(validate_descriptor()))
    wanted = FileDescriptorProto.FromString(validate_descriptor().SerializeToString())
    written.name = wanted.name
    assert written == wanted


def test_the_generated_rules_are_those() -> None:
    generated = FileDescriptorProto()
    validate_pb2.DESCRIPTOR.CopyToProto(generated)
    assert [message.name for message in generated.message_type] == [m.name for m in validate_descriptor().message_type]


def test_scalar_options_are_written() -> None:
    file = FileDescriptorProto(name="x.proto", syntax="proto3")
    file.options.java_multiple_files = True
    file.options.optimize_for = descriptor_pb2.FileOptions.CODE_SIZE
    text = write_source(file)
    assert "option java_multiple_files = true;" in text
    assert "option optimize_for = CODE_SIZE;" in text


@pytest.mark.parametrize(
    "file",
    [
        FileDescriptorProto(name="e.proto", syntax="editions", edition=descriptor_pb2.EDITION_2023),
        FileDescriptorProto(name="s.proto", service=[descriptor_pb2.ServiceDescriptorProto(name="S")]),
        FileDescriptorProto(
            name="g.proto",
            message_type=[
                descriptor_pb2.DescriptorProto(
                    name="M",
                    field=[descriptor_pb2.FieldDescriptorProto(name="g", type=descriptor_pb2.FieldDescriptorProto.TYPE_GROUP)],
                )
            ],
        ),
    ],
    ids=["editions", "services", "groups"],
)
def test_refuses(file: FileDescriptorProto) -> None:
    with pytest.raises(ValueError, match="written as source"):
        write_source(file)


def test_bytes_options_are_escaped(compile_proto: Callable[[str], FileDescriptorSet]) -> None:
    source = 'message M { bytes b = 1 [(buf.validate.field).bytes.prefix = "\\x01\\xff"]; }'
    file = next(each for each in compile_proto(source).file if each.package == "trustmesh.shop.v1")
    assert "prefix" in write_source(file)
