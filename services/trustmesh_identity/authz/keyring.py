"""The signing keys as this instance holds them, and the two tasks that keep them: rotation and publication."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from trustmesh_chassis.errors import CallError, Unavailable
from trustmesh_identity.authz.issuing import Signer, coordinates, jwks, thumbprint
from trustmesh_identity.authz.ports import Clock, Sealer, SigningKeyRepository
from trustmesh_identity.authz.signing_keys import Keys, Rotation, SigningKey, State, advance, current_of, published, rotate

log = logging.getLogger(__name__)

JWKS_KEY = "authz/jwks"
"""The configuration key under which every verifier of the mesh finds the public keys."""


class PublishedValues(Protocol):
    """The mesh's configuration, as far as it is needed here."""

    def get(self, key: str) -> Any: ...

    async def publish(self, key: str, value: Any) -> None: ...


def generate_p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class Keyring:
    """Signs with the current key; instances agree through the repository."""

    def __init__(
        self,
        repository: SigningKeyRepository,
        sealer: Sealer,
        rotation: Rotation,
        clock: Clock,
        generate: Callable[[], ec.EllipticCurvePrivateKey] = generate_p256,
    ) -> None:
        self._repository = repository
        self._sealer = sealer
        self._rotation = rotation
        self._clock = clock
        self._generate = generate
        self._keys: Keys = ()
        self._signer: Signer | None = None

    @property
    def signer(self) -> Signer:
        """Raises Unavailable before the first refresh."""
        if self._signer is None:
            raise Unavailable("The signing keys are not loaded yet.", retry_after=1.0)
        return self._signer

    @property
    def keys(self) -> Keys:
        """All keys that are to be published, by age."""
        return self._keys

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return jwks(self._keys)

    async def refresh(self) -> None:
        """Do what is due (make, promote, drop) and take over what other instances did."""
        keys = await self._repository.load()
        if self._advance(keys) is not keys:
            keys = await self._repository.change(self._advance)
        self._use(keys)

    async def rotate(self) -> SigningKey:
        """Make the next key current now, and return it. Raises NextKeyTooYoung."""
        self._use(await self._repository.change(lambda keys: rotate(keys, self._clock(), self._rotation, self._new_key)))
        return self._current()

    async def mark_published(self, kids: Iterable[str]) -> None:
        """Note that every verifier was sent these keys."""
        marked = tuple(kids)
        self._use(await self._repository.change(lambda keys: published(keys, marked, self._clock())))

    def _advance(self, keys: Keys) -> Keys:
        return advance(keys, self._clock(), self._rotation, self._new_key)

    def _new_key(self, sequence: int) -> SigningKey:
        private = self._generate()
        x, y = coordinates(private.public_key())
        kid = thumbprint(x, y)
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return SigningKey(sequence, kid, State.NEXT, x, y, self._sealer.seal(der, kid), self._clock())

    def _current(self) -> SigningKey:
        current = current_of(self._keys)
        if current is None:
            raise Unavailable("There is no signing key.", retry_after=1.0)
        return current

    def _use(self, keys: Keys) -> None:
        self._keys = keys
        current = self._current()
        if self._signer is None or self._signer.kid != current.kid:
            key = load_der_private_key(self._sealer.unseal(current.sealed_private, current.kid), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError("a signing key is not an elliptic curve key")
            self._signer = Signer(current.kid, key)
            log.info("signing with key %s", current.kid)


async def keep_rotating(keyring: Keyring, poll: float) -> None:
    """Refresh every `poll` seconds; a database that is away is waited for, the keys at hand sign on."""
    while True:
        await asyncio.sleep(poll)
        try:
            await keyring.refresh()
        except CallError as error:
            log.warning("the signing keys could not be refreshed: %s", error)


async def keep_published(keyring: Keyring, configuration: PublishedValues, poll: float) -> None:
    """Keep what the mesh has equal to the keyring's JWKS, looking every `poll` seconds."""
    while True:
        try:
            await publish(keyring, configuration)
        except CallError as error:
            log.warning("the published signing keys could not be noted: %s", error)
        await asyncio.sleep(poll)


async def publish(keyring: Keyring, configuration: PublishedValues) -> None:
    """Publish the JWKS if the mesh has another, and note since when it has each key."""
    kids = [key.kid for key in keyring.keys]
    document = keyring.jwks()
    if configuration.get(JWKS_KEY) != document:
        await configuration.publish(JWKS_KEY, document)
    if any(key.publish_time is None and key.kid in kids for key in keyring.keys):
        await keyring.mark_published(kids)
