"""Counts the places of a worker, shared by the consumers of all its queues."""

from __future__ import annotations

import threading


class Places:
    """Has as many places as the worker has threads, so that no message waits behind a busy one."""

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._changed = threading.Condition()

    def wait(self, seconds: float) -> bool:
        """Waits for a free place; tells whether there is one."""
        with self._changed:
            return self._changed.wait_for(lambda: self._free > 0, seconds)

    def gather(self, seconds: float) -> None:
        """Waits until half of the places are free, so that much is fetched at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._free * 2 >= self._places, seconds)

    def reserve(self, most: int) -> int:
        """Takes up to `most` of the places that are free now; returns how many."""
        with self._changed:
            taken = max(0, min(most, self._free))
            self._free -= taken
            return taken

    def give_back(self, places: int = 1) -> None:
        """Frees places whose messages are done with, or that nothing came for."""
        with self._changed:
            self._free += places
            self._changed.notify_all()
