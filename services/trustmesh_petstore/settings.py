"""What an operator may set: what every service has, and nothing more."""

from __future__ import annotations

from typing import ClassVar

from trustmesh_chassis.settings import ServiceSettings


class PetstoreSettings(ServiceSettings):
    """The pet store has no settings of its own."""

    port_offset: ClassVar[int] = 980
