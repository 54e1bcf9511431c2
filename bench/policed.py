"""(a) A fully policed Encrypt beside a bare server doing the same cryptography, and (c) the items of batches."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from bench.figures import Figure, ratio
from bench.load import grpc_load
from bench.mesh import Beside, Mesh, beside, free_port
from trustmesh.kms.v1 import crypto_service_pb2 as pb

ENCRYPT = "trustmesh.kms.v1.CryptoService.Encrypt"
BATCH = "trustmesh.kms.v1.CryptoService.BatchEncrypt"
PLAINTEXT = bytes(range(256))
CONCURRENCY = 32
ITEMS = (16, 256)
SERVER_CORE, LOAD_CORE = 0, 1
_WARM_UP = 1.0


@dataclass(frozen=True)
class Contender:
    """A server under the same load as the others; `target` of its rate over the bare server's."""

    id: str
    what: str
    port: int
    process: Beside
    target: float | None = None


def measure(mesh: Mesh, rounds: int, seconds: float) -> list[Figure]:
    """Rates and CPU time a call at each contender in turn, round after round."""
    key = mesh.make_key("policed")
    request = pb.EncryptRequest(name=key, plaintext=PLAINTEXT).SerializeToString()
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    with ExitStack() as stack:
        contenders = _contenders(mesh, stack)
        for number in range(-1, rounds):
            target = {each.id: mesh.direct(each.port, mesh.token()) for each in contenders}
            for each in contenders:
                spent = each.process.cpu_seconds()
                lasting = seconds if number >= 0 else _WARM_UP
                measured = grpc_load(target[each.id], ENCRYPT, request, concurrency=CONCURRENCY, seconds=lasting, core=LOAD_CORE)
                if number >= 0:
                    rates.setdefault(each.id, []).append(measured.rate)
                    busy = each.process.cpu_seconds() - spent
                    costs.setdefault(each.id, []).append(busy / (measured.rate * lasting) * 1e6)
    rate = {each.id: Figure(f"a.{each.id}.rate", each.what, "calls/s", tuple(rates[each.id]), "higher") for each in contenders}
    cost = {each.id: Figure(f"a.{each.id}.cpu", each.what, "CPU µs/call", tuple(costs[each.id])) for each in contenders}
    ratios = [
        ratio(f"a.{each.id}.ratio", f"{each.what} over bare, calls/s", rate[each.id], rate["bare"], each.target)
        for each in contenders
        if each.id != "bare"
    ]
    return [*rate.values(), *cost.values(), *ratios]


def measure_batches(mesh: Mesh, rounds: int, seconds: float) -> list[Figure]:
    """Items encrypted a second in batches of each size, four at once."""
    key = mesh.make_key("batched")
    rates: dict[int, list[float]] = {}
    with beside(
        mesh,
        ["-m", "trustmesh_cli", "serve", "kms"],
        core=SERVER_CORE,
        environment={"TRUSTMESH_KMS__PORT": str(port := free_port())},
    ):
        for _ in range(rounds):
            target = mesh.direct(port, mesh.token())
            for size in ITEMS:
                request = pb.BatchEncryptRequest(name=key)
                for _ in range(size):
                    request.items.add(plaintext=PLAINTEXT)
                measured = grpc_load(target, BATCH, request.SerializeToString(), concurrency=4, seconds=seconds, core=LOAD_CORE)
                rates.setdefault(size, []).append(measured.rate * size)
    return [
        Figure(f"c.batch{size}", f"BatchEncrypt, {size} items of 256 bytes", "items/s", tuple(rates[size]), "higher")
        for size in ITEMS
    ]


def _contenders(mesh: Mesh, stack: ExitStack) -> list[Contender]:
    sink = free_port()
    stack.enter_context(beside(mesh, ["-m", "bench.span_sink", str(sink)], core=LOAD_CORE))

    def kms(id: str, what: str, target: float | None, **settings: str) -> Contender:
        port = free_port()
        environment = {f"TRUSTMESH_KMS__{key.upper()}": value for key, value in {"port": str(port), **settings}.items()}
        process = stack.enter_context(
            beside(mesh, ["-m", "trustmesh_cli", "serve", "kms"], core=SERVER_CORE, environment=environment)
        )
        return Contender(id, what, port, process, target)

    port = free_port()
    bare = stack.enter_context(beside(mesh, ["-m", "bench.bare_server", str(port), str(mesh.identity("kms"))], core=SERVER_CORE))
    traced = {"trace_endpoint": f"127.0.0.1:{sink}"}
    return [
        Contender("bare", "bare grpc.aio, mTLS, AES-GCM", port, bare),
        kms("policed", "policed Encrypt, no spans", None),
        kms("sampled1", "policed Encrypt, spans of 1 %", 0.75, **traced, trace_sampling="0.01"),
        kms("sampled100", "policed Encrypt, spans of all", 0.6, **traced, trace_sampling="1"),
    ]
