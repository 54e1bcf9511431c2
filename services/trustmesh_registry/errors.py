"""What the registry refuses."""

from __future__ import annotations

from trustmesh_chassis.errors import ResourceExhausted


class TooManyInstances(ResourceExhausted):
    """The service has as many instances as the registry keeps."""


class TooManyConfigurations(ResourceExhausted):
    """The registry keeps as many values as it may."""
