"""Load from programs that are faster than what they measure: ghz for gRPC, hey for REST, both Go, each one process.

A run that answers anything but success measures something else, so it raises LoadFailed.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DESCRIPTORS = ROOT / "gen" / "descriptors" / "trustmesh.binpb"
TOOLS = ROOT / "build" / "bin"
_MODULES = {"ghz": "github.com/bojand/ghz/cmd/ghz@v0.93.0", "hey": "github.com/rakyll/hey@v0.1.5"}
_PATIENCE = 60.0


class LoadFailed(Exception):
    """The load could not be made, or not all of it was answered well."""


@dataclass(frozen=True)
class Measured:
    """Calls answered a second, and the latency's percentiles in milliseconds."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Target:
    """Where gRPC calls go and as whom: `name` must be in the server's certificate, `identity` holds the client's, if any."""

    port: int
    name: str
    roots: Path
    identity: Path | None
    token: str | None


def tool(name: str) -> Path:
    """The load generator's program, built from its Go module at first use."""
    program = TOOLS / name
    if not program.exists():
        go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
        if go is None:
            raise LoadFailed(f"{name} makes the load and is a Go program; install Go, or put {name} into {TOOLS}")
        TOOLS.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [go, "install", _MODULES[name]], check=True, timeout=600, cwd=TOOLS, env={**os.environ, "GOBIN": str(TOOLS)}
        )
    return program


def grpc_load(
    target: Target, method: str, message: bytes, *, concurrency: int, seconds: float, core: int | None = None
) -> Measured:
    """Call `method` ("package.Service.Method") with `message` without pause."""
    arguments = ["--protoset", str(DESCRIPTORS), "--call", method, "--cacert", str(target.roots), "--cname", target.name]
    arguments += ["-z", f"{seconds}s", "--duration-stop", "ignore", "-c", str(concurrency), "--format", "json"]
    arguments += ["--connections", str(min(2, concurrency)), "--binary", "--timeout", "10s"]
    if target.identity is not None:
        arguments += ["--cert", str(target.identity / "tls.crt"), "--key", str(target.identity / "tls.key")]
    if target.token is not None:
        arguments += ["--metadata", json.dumps({"authorization": f"Bearer {target.token}"})]
    output = _run([str(tool("ghz")), *arguments, f"127.0.0.1:{target.port}"], message, core)
    report = json.loads(output)
    if set(report["statusCodeDistribution"]) != {"OK"}:
        raise LoadFailed(f"{method}: {report['statusCodeDistribution']} {report.get('errorDistribution')}")
    latencies = sorted(each["latency"] / 1e6 for each in report["details"])
    # The rate by the calls that were answered over the time in which they were: ghz's own counts its start-up in.
    return Measured(len(latencies) / seconds, _percentile(latencies, 0.5), _percentile(latencies, 0.99))


def rest_load(url: str, token: str, body: object, *, concurrency: int, seconds: float) -> Measured:
    """POST `body` as JSON without pause, on connections that stay open."""
    arguments = ["-z", f"{seconds}s", "-c", str(concurrency), "-m", "POST", "-T", "application/json", "-o", "csv"]
    arguments += ["-H", f"Authorization: Bearer {token}", "-d", json.dumps(body), url]
    rows = list(csv.DictReader(_run([str(tool("hey")), *arguments], b"", None).decode().splitlines()))
    statuses = {row["status-code"] for row in rows}
    if statuses != {"200"}:
        raise LoadFailed(f"{url} answered {statuses}")
    latencies = sorted(float(row["response-time"]) * 1e3 for row in rows)
    return Measured(len(rows) / seconds, _percentile(latencies, 0.5), _percentile(latencies, 0.99))


def base64_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def on_core(core: int | None, command: Sequence[str]) -> list[str]:
    """The command, kept on one core where one is given and the machine can."""
    if core is None or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(core), *command]


def _run(command: Sequence[str], standard_input: bytes, core: int | None) -> bytes:
    ended = subprocess.run(on_core(core, command), input=standard_input, capture_output=True, timeout=_PATIENCE)
    if ended.returncode:
        raise LoadFailed(f"{command[0]}: {ended.stderr.decode()[-500:]} {ended.stdout.decode()[-500:]}")
    return ended.stdout


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
