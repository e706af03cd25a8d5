"""Is the pipe on which a process shows its supervisor that it lives."""

from __future__ import annotations

import os
from contextlib import suppress

from core.config import LIFE_LINE

ALIVE = b"."
# Said once, before a process ends by itself in order to be replaced.
LEAVING = b"!"


class LifeLine:
    """Says nothing where no supervisor listens."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def from_environment(cls) -> LifeLine:
        """Returns the line that the supervisor gave this process, or a mute one."""
        descriptor, _, pipe = os.environ.get(LIFE_LINE, "").partition(":")
        try:
            # Somebody who inherited the variable alone may have another file under that number.
            listens = descriptor.isdecimal() and os.fstat(int(descriptor)).st_ino == int(pipe)
        except (OSError, ValueError):
            listens = False
        return cls(int(descriptor) if listens else None)

    def alive(self) -> None:
        """Shows that this process lives. Whoever falls silent after that is taken for hung."""
        self._say(ALIVE)

    def leaving(self) -> None:
        """Says that the end of this process will be no accident."""
        self._say(LEAVING)

    def _say(self, word: bytes) -> None:
        if self._descriptor is not None:
            # A full pipe has been heard enough, and a closed one has nobody behind it.
            with suppress(OSError):
                os.write(self._descriptor, word)


def open_line() -> tuple[int, int]:
    """Returns the supervisor's end and the process's end of a new line; neither blocks."""
    ours, theirs = os.pipe()
    for end in (ours, theirs):
        os.set_blocking(end, False)
    return ours, theirs


def name_of(descriptor: int) -> str:
    """Returns what a process is told of its end: the descriptor, and the pipe behind it."""
    return f"{descriptor}:{os.fstat(descriptor).st_ino}"


def heard(descriptor: int) -> bytes:
    """Returns what was said since the last time."""
    try:
        return os.read(descriptor, 65_536)
    except BlockingIOError:
        return b""
