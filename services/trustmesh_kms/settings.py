"""The service's own settings; the mesh's are the chassis's."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from trustmesh_chassis.settings import ServiceSettings


class KmsSettings(ServiceSettings):
    """Settings of the key management service."""

    port_offset: ClassVar[int] = 80

    unseal_key_path: Path | None = Field(
        default=None, description="file that holds the unseal key (development); by default unseal.key in the service's directory"
    )
    keys_remembered: int = Field(default=10_000, ge=1, description="keys and versions kept ready for use in memory")

    @property
    def unseal_key(self) -> Path:
        return self.directory("kms") / "unseal.key" if self.unseal_key_path is None else self.unseal_key_path
