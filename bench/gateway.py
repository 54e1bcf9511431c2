"""(b) What the gateway adds to a call: latency at the service's port, and through Envoy by gRPC and by REST."""

from __future__ import annotations

from collections.abc import Callable

from bench.figures import Figure
from bench.load import Measured, base64_text, grpc_load, rest_load
from bench.mesh import Mesh
from bench.policed import ENCRYPT, PLAINTEXT
from trustmesh.kms.v1 import crypto_service_pb2 as pb

CONCURRENCIES = (1, 16)


def measure(mesh: Mesh, rounds: int, seconds: float) -> list[Figure]:
    key = mesh.make_key("latency")
    message = pb.EncryptRequest(name=key, plaintext=PLAINTEXT).SerializeToString()
    body = {"plaintext": base64_text(PLAINTEXT)}
    url = f"{mesh.demo['gateway']}/service/v1/{key}:encrypt"
    ways: dict[str, Callable[[str, int], Measured]] = {
        "direct": lambda token, many: grpc_load(
            mesh.direct(mesh.base_port + 80, token), ENCRYPT, message, concurrency=many, seconds=seconds
        ),
        "grpc": lambda token, many: grpc_load(mesh.through_gateway(token), ENCRYPT, message, concurrency=many, seconds=seconds),
        "rest": lambda token, many: rest_load(url, token, body, concurrency=many, seconds=seconds),
    }
    taken: dict[tuple[str, int], list[Measured]] = {}
    for _ in range(rounds):
        token = mesh.token()
        for many in CONCURRENCIES:
            for way, load in ways.items():
                taken.setdefault((way, many), []).append(load(token, many))
    figures = []
    for (way, many), all_rounds in taken.items():
        for name in ("p50", "p99"):
            values = tuple(float(getattr(each, name)) for each in all_rounds)
            figures.append(Figure(f"b.{way}.c{many}.{name}", f"{_NAMES[way]}, {many} at once, {name}", "ms", values))
            if way != "direct":
                direct = [float(getattr(each, name)) for each in taken["direct", many]]
                added = tuple(ours - theirs for ours, theirs in zip(values, direct, strict=True))
                figures.append(
                    Figure(
                        f"b.{way}.c{many}.{name}.added", f"the gateway adds, {_NAMES[way]}, {many} at once, {name}", "ms", added
                    )
                )
    return figures


_NAMES = {"direct": "direct to kms", "grpc": "gRPC through Envoy", "rest": "REST through Envoy"}
