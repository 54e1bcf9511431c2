"""Settings: a YAML file, then the environment, then secret files; validated once at start-up, frozen after.

A service's settings are the mesh's (`mesh:` in trustmesh.yaml, `TRUSTMESH_<KEY>`) and its own (`services.<name>:`,
`TRUSTMESH_<NAME>__<KEY>`); its own win. Any key may be given as `<key>_file` instead: the path of a file that holds the value,
which is how secrets are passed. In the environment, lists and mappings are written as YAML.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ADMIN_OFFSET = 1000
HTTP_OFFSET = 2000

REGISTRY_OFFSET = 480
PKI_OFFSET = 380
JOIN_OFFSET = 381
GATEWAY_OFFSET = 443


class SettingsError(ValueError):
    """The settings are unusable; the text names each key, where it was set and the mend, one a line."""


class ServiceSettings(BaseModel):
    """What every service needs to know. Durations are in seconds, sizes in bytes, ports are TCP."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    port_offset: ClassVar[int]
    """The service's port, counted from the mesh's base port."""

    home: Path
    base_port: int = Field(default=8000, ge=1024, le=55_000, description="moves every port of the mesh")
    trust_domain: str = Field(default="trustmesh.local", pattern=r"^[a-z0-9][a-z0-9.-]{0,254}$")
    issuer: str = Field(
        default="", pattern=r"^(https://[^?#]+)?$", description="iss of access tokens; the gateway's address by default"
    )
    audience: str = "trustmesh"

    host: str = "127.0.0.1"
    advertised_address: str = Field(default="127.0.0.1", description="the IP address under which the mesh finds this instance")
    port: int | None = Field(default=None, ge=1, le=65_535)
    admin_port: int | None = Field(default=None, ge=1, le=65_535)
    http_port: int | None = Field(default=None, ge=1, le=65_535)
    registry_address: str = Field(default="", pattern=r"^([^:/]+:\d+)?$")
    pki_address: str = Field(default="", pattern=r"^([^:/]+:\d+)?$")
    join_address: str = Field(default="", pattern=r"^([^:/]+:\d+)?$")

    database_url: str = Field(default="", description="SQLAlchemy URL; empty stands for a SQLite file in the service's home")
    migration_database_url: str = Field(
        default="", description="URL of the role that owns the tables; empty stands for database_url"
    )
    log_level: str = Field(default="info", pattern=r"^(debug|info|warning|error)$")
    trace_sampling: float = Field(
        default=0.01, ge=0, le=1, description="share of calls that make spans where the caller has not decided"
    )
    trace_endpoint: str = Field(default="", description="OTLP gRPC collector, host:port; empty: no spans leave the process")
    concurrency: int = Field(default=1000, ge=1, description="calls at once, above which the service refuses")
    max_connection_age: float = Field(default=300.0, ge=1)
    drain_delay: float = Field(default=1.0, ge=0, description="between NOT_SERVING and the end of new calls")
    drain_grace: float = Field(default=10.0, ge=0, description="for the calls under way to end")
    certificate_poll: float = Field(default=1.0, gt=0, description="how often clients look for a new certificate on disk")

    @property
    def public_port(self) -> int:
        return self.base_port + self.port_offset if self.port is None else self.port

    @property
    def private_port(self) -> int:
        """The admin endpoint's, on 127.0.0.1 only."""
        return self.public_port + ADMIN_OFFSET if self.admin_port is None else self.admin_port

    @property
    def web_port(self) -> int:
        """The HTTPS port of a service whose contract mounts HTTP paths."""
        return self.public_port + HTTP_OFFSET if self.http_port is None else self.http_port

    @property
    def registry(self) -> str:
        return self.registry_address or f"localhost:{self.base_port + REGISTRY_OFFSET}"

    @property
    def pki(self) -> str:
        return self.pki_address or f"localhost:{self.base_port + PKI_OFFSET}"

    @property
    def join(self) -> str:
        return self.join_address or f"localhost:{self.base_port + JOIN_OFFSET}"

    @property
    def token_issuer(self) -> str:
        return self.issuer or f"https://localhost:{self.base_port + GATEWAY_OFFSET}"

    def directory(self, service: str) -> Path:
        """The service's own part of the home."""
        return self.home / "services" / service


Settings = TypeVar("Settings", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class _Given:
    value: object
    source: str
    secret: bool = False


def load_settings(model: type[Settings], service: str, home: Path, environment: Mapping[str, str]) -> Settings:
    """Settings of `service` from `<home>/trustmesh.yaml` and `environment`.

    Raises SettingsError naming every key that is wrong.
    """
    given: dict[str, _Given] = {}
    file = home / "trustmesh.yaml"
    document = _read_yaml(file)
    given |= _section(document, ("mesh",), file)
    given |= _section(document, ("services", service), file)
    given |= _environment(model, service, environment)
    given = _read_secret_files(model, given)
    try:
        return model.model_validate({"home": home, **{key: each.value for key, each in given.items()}})
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(model, given, each) for each in error.errors())) from None


def _read_yaml(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        document = yaml.safe_load(file.read_text()) or {}
    except yaml.YAMLError as error:
        raise SettingsError(f"{file}: not valid YAML ({error}); correct the file") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{file}: must hold the sections 'mesh' and 'services', not a {type(document).__name__}")
    return document


def _section(document: dict[str, Any], path: tuple[str, ...], file: Path) -> dict[str, _Given]:
    section: Any = document
    for part in path:
        section = section.get(part) or {}
        if not isinstance(section, dict):
            raise SettingsError(f"{file}: {'.'.join(path)} must be a mapping of settings")
    return {key: _Given(value, f"{file}: {'.'.join(path)}.{key}") for key, value in section.items()}


def _environment(model: type[ServiceSettings], service: str, environment: Mapping[str, str]) -> dict[str, _Given]:
    own = f"TRUSTMESH_{service.upper()}__"
    known = {name for field in model.model_fields for name in (field, f"{field}_file")} - {"home"}
    mesh = {
        key: _Given(_parsed(value), f"environment variable {name}")
        for name, value in environment.items()
        if name.startswith("TRUSTMESH_") and (key := name.removeprefix("TRUSTMESH_").lower()) in known
    }
    return mesh | {
        name.removeprefix(own).lower(): _Given(_parsed(value), f"environment variable {name}")
        for name, value in environment.items()
        if name.startswith(own)
    }


def _parsed(value: str) -> object:
    if not value.startswith(("[", "{")):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def _read_secret_files(model: type[ServiceSettings], given: dict[str, _Given]) -> dict[str, _Given]:
    read: dict[str, _Given] = {}
    for key, each in given.items():
        target = key.removesuffix("_file")
        if target == key or key in model.model_fields or target not in model.model_fields:
            read[key] = each
            continue
        try:
            read[target] = _Given(Path(str(each.value)).read_text().strip(), f"{each.source} ({each.value})", secret=True)
        except OSError as error:
            raise SettingsError(
                f"{each.source}: cannot read {each.value} ({error.strerror}); correct the path or its mode"
            ) from None
    return read


def _explain(model: type[ServiceSettings], given: Mapping[str, _Given], error: Any) -> str:
    key = str(error["loc"][0])
    each = given[key]
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, model.model_fields, 1)
        mend = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(sorted(model.model_fields))}"
        return f"{each.source}: unknown setting; {mend}"
    shown = "" if each.secret else f", not {error['input']!r}"
    return f"{each.source}: {error['msg']}{shown}"
