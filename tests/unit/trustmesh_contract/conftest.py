"""Contracts written in the test that needs them, compiled against the released descriptor set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

RELEASED = Path(__file__).parents[3] / "gen/descriptors/trustmesh.binpb"
HEAD = """
syntax = "proto3";
package trustmesh.shop.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/longrunning/operations_proto.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/any.proto";
import "trustmesh/options/v1/policy.proto";
"""

Compile = Callable[[str], FileDescriptorSet]


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trustmesh_contract.generate import place_third_party

    path = tmp_path_factory.mktemp("protos")
    place_third_party(path)
    return path


@pytest.fixture
def compile_proto(tmp_path: Path, third_party: Path) -> Compile:
    """Compile source (without its head) as trustmesh/shop/v1/shop.proto; the set has its imports and comments."""

    def run(source: str) -> FileDescriptorSet:
        path = tmp_path / "trustmesh/shop/v1/shop.proto"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + source)
        out = tmp_path / "out.binpb"
        roots = [f"-I{tmp_path}", f"-I{RELEASED.parents[2] / 'proto'}", f"-I{third_party}", f"-I{well_known()}"]
        flags = ["--include_imports", "--include_source_info", f"--descriptor_set_out={out}"]
        assert protoc.main(["protoc", *roots, *flags, "trustmesh/shop/v1/shop.proto"]) == 0
        return FileDescriptorSet.FromString(out.read_bytes())

    return run


def well_known() -> Path:
    return Path(str(protoc.__file__)).parent / "_proto"


@pytest.fixture(scope="session")
def released() -> FileDescriptorSet:
    return FileDescriptorSet.FromString(RELEASED.read_bytes())
