"""Fails when a package has less coverage than it owes, naming the lines that are missing.

python tests/coverage_gate.py build/coverage.json
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

OWED = {"trustmesh_chassis": 100.0}
OWED_OTHERWISE = 95.0


def shortfalls(report: dict[str, Any]) -> list[str]:
    """One line for each package below what it owes. `report` is coverage's JSON report with branches."""
    done: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    missing: dict[str, list[str]] = defaultdict(list)
    for path, entry in sorted(report["files"].items()):
        package, summary = Path(path).parts[1], entry["summary"]
        done[package] += summary["covered_lines"] + summary["covered_branches"]
        total[package] += summary["num_statements"] + summary["num_branches"]
        if entry["missing_lines"] or entry["missing_branches"]:
            branches = " ".join(f"{start}->{end}" for start, end in entry["missing_branches"])
            missing[package].append(f"    {path}: {' '.join(map(str, entry['missing_lines']))} {branches}".rstrip())
    lines = []
    for package in sorted(total):
        covered = 100.0 * done[package] / max(total[package], 1)
        owed = OWED.get(package, OWED_OTHERWISE)
        print(f"coverage: {package:<24} {covered:6.2f} % of lines and branches, {owed:g} % owed")
        if covered < owed:
            lines += [f"coverage: {package} has {covered:.2f} %, owes {owed:g} %", *missing[package]]
    return lines


if __name__ == "__main__":
    found = shortfalls(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(found), file=sys.stderr)
    sys.exit(1 if found else 0)
