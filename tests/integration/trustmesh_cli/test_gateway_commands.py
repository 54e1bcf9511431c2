"""The commands that speak with the gateway, against a small one of the tests' own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from trustmesh.petstore.v1 import pet_pb2, pet_service_pb2
from trustmesh_chassis.testing.authority import TestAuthority
from trustmesh_cli import probe
from trustmesh_cli.problem import Exit
from trustmesh_cli.supervisor.program import Program

if TYPE_CHECKING:
    from tests.integration.trustmesh_cli.conftest import FakeGateway, Request


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Shop:
    """Keys and pets as the demo expects them; one that `lies` gives every answer that it should not."""

    def __init__(self, pets: dict[str, pet_pb2.Pet], *, lies: bool = False) -> None:
        self._pets = pets
        self._lies = lies

    def __call__(self, request: Request) -> tuple[int, object]:
        path = urlsplit(request.path).path
        if path == "/trustmesh.petstore.v1.PetService/GetPet":
            return 200, self._grpc_web(request.body)
        if not request.token:
            return self._refusal(401, "no token")
        if "/orgs/someone-else/" in path:
            return self._refusal(404, "not found")
        return self._keys(request, path) if "/keys" in path else self._animals(request, path)

    def _refusal(self, status: int, message: str) -> tuple[int, object]:
        return (200, {}) if self._lies else (status, {"error": {"message": message}})

    def _keys(self, request: Request, path: str) -> tuple[int, object]:
        name, _, verb = path.removeprefix("/service/v1/").partition(":")
        body = request.json()
        match verb:
            case "":
                query = parse_qs(urlsplit(request.path).query)
                return 200, {"name": f"{name}/{query['keyId'][0]}", "algorithm": "KEY_ALGORITHM_AES_256_GCM"}
            case "encrypt":
                plaintext = base64.b64decode(body["plaintext"])
                return 200, {"ciphertext": encoded(plaintext + hashlib.sha256(plaintext).digest())}
            case "decrypt":
                ciphertext = base64.b64decode(body["ciphertext"])
                if hashlib.sha256(ciphertext[:-32]).digest() != ciphertext[-32:]:
                    return self._refusal(400, "changed")
                return 200, {"plaintext": encoded(b"else" if self._lies else ciphertext[:-32])}
            case "sign":
                signature = hashlib.sha256(base64.b64decode(body["data"])).digest()
                return 200, {"version": f"{name}/versions/1", "signature": encoded(signature)}
        valid = encoded(hashlib.sha256(base64.b64decode(body["data"])).digest()) == body["signature"]
        return 200, {"valid": valid is not self._lies}

    def _animals(self, request: Request, path: str) -> tuple[int, object]:
        name = path.removeprefix("/service/v1/")
        match request.verb:
            case "POST":
                name = f"{name}/{parse_qs(urlsplit(request.path).query)['petId'][0]}"
                shown = "Max" if self._lies else request.json()["displayName"]
                self._pets[name] = pet_pb2.Pet(name=name, display_name=shown, price_cents=12_500)
                return 200, {"name": name}
            case "DELETE":
                return self._refusal(403, "not allowed")
        if name.endswith("/pets"):
            return 200, {"pets": [] if self._lies else [{"name": each} for each in self._pets]}
        return 200, {"displayName": self._pets[name].display_name}

    def _grpc_web(self, body: bytes) -> bytes:
        request = pet_service_pb2.GetPetRequest.FromString(body[5:])
        message, trailers = self._pets[request.name].SerializeToString(), b"grpc-status: 0\r\n"
        return b"\0" + len(message).to_bytes(4, "big") + message + b"\x80" + len(trailers).to_bytes(4, "big") + trailers


def steps(text: str) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in json.loads(text)}


def test_demo_walks_without_a_wrong_step(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.answers = Shop(gateway.pets)
    assert gateway.trustmesh("demo") == 0, capsys.readouterr().out
    shown = capsys.readouterr()
    assert shown.err == "all 17 steps are as they should be\n"
    assert "Rex, 12500 cents" in shown.out


def test_demo_sees_every_wrong_answer(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.answers = Shop(gateway.pets, lies=True)
    assert gateway.trustmesh("demo", "-o", "json") == 1
    shown = capsys.readouterr()
    taken = steps(shown.out)
    assert {name for name, step in taken.items() if not step["ok"]} == {
        "a call without a token is refused",
        "decrypt (REST)",
        "a changed ciphertext is refused",
        "verify (REST)",
        "a changed message does not verify",
        "list pets (REST)",
        "get the pet (gRPC)",
        "get the pet (gRPC-Web)",
        "the viewer may not change",
        "another organisation is not found",
    }
    assert taken["decrypt (REST)"]["detail"] == "decrypted to b'else'"
    assert shown.err == "10 of 17 steps are not as they should be\n"


def test_demo_goes_on_where_nothing_works(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway.trustmesh("demo", "-o", "json") == 1
    taken = steps(capsys.readouterr().out)
    assert "answered 404: nothing here" in taken["create a key (REST)"]["detail"]
    assert "an earlier step is missing" in taken["encrypt (REST)"]["detail"]
    assert "no such pet" in taken["get the pet (gRPC)"]["detail"]


def test_token_and_env_are_for_scripts(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway.trustmesh("token", "--client", "viewer") == 0
    assert capsys.readouterr().out == "demo.viewer\n"
    assert gateway.trustmesh("env") == 0
    assert "export TRUSTMESH_OPERATOR_TOKEN=platform.operator" in capsys.readouterr().out.splitlines()


NODE = {
    "name": "nodes/edge-1",
    "kind": "KIND_ENVOY",
    "service": "services/gateway",
    "streams": [
        {
            "subscriptions": [
                {"type": "Listener", "sentVersion": "2", "acknowledgedVersion": "2"},
                {"type": "Cluster", "sentVersion": "2", "acknowledgedVersion": "1", "resourceNames": ["kms"]},
            ]
        }
    ],
}
REFUSING = {"name": "nodes/kms-1", "streams": [{"subscriptions": [{"type": "Cluster", "refusal": "no such cluster"}]}]}


def test_mesh_status_reads_every_page(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    def pages(request: Request) -> tuple[int, object]:
        if request.path == "/service/v1/nodes":
            return 200, {"nodes": [NODE], "problems": ["petstore says nothing"], "nextPageToken": "a b"}
        assert request.path == "/service/v1/nodes?page_token=a+b"
        return 200, {"nodes": [REFUSING]}

    gateway.answers = pages
    assert gateway.trustmesh("mesh", "status") == Exit.UNHEALTHY
    shown = capsys.readouterr()
    rows = [line.split() for line in shown.out.splitlines()[1:]]
    assert rows[0] == ["edge-1", "envoy", "gateway", "Listener", "all", "2", "2", "acked", "-"]
    assert rows[1] == ["edge-1", "envoy", "gateway", "Cluster", "1", "2", "1", "waiting", "-"]
    assert rows[2][0] == "kms-1"
    assert rows[2][-4:] == ["nacked", "no", "such", "cluster"]
    assert shown.err == "left out of the configuration: petstore says nothing\n"


def test_mesh_status_of_nobody(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.answers = lambda request: (200, b"")
    assert gateway.trustmesh("mesh", "status") == 0
    assert capsys.readouterr().out == "no node is connected\n"


@pytest.mark.parametrize("node", ["edge/1", "nodes/edge/1"])
def test_mesh_config_shows_the_resources(gateway: FakeGateway, node: str, capsys: pytest.CaptureFixture[str]) -> None:
    def configuration(request: Request) -> tuple[int, object]:
        assert request.path == "/service/v1/nodes/edge%2F1/configuration"
        return 200, {"resources": [{"type": "Listener", "name": "https", "version": "7", "json": '{"a": 1}'}]}

    gateway.answers = configuration
    assert gateway.trustmesh("mesh", "config", node) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["Listener", "https", "7", "8"]
    assert gateway.trustmesh("mesh", "config", node, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)[0]["json"] == {"a": 1}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "too much"}}, "answered 429: too much"),
        ({"error": "slow_down", "error_description": "too often"}, "answered 429: too often"),
        (["too", "much"], "answered 429: ['too', 'much']"),
        (b"<html>", "answered 429: <html>"),
    ],
)
def test_an_error_answer_is_one_sentence(
    gateway: FakeGateway, body: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.answers = lambda request: (429, body)
    assert gateway.trustmesh("mesh", "status") == Exit.FAILURE
    assert said in capsys.readouterr().err


def test_a_client_that_gets_no_token_is_named(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gateway, "answer", lambda request: (401, {"error": "invalid_client"}))
    assert gateway.trustmesh("token") == Exit.FAILURE
    assert "no token for client 'demo': invalid_client; is demo.json of this home?" in capsys.readouterr().err


def test_a_gateway_of_another_mesh_is_told_from_none(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.home.roots.write_bytes(TestAuthority().roots_pem)
    assert gateway.trustmesh("token") == Exit.CONFLICT
    assert "is not this mesh's gateway" in capsys.readouterr().err
    gateway.home.roots.write_bytes(b"")
    assert gateway.trustmesh("token") == Exit.DAMAGED
    assert "holds no certificate" in capsys.readouterr().err


def test_a_gateway_that_is_not_there(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.write_demo(gateway="https://localhost:1")
    assert gateway.trustmesh("token") == Exit.NOT_RUNNING
    assert "cannot be reached" in capsys.readouterr().err


def asked(gateway: FakeGateway, *ports: int, name: str = "gateway") -> str:
    program = Program(name, lambda: 0, (), 0, ports)
    return asyncio.run(_ask(gateway.home.roots, program))


async def _ask(roots: Path, program: Program) -> str:
    return await probe.readiness(roots, "trustmesh.local")(program)


def test_a_service_says_what_is_wrong_with_it(gateway: FakeGateway) -> None:
    checks = {"database": "ok", "registration": "ok"}
    gateway.answers = lambda request: (200, {"checks": checks})
    assert asked(gateway, 1, gateway.port) == ""
    checks["database"] = "locked"
    assert asked(gateway, 1, gateway.port) == "database: locked"


def test_an_answer_in_pieces_is_read_whole(gateway: FakeGateway) -> None:
    checks = {f"check {number}": "failed" for number in range(1500)}
    gateway.answers = lambda request: (503, {"checks": checks})
    assert asked(gateway, gateway.port).count("failed") == 1500


def test_another_service_is_not_believed(gateway: FakeGateway) -> None:
    assert "it is not spiffe://trustmesh.local/svc/kms" in asked(gateway, gateway.port, name="kms")


def test_what_cannot_be_asked_is_said(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cannot be used ('checks')" in asked(gateway, gateway.port)
    assert "cannot be used" in asked(gateway, 1)
    assert "cannot be used" in asked(gateway)
    monkeypatch.setattr(probe, "_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "does not answer within" in asked(gateway, mute.getsockname()[1])
