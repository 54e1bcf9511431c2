"""The logs of the programs: each in its own file of bounded size, and all of them, one line after the other, to the terminal."""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

FILE_BYTES = 4 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_REMEMBERED = 20
_COLOURS = (36, 35, 34, 33, 32, 96, 95, 94, 93, 92)
_LEVEL_COLOURS = {"debug": 90, "warning": 33, "error": 31, "critical": 31}
_SHOWN_APART = frozenset({"time", "level", "service", "logger", "message", "exception"})


class LogFile:
    """Appends to a file; when it has grown to `limit` bytes it becomes `<name>.1`, in place of the one before."""

    def __init__(self, path: Path, limit: int = FILE_BYTES) -> None:
        self._path = path
        self._limit = limit
        self._open()

    def _open(self) -> None:
        self._stream = self._path.open("ab", buffering=0)
        self._size = self._stream.tell()
        self._path.chmod(0o600)

    def write(self, line: bytes) -> None:
        if self._size + len(line) > self._limit and self._size:
            self.close()
            self._path.rename(self._path.with_name(self._path.name + ".1"))
            self._open()
        self._stream.write(line)
        self._size += len(line)

    def close(self) -> None:
        self._stream.close()


@dataclass(slots=True)
class Lines:
    """Cuts a stream of bytes into lines; a line longer than 64 KiB is cut."""

    rest: bytes = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        yield from lines
        if len(self.rest) > _LONGEST_LINE:
            yield self.rest
            self.rest = b""

    def end(self) -> Iterator[bytes]:
        if self.rest:
            yield self.rest
            self.rest = b""


class Console:
    """Where people read the logs. On a terminal JSON lines become readable and coloured; elsewhere they stay as they are."""

    def __init__(self, stream: TextIO, names: list[str], *, readable: bool | None = None) -> None:
        self._stream = stream
        self._readable = stream.isatty() if readable is None else readable
        self._width = max(map(len, [*names, "trustmesh"]))
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}

    def line(self, name: str, line: str) -> None:
        if self._readable:
            line = f"\x1b[{self._colours.get(name, 97)}m{name.ljust(self._width)}\x1b[0m {_readable(line)}"
        elif not line.startswith("{"):
            line = json.dumps({"service": name, "message": line})
        self.text(line)

    def text(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text + "\n")
            self._stream.flush()


class Journal:
    """One program's log: to its file, to the console, and the last lines remembered to say why it died."""

    def __init__(self, name: str, directory: Path, console: Callable[[str, str], None], limit: int = FILE_BYTES) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / f"{name}.log"
        self._name = name
        self._file = LogFile(self.path, limit)
        self._console = console
        self._last: deque[str] = deque(maxlen=_REMEMBERED)

    def write(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk must not stop the mesh; the console still has the line
            self._file.write(line + b"\n")
        text = line.decode(errors="replace")
        self._last.append(text)
        self._console(self._name, text)

    def forget(self) -> None:
        """What comes from here on belongs to a new process."""
        self._last.clear()

    def reason(self) -> str:
        """The last line that tells why a program ended: its last error, or its last line."""
        messages = [(entry.get("level", ""), entry["message"]) for entry in map(_entry, self._last) if entry["message"].strip()]
        errors = [message for level, message in messages if level in ("error", "critical")]
        last = (errors or [message for _, message in messages] or [""])[-1]
        return last.strip().splitlines()[0][:300] if last.strip() else ""

    def close(self) -> None:
        self._file.close()


def _entry(line: str) -> dict[str, str]:
    with contextlib.suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict) and "message" in value:
            return {key: str(each) for key, each in value.items()}
    return {"message": line}


def _readable(line: str) -> str:
    entry = _entry(line)
    if "level" not in entry:
        return _access(entry["message"]) or entry["message"]
    colour = _LEVEL_COLOURS.get(entry["level"], 0)
    more = " ".join(f"{key}={value}" for key, value in entry.items() if key not in _SHOWN_APART and value != "None")
    head = f"\x1b[90m{entry.get('time', '')[11:23]}\x1b[0m \x1b[{colour}m{entry['level'][:5].ljust(5)} {entry['message']}\x1b[0m"
    tail = f" \x1b[90m{more}\x1b[0m" if more else ""
    exception = f"\n{entry['exception']}" if entry.get("exception") else ""
    return head + tail + exception


def _access(line: str) -> str:
    """A line of the gateway's access log for people; empty for any other line."""
    try:
        entry = json.loads(line)
        return (
            f"\x1b[90m{entry['time'][11:23]}\x1b[0m {entry['method']} {entry['path']} {entry['status']} {entry['duration_ms']} ms"
        )
    except (ValueError, KeyError, TypeError):
        return ""
