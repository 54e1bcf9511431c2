"""pki's settings."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from trustmesh_chassis.settings import PKI_OFFSET, ServiceSettings


class PkiSettings(ServiceSettings):
    """What pki needs to know beyond every service. Durations are in seconds."""

    port_offset: ClassVar[int] = PKI_OFFSET

    leaf_lifetime: float = Field(default=3600.0, ge=2, le=86_400, description="life of a service's certificate")
    root_propagation: float = Field(
        default=3600.0, ge=0, description="between a new root's entry into the bundle and the first certificate under it"
    )
    history_days: int = Field(default=90, ge=1, description="how long ended certificates stay in the issuance history")
    seal_key: Path | None = Field(
        default=None,
        description="file of the 32 bytes under which intermediates' keys are sealed; seal.key in pki's home by default",
    )

    @property
    def seal_key_path(self) -> Path:
        return self.seal_key or self.directory("pki") / "seal.key"

    @property
    def seeds(self) -> Path:
        """Where seed files are dropped."""
        return self.directory("pki") / "seeds"
