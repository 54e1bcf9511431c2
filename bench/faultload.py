"""Load on a running mesh that remembers every failed call, and everything that was acknowledged.

One thread for each way of calling; `Load(home)` is a context manager. A further process calls from inside the mesh over `xds:///`:
`python -m bench.faultload HOME SERVICE...` calls these services until its standard input ends, then prints what became of that as
JSON.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).parents[1]
SECONDS = 20.0
"""The longest that a call may take before it counts as failed."""
INSIDE = "petstore"
"""The service whose identity the caller inside the mesh has."""
SERVICES = ("authz", "kms", "petstore", "pki", "ratelimit", "registry")

Step = Callable[[], None]


class CallRefused(Exception):
    """An answer that is no success."""


@dataclass
class Tally:
    """What became of the calls of one caller; `failures` are sentences."""

    caller: str
    calls: int = 0
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count one call, failed if it raises."""
        begun = time.time()
        self.calls += 1
        try:
            yield
        except Exception as problem:
            at = time.strftime("%H:%M:%S", time.gmtime(begun)) + f".{int(begun * 1000) % 1000:03d}"
            sentence = " ".join(str(problem).split())[:400]
            self.failures.append(f"{at} {self.caller}: {type(problem).__name__} {sentence} after {time.time() - begun:.2f} s")


class Rest:
    """REST calls at the gateway, over one connection as long as the gateway keeps it, or over a new one for each call."""

    def __init__(self, gateway: str, roots: Path, *, keep: bool) -> None:
        self._address = urlsplit(gateway)
        self._tls = ssl.create_default_context(cafile=str(roots))
        self._keep = keep
        self._connection: http.client.HTTPSConnection | None = None

    def call(self, verb: str, path: str, token: str, body: Any = None) -> Any:
        """The JSON answer; raises CallRefused for any but a 200, OSError or HTTPException where there is none."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.send(verb, path, headers, None if body is None else json.dumps(body))

    def send(self, verb: str, path: str, headers: dict[str, str], body: str | None) -> Any:
        """As `call`, with header fields and body as given."""
        connection = self._connection or http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=SECONDS, context=self._tls
        )
        self._connection = connection if self._keep else None
        try:
            connection.request(verb, path, body, headers)
            response = connection.getresponse()
            text = response.read()
        except Exception:
            self._connection = None
            connection.close()
            raise
        if not self._keep:
            connection.close()
        if response.status != 200:
            raise CallRefused(f"{verb} {path}: {response.status} {text.decode(errors='replace')}")
        return json.loads(text or b"{}")


class Load:
    """Callers of every kind on the mesh of `home`, from entering until leaving; what they did stays to be read."""

    def __init__(self, home: Path, *, pause: float = 0.02, inside: Sequence[str] = SERVICES) -> None:
        """Each caller rests `pause` seconds after a call; `inside` are the services that are called over `xds:///`."""
        demo = json.loads((home / "demo.json").read_text())
        self._home = home
        self._gateway: str = demo["gateway"]
        self._roots = Path(demo["ca_file"])
        self._client = demo["clients"][0]
        self._org = f"orgs/{demo['org']}"
        self._run = secrets.token_hex(4)
        self._pause, self._inside = pause, inside
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._process: subprocess.Popen[str] | None = None
        self._token = ""
        self.tallies: list[Tally] = []
        self.pets: list[str] = []
        """Names of the pets whose creation was acknowledged."""
        self.ciphertexts: list[tuple[str, str]] = []
        """Plaintext and ciphertext of each acknowledged encryption, in base64."""

    @property
    def calls(self) -> int:
        return sum(tally.calls for tally in self.tallies)

    @property
    def failures(self) -> list[str]:
        return sorted(failure for tally in self.tallies for failure in tally.failures)

    def summary(self) -> str:
        """One line."""
        kinds = ", ".join(f"{tally.caller} {tally.calls}" for tally in self.tallies)
        kept = f"{len(self.pets)} pets, {len(self.ciphertexts)} ciphertexts"
        return f"{self.calls} calls, {len(self.failures)} failed ({kinds}); acknowledged {kept}"

    def __enter__(self) -> Self:
        once = self._rest(keep=False)
        self._token = self._new_token(once)
        body = {"purpose": "KEY_PURPOSE_ENCRYPT_DECRYPT"}
        once.call("POST", f"/service/v1/{self._org}/keys?keyId=load-{self._run}", self._token, body)
        callers: dict[str, Callable[[], Iterator[Step]]] = {
            "tokens": self._tokens,
            "new connections": partial(self._by_rest, keep=False, number=1),
            "one connection": partial(self._by_rest, keep=True, number=2),
            "gRPC": self._by_grpc,
        }
        if self._inside:
            self._process = _start_inside(self._home, self._inside)
        for caller, steps in callers.items():
            tally = Tally(caller)
            self.tallies.append(tally)
            self._threads.append(threading.Thread(target=self._go, args=(tally, steps), name=caller))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._process is not None:
            told, _ = self._process.communicate("", timeout=2 * SECONDS)
            self.tallies.append(Tally(**json.loads(told)))

    def lost(self) -> list[str]:
        """What was acknowledged and is not there any more."""
        rest, token = self._rest(keep=True), self._new_token(self._rest(keep=False))
        there, page = set(), ""
        while True:
            answer = rest.call("GET", f"/service/v1/{self._org}/pets?pageSize=1000&pageToken={quote(page)}", token)
            there |= {pet["name"] for pet in answer.get("pets", [])}
            page = answer.get("nextPageToken", "")
            if not page:
                break
        lost = [name for name in self.pets if name not in there]
        for begin in range(0, len(self.ciphertexts), 500):
            some = self.ciphertexts[begin : begin + 500]
            items = [{"ciphertext": ciphertext} for _, ciphertext in some]
            results = rest.call("POST", f"/service/v1/{self._key}:batchDecrypt", token, {"items": items})["results"]
            lost += [
                f"ciphertext {begin + number}: {result}"
                for number, ((plaintext, _), result) in enumerate(zip(some, results, strict=True))
                if result.get("response", {}).get("plaintext") != plaintext
            ]
        return lost

    @property
    def _key(self) -> str:
        return f"{self._org}/keys/load-{self._run}"

    def _rest(self, *, keep: bool) -> Rest:
        return Rest(self._gateway, self._roots, keep=keep)

    def _go(self, tally: Tally, steps: Callable[[], Iterator[Step]]) -> None:
        for step in steps():
            with tally.call():
                step()
            if self._stop.wait(self._pause):
                return

    def _new_token(self, rest: Rest) -> str:
        basic = base64.b64encode(f"{self._client['client_id']}:{self._client['client_secret']}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        return str(rest.send("POST", "/oauth2/token", headers, "grant_type=client_credentials")["access_token"])

    def _tokens(self) -> Iterator[Step]:
        """A token twice a second, which all use from then on."""
        rest = self._rest(keep=False)

        def take() -> None:
            self._token = self._new_token(rest)

        while not self._stop.wait(0.5):
            yield take

    def _by_rest(self, *, keep: bool, number: int) -> Iterator[Step]:
        rest = self._rest(keep=keep)
        count = 0

        def read() -> None:
            rest.call("GET", f"/service/v1/{self._org}/pets?pageSize=2", self._token)

        while True:
            count += 1
            yield partial(self._create, rest, f"load-{self._run}-{number}-{count}")
            yield partial(self._encrypt, rest)
            yield read

    def _create(self, rest: Rest, pet: str) -> None:
        body = {"displayName": "Load", "species": "SPECIES_DOG", "priceCents": "1"}
        self.pets.append(rest.call("POST", f"/service/v1/{self._org}/pets?petId={pet}", self._token, body)["name"])

    def _encrypt(self, rest: Rest) -> None:
        plaintext = base64.b64encode(secrets.token_bytes(48)).decode()
        answer = rest.call("POST", f"/service/v1/{self._key}:encrypt", self._token, {"plaintext": plaintext})
        self.ciphertexts.append((plaintext, answer["ciphertext"]))

    def _by_grpc(self) -> Iterator[Step]:
        import grpc

        from trustmesh.kms.v1.crypto_service_pb2 import EncryptRequest
        from trustmesh.kms.v1.crypto_service_pb2_grpc import CryptoServiceStub
        from trustmesh.petstore.v1.pet_pb2 import SPECIES_CAT, Pet
        from trustmesh.petstore.v1.pet_service_pb2 import CreatePetRequest
        from trustmesh.petstore.v1.pet_service_pb2_grpc import PetServiceStub

        credentials = grpc.ssl_channel_credentials(self._roots.read_bytes())
        with grpc.secure_channel(urlsplit(self._gateway).netloc, credentials) as channel:
            keys, pets = CryptoServiceStub(channel), PetServiceStub(channel)
            count = 0

            def metadata() -> tuple[tuple[str, str]]:
                return (("authorization", f"Bearer {self._token}"),)

            def create() -> None:
                pet = Pet(display_name="Load", species=SPECIES_CAT)
                request = CreatePetRequest(parent=self._org, pet_id=f"load-{self._run}-3-{count}", pet=pet)
                self.pets.append(pets.CreatePet(request, timeout=SECONDS, metadata=metadata()).name)

            def encrypt() -> None:
                plaintext = secrets.token_bytes(48)
                request = EncryptRequest(name=self._key, plaintext=plaintext)
                answer = keys.Encrypt(request, timeout=SECONDS, metadata=metadata())
                self.ciphertexts.append((base64.b64encode(plaintext).decode(), base64.b64encode(answer.ciphertext).decode()))

            while True:
                count += 1
                yield create
                yield encrypt


def _start_inside(home: Path, services: Sequence[str]) -> subprocess.Popen[str]:
    """The process that calls from inside, when it has reached every one of the services once."""
    path = os.pathsep.join(str(ROOT / part) for part in ("", "services", "gen/python"))
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.faultload", str(home), *services],
        env={**os.environ, "PYTHONPATH": path, "GRPC_VERBOSITY": "NONE"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise CallRefused(f"the caller inside the mesh did not start: {process.wait()}")
    return process


def call_inside(home: Path, services: Sequence[str]) -> None:
    """Call the services over `xds:///` until standard input ends; print the tally."""
    from trustmesh_chassis.clients import write_bootstrap
    from trustmesh_chassis.settings import GATEWAY_OFFSET, REGISTRY_OFFSET

    gateway = urlsplit(json.loads((home / "demo.json").read_text())["gateway"])
    registry = f"localhost:{(gateway.port or 0) - GATEWAY_OFFSET + REGISTRY_OFFSET}"
    bootstrap, node = home / f"load-{os.getpid()}.json", f"load-{os.getpid()}"
    write_bootstrap(bootstrap, node, INSIDE, registry, home / "services" / INSIDE / "identity" / "current", 0.5)

    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest
    from grpc_health.v1.health_pb2_grpc import HealthStub

    ended = threading.Event()

    def until_told() -> None:
        sys.stdin.read()
        ended.set()

    credentials = grpc.xds_channel_credentials(grpc.ssl_channel_credentials())
    tally = Tally("inside")
    with ExitStack() as stack:
        channels = {name: stack.enter_context(grpc.secure_channel(f"xds:///{name}", credentials)) for name in services}
        for channel in channels.values():
            grpc.channel_ready_future(channel).result(SECONDS)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Thread(target=until_told, daemon=True).start()
        stubs = {name: HealthStub(channel) for name, channel in channels.items()}
        while not ended.is_set():
            for name, stub in stubs.items():
                with tally.call():
                    try:
                        # It waits for a connection, as this method has no policy and so no retries.
                        stub.Check(HealthCheckRequest(), timeout=SECONDS, wait_for_ready=True)
                    except grpc.RpcError as error:
                        raise CallRefused(f"{name}: {error.code()} {error.details()}") from None
            time.sleep(0.02)
    bootstrap.unlink()
    sys.stdout.write(json.dumps(vars(tally)))


if __name__ == "__main__":
    call_inside(Path(sys.argv[1]), sys.argv[2:])
