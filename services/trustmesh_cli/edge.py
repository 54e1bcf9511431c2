"""Calls through the gateway, with nothing but the standard library: quick to import, plain to read."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from trustmesh_cli.home import Demo, DemoClient
from trustmesh_cli.problem import Exit, Problem

_SECONDS = 15.0
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; an empty one is an empty object."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return {"message": self.body[:200].decode(errors="replace")}

    def error(self) -> str:
        """What an error answer says, in one sentence; the gateway's and OAuth's shapes are known."""
        value = self.json()
        if not isinstance(value, dict):
            return str(value)
        inner = value.get("error", value)
        if isinstance(inner, dict):
            return str(inner.get("message", inner))
        return str(value.get("error_description", inner))


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway that demo.json names."""

    demo: Demo

    @property
    def authority(self) -> str:
        return urlsplit(self.demo.gateway).netloc

    def token(self, client: DemoClient) -> dict[str, Any]:
        """The token endpoint's answer for the client's credentials: access_token, expires_in, scope."""
        credentials = base64.b64encode(f"{quote(client.client_id)}:{quote(client.client_secret)}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
        answer = self.send("POST", "/oauth2/token", urlencode({"grant_type": "client_credentials"}).encode(), headers)
        if answer.status != 200:
            raise Problem(
                f"no token for client {client.name!r}: {answer.error()}", "is demo.json of this home? see `trustmesh check`"
            )
        token: dict[str, Any] = answer.json()
        return token

    def call(self, verb: str, path: str, token: str, body: Any = None) -> Any:
        """A REST call below /service; raises Problem for anything but success."""
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = self.send(verb, f"/service{path}", json.dumps(body).encode() if body is not None else None, headers)
        if answer.status >= 300:
            raise Problem(f"{verb} /service{path} answered {answer.status}: {answer.error()}")
        return answer.json()

    def send(self, verb: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """One HTTP request; raises Problem when the gateway cannot be reached or is not the mesh's."""
        parts = urlsplit(self.demo.gateway)
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_SECONDS, context=self._tls())
        try:
            connection.request(verb, path, body, headers)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read(_MOST_BYTES))
        except ssl.SSLCertVerificationError as error:
            sentence = f"the server at {self.demo.gateway} is not this mesh's gateway ({error.verify_message})"
            raise Problem(sentence, "does another mesh run on its port?", Exit.CONFLICT) from None
        except (OSError, http.client.HTTPException) as error:
            sentence = f"the gateway at {self.demo.gateway} cannot be reached ({error or type(error).__name__})"
            raise Problem(sentence, "is the mesh up? see `trustmesh status`", Exit.NOT_RUNNING) from None
        finally:
            connection.close()

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=str(self.demo.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise Problem(f"{self.demo.ca_file} holds no certificate ({error})", "see `trustmesh check`", Exit.DAMAGED) from None
