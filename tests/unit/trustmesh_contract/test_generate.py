from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest
from google.protobuf.compiler import plugin_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from trustmesh_contract import breaking, plugin, render, wheels
from trustmesh_contract.contract import read_contract
from trustmesh_contract.descriptors import Types, release
from trustmesh_contract.generate import differences, place_third_party, put_in_place
from trustmesh_contract.pyi import type_extensions
from trustmesh_contract.reference import pages

ROOT = Path(__file__).parents[3]
SHOP = """
// Things.
service ThingService {
  // Gets a thing.
  rpc GetThing(Thing) returns (Thing) {
    option (google.api.http) = {get: "/v1/{name=things/*}"};
    option (trustmesh.options.v1.policy) = {
      permission: {name: "shop.things.get" assurance: ASSURANCE_MULTI_FACTOR callers: "kms" forwarders: "kms"}
      rate_class: RATE_CLASS_READ timeout: {seconds: 2} audit: AUDIT_CLASS_DENIALS reasons: "GONE"};
  }
  // Talks about things.
  rpc Talk(stream Thing) returns (stream Thing) {
    option (trustmesh.options.v1.policy) = {
      mesh: {callers: "kms"} rate_class: RATE_CLASS_READ audit: AUDIT_CLASS_NONE};
  }
}
// A thing.
message Thing { string name = 1; map<string, Part> parts = 2; repeated Kind kinds = 3; }
// A part.
message Part { string name = 1; } // of things
// A kind.
enum Kind { KIND_UNSPECIFIED = 0; }
"""


def tree(root: Path, **files: str) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_put_in_place_makes_equal(tmp_path: Path) -> None:
    made = tree(tmp_path / "made", same="1", changed="2", new__deep="3")
    kept = tree(tmp_path / "kept", same="1", changed="1", old__stale="4")
    (kept / "old/__pycache__").mkdir()
    (kept / "old/__pycache__/x").write_text("5")
    assert list(differences(made, kept)) == [
        ("changed", Path("changed")),
        ("missing", Path("new/deep")),
        ("stale", Path("old/stale")),
    ]
    assert put_in_place(made, kept) == 3
    assert list(differences(made, kept)) == []
    assert not (kept / "old").exists()


def test_third_party_is_placed(tmp_path: Path) -> None:
    place_third_party(tmp_path)
    place_third_party(tmp_path)
    assert (tmp_path / "google/api/annotations.proto").exists()
    assert "package buf.validate;" in (tmp_path / "buf/validate/validate.proto").read_text()


def test_release_has_errors_and_our_comments_alone(released: FileDescriptorSet) -> None:
    names = [file.name for file in released.file]
    assert "google/rpc/error_details.proto" in names
    assert all(names.index(each) < names.index(file.name) for file in released.file for each in file.dependency)
    assert release(released) == released
    assert [
        file.name for file in released.file if file.HasField("source_code_info") and not file.package.startswith("trust")
    ] == []


def test_plugin_writes_stubs_and_their_types(compile_proto: Callable[[str], FileDescriptorSet]) -> None:
    request = plugin_pb2.CodeGeneratorRequest(file_to_generate=["trustmesh/shop/v1/shop.proto"])
    request.proto_file.extend(compile_proto(SHOP).file)
    made = {file.name: file.content for file in plugin.generate(request).file}
    assert set(made) == {"trustmesh/shop/v1/shop_pb2_grpc.py", "trustmesh/shop/v1/shop_pb2_grpc.pyi"}
    types = made["trustmesh/shop/v1/shop_pb2_grpc.pyi"]
    thing = "trustmesh.shop.v1.shop_pb2.Thing"
    assert f"    GetThing: grpc.aio.UnaryUnaryMultiCallable[{thing}, {thing}]" in types
    assert f"    Talk: grpc.aio.StreamStreamMultiCallable[{thing}, {thing}]" in types
    compile(types, "shop_pb2_grpc.pyi", "exec")
    compile(made["trustmesh/shop/v1/shop_pb2_grpc.py"], "shop_pb2_grpc.py", "exec")


def test_plugin_answers_protoc() -> None:
    request = plugin_pb2.CodeGeneratorRequest()
    command = [sys.executable, "-m", "trustmesh_contract.plugin"]
    done = subprocess.run(command, input=request.SerializeToString(), capture_output=True, check=True, cwd=ROOT / "services")
    assert plugin_pb2.CodeGeneratorResponse.FromString(done.stdout).supported_features == 1


def test_extensions_get_their_type(released: FileDescriptorSet) -> None:
    file = next(file for file in released.file if file.name == "trustmesh/options/v1/policy.proto")
    typed = type_extensions(file, "policy: _descriptor.FieldDescriptor\n")
    assert "policy: _ExtensionFieldDescriptor[_descriptor_pb2.MethodOptions, MethodPolicy]" in typed
    assert type_extensions(released.file[0], "x") == "x"


def test_reference_pages(compile_proto: Callable[[str], FileDescriptorSet], released: FileDescriptorSet) -> None:
    files = compile_proto(SHOP)
    files.file.extend(file for file in released.file if file.name == "trustmesh/common/v1/error.proto")
    made = dict(pages(Types(files), read_contract(files)))
    page = made["trustmesh.shop.v1.ThingService.md"]
    assert "| [GetThing](#getthing) | `GET /v1/{name=things/*}` | `shop.things.get` |" in page
    assert "- Authentication: multi factor or stronger" in page
    assert "- Without a token: `kms`" in page
    assert "- Who may call: in the mesh: `kms`" in page
    assert "| `parts` | map of string to `trustmesh.shop.v1.Part` |" in page
    assert "### trustmesh.shop.v1.Kind" in page
    assert "| AUTH_001 | UNAUTHENTICATED |" in made["errors.md"]
    assert "- [trustmesh.shop.v1.ThingService](trustmesh.shop.v1.ThingService.md): Things." in made["README.md"]


def test_render_writes_what_is_committed(tmp_path: Path) -> None:
    stub = tree(tmp_path, python__trustmesh__options__v1__policy_pb2_x="") / "python/trustmesh/options/v1/policy_pb2.pyi"
    stub.write_text("policy: _descriptor.FieldDescriptor\n")
    render.main(ROOT / "gen/descriptors/trustmesh.binpb", tmp_path)
    for name in ("descriptors/trustmesh.binpb", "openapi/trustmesh.json", "docs/errors.md"):
        assert (tmp_path / name).read_bytes() == (ROOT / "gen" / name).read_bytes()
    assert "_ExtensionFieldDescriptor" in stub.read_text()


def test_wheels_are_whole() -> None:
    assert list(wheels.complaints()) == []
    assert wheels.main() == 0


def test_overwritten_file_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lower, owner = distribution(wheels.LOWER), distribution("googleapis-common-protos")
    assert list(wheels.overwritten(lower, [owner])) == []
    monkeypatch.setattr(wheels, "digest", lambda file: None)
    found = {str(file) for _, file in wheels.overwritten(lower, [owner])}
    assert "google/rpc/status_pb2.py" in found
    assert wheels.main() == 1
    assert "google/rpc/status_pb2.py is not the one of googleapis-common-protos" in capsys.readouterr().err


def test_broken_import_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "IMPORTS", ("no.such.module",))
    assert [each for each in wheels.complaints() if each.startswith("no.such.module cannot be imported")]


def test_absent_file_has_no_digest() -> None:
    file = (distribution("protobuf").files or [])[0]
    absent = type(file)("no/such/file")
    absent.dist = file.dist
    assert wheels.digest(absent) is None


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, compile_proto: Callable[[str], FileDescriptorSet]) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "build").mkdir()
    (tmp_path / "gen/descriptors").mkdir(parents=True)
    (tmp_path / breaking.DESCRIPTORS).write_bytes(compile_proto(SHOP).SerializeToString())
    return tmp_path


def test_first_commit_breaks_nothing(repository: Path) -> None:
    assert breaking.main(repository) == 0


def test_removed_field_breaks_and_added_one_does_not(
    repository: Path, compile_proto: Callable[[str], FileDescriptorSet], capfd: pytest.CaptureFixture[str]
) -> None:
    git(repository, "add", "gen")
    git(repository, "commit", "-q", "-m", "first")
    current = repository / breaking.DESCRIPTORS
    current.write_bytes(
        compile_proto(SHOP.replace("string name = 1; map", "string name = 1; string x = 9; map")).SerializeToString()
    )
    assert breaking.main(repository) == 0
    current.write_bytes(compile_proto(SHOP.replace("string name = 1; map", "map")).SerializeToString())
    assert breaking.main(repository) == 1
    assert "the contract breaks that of HEAD" in capfd.readouterr().err


def test_gate_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("coverage_gate", ROOT / "tests/coverage_gate.py")
    assert spec is not None and spec.loader is not None
    gate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gate)
    summary = {"covered_lines": 98, "num_statements": 99, "covered_branches": 0, "num_branches": 0}
    entry = {"summary": summary, "missing_lines": [7], "missing_branches": [[3, 4]]}
    report = {"files": {"services/trustmesh_chassis/x.py": entry, "services/trustmesh_kms/y.py": entry}}
    assert gate.shortfalls(report) == [
        "coverage: trustmesh_chassis has 98.99 %, owes 100 %",
        "    services/trustmesh_chassis/x.py: 7 3->4",
    ]
    assert "trustmesh_kms" in capsys.readouterr().out
