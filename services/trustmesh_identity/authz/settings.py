"""Settings of the authorization server."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from trustmesh_chassis.settings import ServiceSettings


class AuthzSettings(ServiceSettings):
    """Durations are in seconds."""

    port_offset: ClassVar[int] = 180

    token_lifetime: int = Field(default=600, ge=30, le=3600, description="life of an access token")
    rotation_period: int = Field(default=30 * 86_400, ge=60, description="how long a key signs before the next one does")
    rotation_lead: int = Field(default=300, ge=5, description="how long a key is published before it signs")
    rotation_poll: float = Field(default=5.0, gt=0, le=30, description="how often instances look for each other's rotations")
    sealing_key_path: Path | None = Field(
        default=None, description="the 32 bytes that seal signing keys, the same for all instances; by default in the home"
    )

    @field_validator("issuer")
    @classmethod
    def _is_an_origin(cls, issuer: str) -> str:
        """The metadata documents lie at the origin's root (RFC 8414, section 3), so the issuer has no path."""
        if issuer and issuer.count("/") != 2:
            raise ValueError("must be an origin without a path or a final slash")
        return issuer
