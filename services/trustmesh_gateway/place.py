"""Where one Envoy keeps its files: apart from those of the one that it replaces, which still drains by its own admin socket."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def own_directory(parent: Path, pid: int) -> Path:
    """A new directory below `parent` for the process `pid`; those of processes that have ended are removed."""
    for other in parent.glob("[0-9]*"):
        if not _is_alive(int(other.name)) or int(other.name) == pid:
            shutil.rmtree(other, ignore_errors=True)
    directory = parent / str(pid)
    directory.mkdir(mode=0o700, parents=True)
    return directory


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
