"""Hears whether a program still lives, from the supervisor's end of its life line."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.platform.life_line import LEAVING, heard, open_line

# A supervisor that was itself held up for longer has heard nobody, and blames nobody for it.
LONGEST_LOOK_SECONDS = 2.0


class LifeSigns:
    """Measures the silence of one program. A program that has never said anything may be silent."""

    def __init__(self) -> None:
        self._line: int | None = None
        # Whether the process has begun its work.
        self.spoke = False
        self._silent_seconds = 0.0
        self._listened_at = 0.0
        # Whether the process said that its end would be no accident.
        self.left = False

    @contextmanager
    def line(self) -> Iterator[int]:
        """Yields the end for a process that is being started; the one before is forgotten."""
        if self._line is not None:
            os.close(self._line)
        self._line, theirs = open_line()
        self.left = False
        self.forget()
        try:
            yield theirs
        finally:
            os.close(theirs)

    def forget(self) -> None:
        """Waits for the first sign anew."""
        self.spoke, self._silent_seconds = False, 0.0

    def listen(self) -> float:
        """Returns for how long the program has been silent after it had spoken."""
        now = time.monotonic()
        passed, self._listened_at = now - self._listened_at, now
        said = b"" if self._line is None else heard(self._line)
        if said:
            self.spoke, self._silent_seconds = True, 0.0
            self.left = self.left or LEAVING in said
        elif self.spoke:
            self._silent_seconds += min(passed, LONGEST_LOOK_SECONDS)
        return self._silent_seconds
