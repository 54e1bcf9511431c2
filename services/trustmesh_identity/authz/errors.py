"""Errors of the service's methods. Those of the token endpoint are OAuth's own: see `oauth`."""

from trustmesh_chassis.errors import AlreadyExists, FailedPrecondition, NotFound, PermissionDenied


class ClientNotFound(NotFound):
    """There is no such client in the organisation."""


class ClientExists(AlreadyExists):
    """The organisation has a client of that id."""


class GrantNotHeld(PermissionDenied):
    """The caller would give a client more than they may do themselves."""


class NextKeyTooYoung(FailedPrecondition):
    """The next signing key was published too recently for every verifier to have it."""
