"""Counts the places of a worker, shared by the consumers of all its queues."""

from __future__ import annotations

import threading

# What waits behind jobs that take less than this does not wait long.
QUICK_SECONDS = 0.02
# Weight of the last job in the mean; the first jobs of a worker are not taken for quick.
WEIGHT = 0.1
UNKNOWN_SECONDS = 1.0


class Places:
    """Has as many places as the worker has threads, so that no message waits behind a slow job.

    While jobs are quick it has as many again: what is fetched at once costs less than one by one.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken = 0
        self._mean_seconds = UNKNOWN_SECONDS
        self._changed = threading.Condition()

    def wait(self, seconds: float) -> bool:
        """Waits for a free place; tells whether there is one."""
        with self._changed:
            return self._changed.wait_for(lambda: self._free() > 0, seconds)

    def gather(self, seconds: float) -> None:
        """Waits until half of the places are free, so that much is fetched at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._free() * 2 >= self._all(), seconds)

    def reserve(self, most: int) -> int:
        """Takes up to `most` of the places that are free now; returns how many."""
        with self._changed:
            taken = max(0, min(most, self._free()))
            self._taken += taken
            return taken

    def give_back(self, places: int = 1) -> None:
        """Frees places whose messages are done with, or that nothing came for."""
        with self._changed:
            self._taken -= places
            self._changed.notify_all()

    def note(self, seconds: float) -> None:
        """Learns how long a job took."""
        with self._changed:
            self._mean_seconds += WEIGHT * (seconds - self._mean_seconds)

    def _all(self) -> int:
        return self._places * (2 if self._mean_seconds < QUICK_SECONDS else 1)

    def _free(self) -> int:
        return self._all() - self._taken
