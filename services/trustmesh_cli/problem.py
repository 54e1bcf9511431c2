"""What ends a command: its exit code and one sentence for the person at the terminal."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `trustmesh`, documented in docs/operations/cli.md."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_RUNNING = 3
    UNHEALTHY = 4
    CONFLICT = 5
    DAMAGED = 6
    INTERRUPTED = 130


EXIT_CODES = """\b
Exit codes:
  0  done
  1  it failed, for the reason printed
  2  the command line is wrong
  3  the mesh is not running
  4  the mesh runs, but something in it is not healthy
  5  a port or the home is in use by something else
  6  the home's files are damaged or have the wrong mode"""


class Problem(Exception):
    """A command cannot go on: `sentence` names what is wrong, `mend` what to do about it."""

    def __init__(self, sentence: str, mend: str = "", code: Exit = Exit.FAILURE) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.mend = mend
        self.code = code

    def __str__(self) -> str:
        return f"{self.sentence}; {self.mend}" if self.mend else self.sentence
