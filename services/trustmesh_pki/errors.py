"""What a call to pki may be refused with."""

from trustmesh_chassis.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated, Unavailable


class RequestRefused(InvalidArgument):
    """The certificate request is not one that pki signs."""


class NameRefused(InvalidArgument):
    """A join token may not promise this name."""


class RootRefused(InvalidArgument):
    """The certificate is no root that the mesh could trust."""


class IntermediateRefused(InvalidArgument):
    """The certificate is not the one that was asked for."""


class JoinTokenUnknown(Unauthenticated):
    """No such join token was made."""


class JoinTokenExpired(Unauthenticated):
    """The join token's time is over."""


class JoinTokenSpent(FailedPrecondition):
    """The join token has been redeemed."""


class IssuerMissing(Unavailable):
    """There is no intermediate to issue with."""


class IntermediateInstalled(FailedPrecondition):
    """The intermediate has its certificate."""


class RootInUse(FailedPrecondition):
    """Something that chains to the root is still valid, or it is the only one."""


class IntermediateMissing(NotFound):
    """No such intermediate."""


class JoinTokenMissing(NotFound):
    """No such join token."""


class IdentityNotIssued(NotFound):
    """No such identity."""


class RootMissing(NotFound):
    """No such root."""


class TrustBundleMissing(NotFound):
    """No such trust bundle."""


class IntermediateExists(AlreadyExists):
    """An intermediate of that name exists."""


class JoinTokenExists(AlreadyExists):
    """A join token of that name exists."""
