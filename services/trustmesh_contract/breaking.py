"""Compares the contract with every earlier one that this clone knows: `buf breaking`, on the committed descriptor sets.

The earlier ones are those of HEAD, of its first parent and of main, as far as they exist: a first commit has none, a shallow
clone may have HEAD alone, and on main itself main is HEAD.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DESCRIPTORS = "gen/descriptors/trustmesh.binpb"
EARLIER = ("HEAD", "HEAD^1", "main", "origin/main")
OURS = "proto/trustmesh"


def earlier_sets(root: Path) -> dict[str, bytes]:
    """The distinct earlier descriptor sets by the name of the revision that has them."""
    found: dict[str, bytes] = {}
    for revision in EARLIER:
        shown = subprocess.run(["git", "show", f"{revision}:{DESCRIPTORS}"], cwd=root, capture_output=True, check=False)
        if shown.returncode == 0 and shown.stdout not in found.values():
            found[revision] = shown.stdout
    return found


def main(root: Path) -> int:
    failed = 0
    tools = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    current = (root / DESCRIPTORS).read_bytes()
    for revision, earlier in earlier_sets(root).items():
        if earlier == current:
            continue
        against = root / "build/earlier.binpb"
        against.write_bytes(earlier)
        command = ["buf", "breaking", DESCRIPTORS, "--against", str(against), "--path", "trustmesh", "--limit-to-input-files"]
        if subprocess.run(command, cwd=root, env=tools, check=False).returncode:
            print(f"breaking: the contract breaks that of {revision}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
