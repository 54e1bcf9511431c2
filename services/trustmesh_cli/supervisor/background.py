"""Into the background and back: a daemon whose starter waits until it is ready."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Report = dict[str, Any]


@dataclass(slots=True)
class Starter:
    """The daemon's line to the command that started it; cut after the first report."""

    pipe: int | None

    def tell(self, report: Report) -> None:
        if self.pipe is not None:
            with os.fdopen(self.pipe, "w") as stream:
                json.dump(report, stream)
            self.pipe = None


def detach(work: Callable[[Starter], int], log: Path) -> Report | None:
    """Run `work` in a daemon and wait for what it tells; None when it died without a word. Its output goes to `log`."""
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    first = os.fork()
    if first == 0:
        os.close(read)
        os.setsid()
        if os.fork():
            os._exit(0)
        _become_daemon(work, Starter(write), log)
    os.close(write)
    os.waitpid(first, 0)
    with os.fdopen(read) as stream:
        text = stream.read()
    return dict(json.loads(text)) if text else None


def _become_daemon(work: Callable[[Starter], int], starter: Starter, log: Path) -> None:
    code = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        code = work(starter)
    except BaseException as error:
        sys.stderr.write(f"the supervisor ended ({type(error).__name__}): {error}\n")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
