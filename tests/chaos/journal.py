"""Keeps when each attempt began and ended, and in which process, beside the databases that fail."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CHAOS_JOURNAL"


@dataclass(frozen=True)
class Attempt:
    """Is one run of a job's handler; `ended` is None where its process did not get so far."""

    number: int
    pid: int
    began: float
    ended: float | None


class Journal:
    """Is a file to which all processes append lines; the monotonic clock is the machine's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def began(self, number: int) -> None:
        self._write("began", number)

    def ended(self, number: int) -> None:
        self._write("ended", number)

    def attempts(self) -> list[Attempt]:
        """Returns all of them in the order in which they began."""
        return sorted(self._attempts(), key=lambda attempt: attempt.began)

    def _attempts(self) -> Iterator[Attempt]:
        began: dict[tuple[int, int], float] = {}
        for line in self._path.read_text("ascii").splitlines():
            word, number, pid, at = line.split()
            key = (int(number), int(pid))
            if word == "ended":
                yield Attempt(*key, began.pop(key), float(at))
                continue
            if key in began:
                # The same process took the job again, as after a lease that ran out.
                yield Attempt(*key, began[key], None)
            began[key] = float(at)
        for key, at_time in began.items():
            yield Attempt(*key, at_time, None)

    def _write(self, word: str, number: int) -> None:
        os.write(
            self._descriptor, f"{word} {number} {os.getpid()} {time.monotonic()}\n".encode("ascii")
        )


def rescue_seconds(attempts: Sequence[Attempt], kills: Sequence[tuple[int, float]]) -> list[float]:
    """Returns how long each job that a killed process held waited until it ran again.

    Raises ValueError where one whose handler had not ended never did.
    """
    found = []
    for pid, killed in kills:
        for attempt in attempts:
            if attempt.pid != pid or attempt.began > killed:
                continue
            again = [
                later.began
                for later in attempts
                if later.number == attempt.number and later.began > killed
            ]
            if again:
                found.append(min(again) - killed)
            elif attempt.ended is None:
                raise ValueError(f"job {attempt.number} was not run again")
    return found
