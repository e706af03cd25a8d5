"""Says how many jobs are to lie ready for workers that are all busy: enough for a short while."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

# What is ready cannot be overtaken any more. The dispatcher comes round well within this time.
READY_SECONDS = 0.1
# Over how long the rate at which the workers take jobs is smoothed.
SMOOTH_SECONDS = 0.3


class Lookahead:
    """Measures how fast one queue is taken from; used by one dispatcher, at every round."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rate = 0.0
        self._left = 0
        self._at = clock()

    def jobs(self, length: int) -> int:
        """Returns how many jobs the workers take in `READY_SECONDS`, at least 1.

        `length` is what lies ready now. What was taken since the last round tells the rate.
        """
        now = self._clock()
        taken, seconds = max(0, self._left - length), now - self._at
        self._rate = self._rate * math.exp(-seconds / SMOOTH_SECONDS) + taken / SMOOTH_SECONDS
        self._left, self._at = length, now
        return max(1, round(self._rate * READY_SECONDS))

    def pushed(self, jobs: int) -> None:
        """Notes that so many more lie ready since the length was asked for."""
        self._left += jobs
