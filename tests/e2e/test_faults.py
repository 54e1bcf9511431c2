"""What a mesh owes while parts of it die, hang, are replaced or renew themselves: on a mesh of these tests' own, under load."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from bench.faultload import SERVICES as CALLED
from bench.faultload import CallRefused, Load, Rest
from cryptography import x509
from google.protobuf import descriptor_pb2

from trustmesh.registry.v1.registry_service_pb2 import RegisterInstanceRequest
from trustmesh.registry.v1.registry_service_pb2_grpc import RegistryServiceStub
from trustmesh.registry.v1.service_pb2 import Instance
from trustmesh_cli.supervisor import control

if TYPE_CHECKING:
    from tests.e2e.conftest import Mesh

SERVICES = ("pki", "registry", "authz", "kms", "ratelimit", "petstore", "gateway")
LEAF_SECONDS = 8
GENERATIONS = 4
PETS = "/service/v1/orgs/demo/pets?pageSize=1"


@pytest.fixture(scope="module")
def faulty(start_mesh: Callable[..., AbstractContextManager[Mesh]], tmp_path_factory: Any) -> Iterator[Mesh]:
    with start_mesh(tmp_path_factory.mktemp("faults") / "home") as mesh:
        yield mesh


def services(mesh: Mesh) -> dict[str, dict[str, Any]]:
    """What the supervisor says of each service."""
    answer = next(control.ask(mesh.home / "supervisor.sock", {"verb": "status"}))
    return {service["name"]: service for service in answer["services"]}


def eventually(check: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def ready(mesh: Mesh) -> bool:
    return all(service["state"] == "ready" for service in services(mesh).values())


def serves(mesh: Mesh) -> bool:
    """Whether a token is to be had and a call with it succeeds."""
    try:
        with mesh.http(mesh.token(mesh.first)) as client:
            return client.get(PETS).status_code == 200
    except Exception:
        return False


def settled(mesh: Mesh) -> None:
    eventually(lambda: ready(mesh), "not every service became ready again")
    eventually(lambda: serves(mesh), "no call succeeds")


def failed(load: Load) -> str:
    return "\n".join([load.summary(), *load.failures[:20]])


# --- kill -9


@pytest.mark.parametrize("name", SERVICES)
def test_killed_under_load_nothing_acknowledged_is_lost(faulty: Mesh, name: str) -> None:
    settled(faulty)
    before = services(faulty)[name]
    with Load(faulty.home, inside=()) as load:
        eventually(lambda: len(load.pets) > 5, "there is no load")
        os.kill(before["pid"], signal.SIGKILL)
        eventually(lambda: services(faulty)[name]["restarts"] > before["restarts"], f"{name} was not started again")
        settled(faulty)
        acknowledged = len(load.pets), len(load.ciphertexts)
        eventually(
            lambda: len(load.pets) > acknowledged[0] + 2 and len(load.ciphertexts) > acknowledged[1] + 2, "calls did not go on"
        )
    assert load.lost() == []


# --- the control plane away


def test_with_a_hung_registry_no_call_fails(faulty: Mesh) -> None:
    settled(faulty)
    registry = services(faulty)["registry"]["pid"]
    with Load(faulty.home) as load:
        os.kill(registry, signal.SIGSTOP)
        try:
            time.sleep(6)  # the fault itself: so long it hangs
        finally:
            os.kill(registry, signal.SIGCONT)
        settled(faulty)
        _go_on(load)
    assert not load.failures, failed(load)


def test_with_the_registry_dead_and_dead_again_no_call_fails(faulty: Mesh) -> None:
    settled(faulty)
    with Load(faulty.home, inside=[name for name in CALLED if name != "registry"]) as load:
        kept_down(faulty, "registry", 6)
        settled(faulty)
        _go_on(load)
    assert not load.failures, failed(load)


def kept_down(mesh: Mesh, name: str, seconds: float) -> None:
    """Kill every process of a service for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid = services(mesh)[name]["pid"]
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _go_on(load: Load, calls: int = 30) -> None:
    enough = len(load.pets) + calls
    eventually(lambda: len(load.pets) > enough, "calls did not go on")


# --- replaced


def test_replacing_every_process_fails_no_call(faulty: Mesh) -> None:
    settled(faulty)
    before = {name: service["pid"] for name, service in services(faulty).items()}
    with Load(faulty.home) as load:
        faulty.run("restart")
        after = {name: service["pid"] for name, service in services(faulty).items()}
        _go_on(load)
    assert not load.failures, failed(load)
    assert load.lost() == []
    assert not set(before.items()) & set(after.items())


# --- short certificates


def served_serial(port: int) -> int:
    """The serial number of the certificate that is served on a port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as connection:
        certificate = connection.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def test_certificates_of_seconds_rotate_without_a_failed_call(
    start_mesh: Callable[..., AbstractContextManager[Mesh]], tmp_path_factory: Any
) -> None:
    offsets = {"pki": 380, "registry": 480, "authz": 180, "kms": 80, "ratelimit": 681, "petstore": 980, "gateway": 443}
    seen: dict[str, set[int]] = {name: set() for name in offsets}
    home = tmp_path_factory.mktemp("leaves") / "home"
    with start_mesh(home, TRUSTMESH_PKI__LEAF_LIFETIME=str(LEAF_SECONDS)) as mesh:
        settled(mesh)
        with Load(mesh.home) as load:

            def look() -> bool:
                for name, offset in offsets.items():
                    seen[name].add(served_serial(mesh.base_port + offset))
                return all(len(serials) >= GENERATIONS for serials in seen.values())

            eventually(look, f"not every service showed {GENERATIONS} certificates: {seen}")
            _go_on(load)
        assert not load.failures, failed(load)
        assert load.lost() == []
        _sleep_through_a_certificate(mesh, "petstore")


def _sleep_through_a_certificate(mesh: Mesh, service: str) -> None:
    """Suspend a service for longer than its certificate lives: it joins anew and is reached again."""
    pid = services(mesh)[service]["pid"]
    before = served_serial(mesh.base_port + 980)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(LEAF_SECONDS + 2)
    os.kill(pid, signal.SIGCONT)
    token = mesh.token(mesh.first)

    def reached() -> bool:
        with mesh.http(token) as client:
            return served_serial(mesh.base_port + 980) != before and client.get(PETS).status_code == 200

    eventually(reached, f"{service} does not come back with a new certificate")


# --- bad configuration


def test_a_configuration_that_does_not_do_leaves_the_last_good_one(faulty: Mesh) -> None:
    settled(faulty)
    rest = Rest(faulty.gateway, faulty.home / "trust" / "roots.pem", keep=True)
    operator, token = faulty.token("operator"), faulty.token(faulty.first)
    jwks = "/service/v1/configurations/authz/jwks"
    good = rest.call("GET", jwks, operator)["value"]
    for bad in ('{"keys": "none"}', '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "x"}]}', "{}"):
        with pytest.raises(CallRefused, match="INVALID_ARGUMENT"):
            rest.call("PATCH", f"{jwks}?updateMask=value", operator, {"value": bad})
        assert rest.call("GET", PETS, token) is not None
    assert rest.call("GET", jwks, operator)["value"] == good


def test_without_the_issuers_keys_the_last_good_ones_stay(faulty: Mesh) -> None:
    settled(faulty)
    rest = Rest(faulty.gateway, faulty.home / "trust" / "roots.pem", keep=True)
    operator, token = faulty.token("operator"), faulty.token(faulty.first)
    jwks = "/service/v1/configurations/authz/jwks"
    good = rest.call("GET", jwks, operator)["value"]
    rest.call("DELETE", jwks, operator)

    def problems() -> list[str]:
        told: list[str] = rest.call("GET", "/service/v1/nodes", operator).get("problems", [])
        return told

    for _ in range(20):  # whether or not authz has published them again by now
        rest.call("GET", PETS, token)
    eventually(lambda: not problems(), "authz does not publish its keys again")
    assert rest.call("GET", jwks, operator)["value"] == good


def test_a_broken_contract_is_refused_and_changes_nothing(faulty: Mesh) -> None:
    settled(faulty)
    policyless = descriptor_pb2.FileDescriptorSet()
    file = policyless.file.add(name="trustmesh/petstore/v1/pet_service.proto", package="trustmesh.petstore.v1", syntax="proto3")
    file.message_type.add(name="Nothing")
    service = file.service.add(name="PetService")
    service.method.add(name="GetPet", input_type=".trustmesh.petstore.v1.Nothing", output_type=".trustmesh.petstore.v1.Nothing")
    with Load(faulty.home) as load, faulty.inside("petstore", faulty.base_port + 480) as channel:
        for descriptors in (policyless.SerializeToString(), b"\xff\xff"):
            request = RegisterInstanceRequest(
                parent="services/petstore",
                instance_id="petstore-broken",
                instance=Instance(address="127.0.0.1", port=faulty.base_port + 999),
                descriptors=descriptors,
                grpc_services=["trustmesh.petstore.v1.PetService"],
            )
            with pytest.raises(grpc.RpcError) as refused:
                RegistryServiceStub(channel).RegisterInstance(request, timeout=10)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        _go_on(load, 10)
    assert not load.failures, failed(load)
