"""The barrier: nothing leaves the service for the database but sealed, and nothing sealed can be read before an unsealer helped.

Three tiers: the unsealer wraps the root key, the root key wraps the content keys, the newest content key seals values. All of
it is XAES-256-GCM, so random nonces need no counting, with additional data that says what and whose each value is: a value that
was moved to another row, organisation or version does not open.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag

from trustmesh_chassis.errors import DataLoss
from trustmesh_kms.errors import KmsSealed, UnsealRefused
from trustmesh_kms.ports import BarrierRecord, BarrierStore, Unsealer
from trustmesh_kms.xaes import KEY_SIZE, NONCE_SIZE, TAG_SIZE, Buffer, Xaes256Gcm

log = logging.getLogger(__name__)

_FORMAT: Final = 1
_HEADER: Final = struct.Struct(">BI")
_BODY: Final = _HEADER.size + NONCE_SIZE


def context(*parts: str | int) -> bytes:
    """Additional data that names what a value is; each part is length-prefixed, so no two lists of parts are the same bytes."""
    return b"".join(len(part).to_bytes(4) + part for part in (str(each).encode() for each in ("trustmesh.kms.v1", *parts)))


def clear(buffer: bytearray) -> None:
    """Overwrite a buffer in place."""
    buffer[:] = bytes(len(buffer))


class Barrier:
    """Seals and opens values while it is unsealed. It keeps cipher contexts, never key bytes."""

    def __init__(
        self, store: BarrierStore, unsealer: Unsealer, *, random: Callable[[int], bytes], clock: Callable[[], datetime]
    ) -> None:
        self.unsealer = unsealer
        self._store = store
        self._random = random
        self._clock = clock
        self._root: Xaes256Gcm | None = None
        self._content: dict[int, Xaes256Gcm] = {}
        self._newest = 0
        self._opening = asyncio.Lock()
        self._refusal = ""

    @property
    def sealed(self) -> bool:
        return self._root is None

    def require_unsealed(self) -> None:
        """Raises KmsSealed."""
        if self._root is None:
            raise KmsSealed

    async def check(self) -> None:
        """Readiness. Raises KmsSealed."""
        self.require_unsealed()

    def seal_value(self, value: Buffer, what: bytes) -> bytes:
        """`value` sealed as `what` (see `context`). Raises KmsSealed."""
        self.require_unsealed()
        header = _HEADER.pack(_FORMAT, self._newest)
        nonce = self._random(NONCE_SIZE)
        return b"".join((header, nonce, self._content[self._newest].encrypt(nonce, value, header + what)))

    def open_value(self, sealed: bytes, what: bytes) -> bytearray:
        """The value, in a buffer for the caller to clear. Raises KmsSealed, and DataLoss when it was not sealed as `what`."""
        self.require_unsealed()
        if len(sealed) < _BODY + TAG_SIZE:
            raise _tampered()
        form, number = _HEADER.unpack_from(sealed)
        key = self._content.get(number)
        if form != _FORMAT or key is None:
            raise _tampered()
        return _decrypt(key, sealed[_HEADER.size :], sealed[: _HEADER.size] + what)

    async def start(self) -> None:
        """Create the barrier at the very first start; then as `refresh`. Raises UnsealRefused when it cannot be created."""
        if await self._store.record() is None:
            await self._initialise()
        await self.refresh()

    async def refresh(self) -> int:
        """Bring memory in line with the stored record, sealing or unsealing as it says; its epoch.

        An unsealer that refuses leaves the barrier sealed, and is asked again at the next refresh.
        """
        async with self._opening:
            record = await self._store.record()
            if record is None or record.sealed:
                self._close()
            elif self.sealed or record.content_key != self._newest:
                await self._open_or_stay_sealed(record)
            return 0 if record is None else record.epoch

    async def record(self) -> BarrierRecord | None:
        """The stored record, for the status."""
        return await self._store.record()

    async def seal(self) -> None:
        """Seal here at once and everywhere with the next refresh, until `unseal`."""
        self._close()
        async with self._opening:
            await self._store.set_sealed(True, self._clock())
            self._close()

    async def unseal(self) -> None:
        """Open with the unsealer's help. Raises UnsealRefused."""
        async with self._opening:
            record = await self._store.record()
            if record is None:
                raise UnsealRefused("there is no barrier to unseal; restart the service with a database that it can write")
            await self._open(record)
            if record.sealed:
                await self._store.set_sealed(False, self._clock())

    async def rotate_content_key(self) -> None:
        """Seal new values with a new content key; the old ones stay for what they sealed. Raises KmsSealed."""
        await self.refresh()
        async with self._opening:
            root = self._root
            if root is None:
                raise KmsSealed
            number = self._newest + 1
            material, wrapped = self._new_content_key(root, number)
            try:
                if await self._store.add_content_key(number, wrapped, self._clock()):
                    self._content[number], self._newest = Xaes256Gcm(material), number
            finally:
                clear(material)

    async def _initialise(self) -> None:
        root_key = bytearray(self._random(KEY_SIZE))
        material = bytearray()
        try:
            wrapped_root = await self.unsealer.wrap(root_key)
            material, wrapped = self._new_content_key(Xaes256Gcm(root_key), 1)
            await self._store.initialise(wrapped_root, wrapped, self._clock())
        finally:
            clear(root_key)
            clear(material)

    def _new_content_key(self, root: Xaes256Gcm, number: int) -> tuple[bytearray, bytes]:
        material = bytearray(self._random(KEY_SIZE))
        nonce = self._random(NONCE_SIZE)
        return material, nonce + root.encrypt(nonce, material, context("content_keys", number))

    async def _open_or_stay_sealed(self, record: BarrierRecord) -> None:
        try:
            await self._open(record)
        except UnsealRefused as refusal:
            self._close()
            if refusal.message != self._refusal:
                self._refusal = refusal.message
                log.error("the key management service stays sealed: %s", refusal.message)

    async def _open(self, record: BarrierRecord) -> None:
        root_key = await self.unsealer.unwrap(record.wrapped_root)
        try:
            root = Xaes256Gcm(root_key)
        finally:
            clear(root_key)
        content: dict[int, Xaes256Gcm] = {}
        for number, wrapped in (await self._store.content_keys()).items():
            material = _decrypt(root, wrapped, context("content_keys", number))
            content[number] = Xaes256Gcm(material)
            clear(material)
        if self.sealed:
            log.info("the barrier is unsealed by %s", self.unsealer.kind)
        self._root, self._content, self._newest, self._refusal = root, content, max(content), ""

    def _close(self) -> None:
        if not self.sealed:
            log.warning("the barrier is sealed")
        self._root, self._content, self._newest = None, {}, 0


def _decrypt(key: Xaes256Gcm, sealed: bytes, what: bytes) -> bytearray:
    value = bytearray(max(len(sealed) - NONCE_SIZE - TAG_SIZE, 0))
    try:
        key.decrypt_into(sealed[:NONCE_SIZE], memoryview(sealed)[NONCE_SIZE:], what, value)
    except (InvalidTag, ValueError):
        raise _tampered() from None
    return value


def _tampered() -> DataLoss:
    return DataLoss("stored key material is damaged or was tampered with; restore it from a backup")
