"""How calls to the key management service fail; see the contract's `reasons` for which method answers with which."""

from __future__ import annotations

from trustmesh_chassis.errors import AlreadyExists, FailedPrecondition, InvalidArgument


class KmsSealed(FailedPrecondition):
    """The barrier is sealed."""

    def __init__(self) -> None:
        super().__init__("the key management service is sealed; an operator unseals it with SealService.Unseal")


class UnsealRefused(FailedPrecondition):
    """The unsealer did not give the root key."""


class KeyExists(AlreadyExists):
    """The key id is taken."""


class AlgorithmUnsuitable(InvalidArgument):
    """The algorithm does not serve the purpose."""


class TooManyVersions(FailedPrecondition):
    """The key has as many versions as a key may have."""


class PurposeMismatch(FailedPrecondition):
    """The key is for another purpose."""


class KeyVersionDisabled(FailedPrecondition):
    """The version is not enabled."""


class KeyVersionExhausted(FailedPrecondition):
    """The version has encrypted as many messages as its algorithm bears."""


class DecryptionFailed(InvalidArgument):
    """The one answer to whatever is wrong with a ciphertext or its additional data."""

    def __init__(self) -> None:
        super().__init__("the ciphertext was not made by this key with this additional data, or was changed since")


class ChecksumMismatch(InvalidArgument):
    """Bytes arrived other than they were sent."""


class DigestUnsupported(InvalidArgument):
    """The algorithm signs data, not digests."""


class BatchTooLarge(InvalidArgument):
    """The batch holds more bytes than a call may."""


class SignatureInvalid(Exception):
    """The signature was not made by this key over this message. The domain raises; the contract answers `valid = false`."""
