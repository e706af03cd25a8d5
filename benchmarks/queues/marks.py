"""Has every job of a benchmark leave the time at which it ran, in one file for all processes."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

VARIABLE = "BENCH_MARKS"
TIME = struct.Struct("d")
LOOK_SECONDS = 0.002


class Marks:
    """Is the file. The monotonic clock is the machine's, so times of all processes compare."""

    def __init__(self) -> None:
        self._path = Path(os.environ[VARIABLE])
        # Opened once, and inherited by what is forked for a job.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)

    def leave(self) -> None:
        """Leaves a mark; the kernel appends it whole."""
        os.write(self._descriptor, TIME.pack(time.monotonic()))

    def count(self) -> int:
        """Returns how many jobs have run."""
        return os.fstat(self._descriptor).st_size // TIME.size

    def wait_for(self, jobs: int, seconds: float) -> float:
        """Returns when the job that completed the number ran; raises where they do not run."""
        give_up = time.monotonic() + seconds
        while self.count() < jobs:
            if time.monotonic() > give_up:
                raise RuntimeError(f"{self.count()} jobs ran, not {jobs}")
            time.sleep(LOOK_SECONDS)
        at: float = TIME.unpack(os.pread(self._descriptor, TIME.size, (jobs - 1) * TIME.size))[0]
        return at
