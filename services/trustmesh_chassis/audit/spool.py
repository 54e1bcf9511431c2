"""A durable queue of audit records in files: an append returns when its record is on the disk.

Appends that arrive while the disk is busy share the next write and fsync (group commit), so the cost of durability is paid per
batch and not per call; under load a batch waits a moment for more, since handing it to the disk costs more than the wait. A
failed write is taken back whole: every append of that batch fails, and the file ends after the last record that was
acknowledged.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trustmesh_chassis.errors import Unavailable

SEGMENT_BYTES = 64 * 1024 * 1024
COMMIT_DELAY = 0.002
"""Seconds for which a batch waits for more appends, when the batch before it had several."""


class AuditSpool:
    """Segments `<first record's number>.jsonl` under one directory, written by this process alone."""

    def __init__(self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open a segment of its own below `directory`; raises OSError when that cannot be written."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._busy = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="audit-spool")
        self._file, self._size = self._open_segment()

    async def append(self, record: bytes) -> None:
        """Write one record (a line without its end); returns when it is durable, raises Unavailable when it cannot be."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, written))
        if self._flush is None:
            self._flush = asyncio.create_task(self._run())
        await written

    async def close(self) -> None:
        """Wait for the appends under way, then let go of the file."""
        if self._flush is not None:
            await self._flush
        self._writer.shutdown()
        os.close(self._file)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self._busy:
                await asyncio.sleep(COMMIT_DELAY)
            batch, self._waiting = self._waiting, []
            self._busy = len(batch) > 1
            data = b"\n".join([record for record, _ in batch]) + b"\n"
            try:
                await loop.run_in_executor(self._writer, self._write, data)
                failure = None
            except OSError as error:
                failure = Unavailable(f"the audit record could not be written ({error.strerror}), so the call had no effect")
            for _, written in batch:
                if written.done():
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)
        self._flush = None

    def _write(self, data: bytes) -> None:
        if self._size and self._size + len(data) > self._segment_bytes:
            following = self._open_segment()  # first: when the disk is full, the present segment stays the one in use
            os.close(self._file)
            self._file, self._size = following
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._size += len(data)

    def _open_segment(self) -> tuple[int, int]:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        number = 1 + max((int(path.stem) for path in self._directory.glob("*.jsonl")), default=0)
        while True:
            try:
                file = os.open(self._directory / f"{number:012d}.jsonl", flags, 0o600)
            except FileExistsError:
                number += 1
                continue
            try:
                self._keep_entry()
            except OSError:
                os.close(file)
                raise
            return file, 0

    def _keep_entry(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
