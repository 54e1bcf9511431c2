"""The demo: tokens, keys and pets at the gateway, by REST, gRPC and gRPC-Web, every step checked."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trustmesh_cli.edge import Gateway
from trustmesh_cli.problem import Problem

if TYPE_CHECKING:
    import grpc

_TEXT = b"Trustmesh says hello"
_AAD = b"demo"
_GRPC_SECONDS = 10.0
_GRPC_WEB = "application/grpc-web+proto"
_HEADER_BYTES = 5
_TRAILERS = 0x80


class Astray(Exception):
    """A step's outcome is not what it should be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step: its title, what came of it in a few words, whether that is right, and milliseconds."""

    step: str
    detail: str
    ok: bool
    milliseconds: float


@dataclass(slots=True)
class Walk:
    """The steps in their order. `run` is a suffix that makes this walk's names new."""

    gateway: Gateway
    run: str
    _token: str = ""
    _viewer: str = ""
    _seen: dict[str, Any] = field(default_factory=dict)

    def steps(self) -> Iterator[Outcome]:
        """Take every step; one that needs what an earlier one failed to make fails too."""
        for title, step in self._plan():
            begun = time.perf_counter()
            try:
                detail, ok = step(), True
            except (Problem, Astray) as error:
                detail, ok = str(error), False
            except (KeyError, TypeError, ValueError) as error:
                detail, ok = (
                    f"the answer is not of its shape, or an earlier step is missing ({type(error).__name__}: {error})",
                    False,
                )
            yield Outcome(title, detail, ok, (time.perf_counter() - begun) * 1000)

    def _plan(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("token by client credentials", self.token),
            ("a call without a token is refused", self.no_token),
            ("create a key (REST)", self.create_key),
            ("encrypt (REST)", self.encrypt),
            ("decrypt (REST)", self.decrypt),
            ("a changed ciphertext is refused", self.decrypt_changed),
            ("create a signing key (REST)", self.create_signing_key),
            ("sign (REST)", self.sign),
            ("verify (REST)", self.verify),
            ("a changed message does not verify", self.verify_changed),
            ("create a pet (REST)", self.create_pet),
            ("list pets (REST)", self.list_pets),
            ("get the pet (gRPC)", self.pet_by_grpc),
            ("get the pet (gRPC-Web)", self.pet_by_grpc_web),
            ("the viewer may look", self.viewer_looks),
            ("the viewer may not change", self.viewer_changes),
            ("another organisation is not found", self.other_organisation),
        ]

    @property
    def _parent(self) -> str:
        return f"orgs/{self.gateway.demo.org}"

    @property
    def _pet(self) -> str:
        return f"{self._parent}/pets/rex-{self.run}"

    def _post(self, path: str, body: object) -> Any:
        return self.gateway.call("POST", f"/v1/{path}", self._token, body)

    def token(self) -> str:
        answer = self.gateway.token(self.gateway.demo.client(None))
        self._token = answer["access_token"]
        self._viewer = self.gateway.token(self.gateway.demo.client("viewer"))["access_token"]
        return f"good for {answer['expires_in']} s, scope {answer.get('scope', '*')}"

    def no_token(self) -> str:
        return self._refused(401, "GET", f"{self._parent}/keys", "")

    def create_key(self) -> str:
        key = self._post(f"{self._parent}/keys?keyId=box-{self.run}", {"purpose": "KEY_PURPOSE_ENCRYPT_DECRYPT"})
        self._seen["box"] = key["name"]
        return f"{key['name']}, {key['algorithm'].removeprefix('KEY_ALGORITHM_')}"

    def encrypt(self) -> str:
        answer = self._post(
            f"{self._seen['box']}:encrypt", {"plaintext": _encoded(_TEXT), "additionalAuthenticatedData": _encoded(_AAD)}
        )
        self._seen["ciphertext"] = base64.b64decode(answer["ciphertext"])
        return f"{len(_TEXT)} bytes to {len(self._seen['ciphertext'])}"

    def decrypt(self) -> str:
        body = {"ciphertext": _encoded(self._seen["ciphertext"]), "additionalAuthenticatedData": _encoded(_AAD)}
        plaintext = base64.b64decode(self._post(f"{self._seen['box']}:decrypt", body)["plaintext"])
        _expect(plaintext == _TEXT, f"decrypted to {plaintext!r}")
        return plaintext.decode()

    def decrypt_changed(self) -> str:
        ciphertext: bytes = self._seen["ciphertext"]
        changed = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
        body = {"ciphertext": _encoded(changed), "additionalAuthenticatedData": _encoded(_AAD)}
        return self._refused(400, "POST", f"{self._seen['box']}:decrypt", self._token, body)

    def create_signing_key(self) -> str:
        key = {"purpose": "KEY_PURPOSE_SIGN_VERIFY", "algorithm": "KEY_ALGORITHM_EC_SIGN_ED25519"}
        self._seen["pen"] = self._post(f"{self._parent}/keys?keyId=pen-{self.run}", key)["name"]
        return str(self._seen["pen"])

    def sign(self) -> str:
        answer = self._post(f"{self._seen['pen']}:sign", {"data": _encoded(_TEXT)})
        self._seen["signer"], self._seen["signature"] = answer["version"], answer["signature"]
        return f"{len(base64.b64decode(answer['signature']))} bytes by {answer['version']}"

    def verify(self) -> str:
        _expect(self._verified(_TEXT), "the signature is not valid")
        return "valid"

    def verify_changed(self) -> str:
        _expect(not self._verified(_TEXT + b"!"), "the signature is valid for another message")
        return "not valid"

    def _verified(self, data: bytes) -> bool:
        body = {"data": _encoded(data), "signature": self._seen["signature"]}
        return bool(self._post(f"{self._seen['signer']}:verify", body).get("valid", False))

    def create_pet(self) -> str:
        pet = {"displayName": "Rex", "species": "SPECIES_DOG", "priceCents": "12500", "stock": 3}
        return str(self._post(f"{self._parent}/pets?petId=rex-{self.run}", pet)["name"])

    def list_pets(self) -> str:
        pets = self.gateway.call("GET", f"/v1/{self._parent}/pets?pageSize=1000", self._token).get("pets", [])
        _expect(self._pet in [pet["name"] for pet in pets], "the new pet is not in the list")
        return f"{len(pets)} pets, {self._pet} among them"

    def pet_by_grpc(self) -> str:
        import grpc

        from trustmesh.petstore.v1 import pet_service_pb2
        from trustmesh.petstore.v1.pet_service_pb2_grpc import PetServiceStub

        with _channel(self.gateway) as channel:
            try:
                pet = PetServiceStub(channel).GetPet(
                    pet_service_pb2.GetPetRequest(name=self._pet),
                    metadata=(("authorization", f"Bearer {self._token}"),),
                    timeout=_GRPC_SECONDS,
                )
            except grpc.RpcError as error:
                raise Astray(f"{error}") from None
        _expect(pet.display_name == "Rex", f"got {pet.display_name!r}")
        return f"{pet.display_name}, {pet.price_cents} cents"

    def pet_by_grpc_web(self) -> str:
        from trustmesh.petstore.v1 import pet_pb2, pet_service_pb2

        request = pet_service_pb2.GetPetRequest(name=self._pet).SerializeToString()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": _GRPC_WEB, "X-Grpc-Web": "1"}
        framed = b"\0" + len(request).to_bytes(4, "big") + request
        answer = self.gateway.send("POST", "/trustmesh.petstore.v1.PetService/GetPet", framed, headers)
        messages, trailers = _frames(answer.body)
        _expect(answer.status == 200 and trailers.get("grpc-status") == "0", f"HTTP {answer.status}, {answer.headers | trailers}")
        pet = pet_pb2.Pet.FromString(messages[0])
        _expect(pet.display_name == "Rex", f"got {pet.display_name!r}")
        return f"{pet.display_name}, {pet.price_cents} cents"

    def viewer_looks(self) -> str:
        return str(self.gateway.call("GET", f"/v1/{self._pet}", self._viewer)["displayName"])

    def viewer_changes(self) -> str:
        return self._refused(403, "DELETE", self._pet, self._viewer)

    def other_organisation(self) -> str:
        return self._refused(404, "GET", "orgs/someone-else/pets", self._token)

    def _refused(self, status: int, verb: str, path: str, token: str, body: object = None) -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = self.gateway.send(verb, f"/service/v1/{path}", content, headers)
        _expect(answer.status == status, f"answered {answer.status}, not {status}: {answer.error()}")
        return f"{status}: {answer.error()}"


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Astray(otherwise)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _channel(gateway: Gateway) -> grpc.Channel:
    import grpc

    return grpc.secure_channel(gateway.authority, grpc.ssl_channel_credentials(gateway.demo.ca_file.read_bytes()))


def _frames(body: bytes) -> tuple[list[bytes], dict[str, str]]:
    """The messages and the trailers of a gRPC-Web body."""
    messages, trailers = [], {}
    while len(body) >= _HEADER_BYTES:
        flags, length = body[0], int.from_bytes(body[1:_HEADER_BYTES], "big")
        content, body = body[_HEADER_BYTES : _HEADER_BYTES + length], body[_HEADER_BYTES + length :]
        if flags & _TRAILERS:
            pairs = (line.partition(":") for line in content.decode().split("\r\n") if line)
            trailers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        else:
            messages.append(content)
    return messages, trailers
