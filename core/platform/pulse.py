"""Tells whether the loops of a process still come round."""

from __future__ import annotations

import time

# A busy machine may keep a thread waiting for so long.
SLACK_SECONDS = 5.0


class Pulse:
    """Is told by each loop, at every turn, by when it will come round again."""

    def __init__(self) -> None:
        # Each loop writes its own entry, which Python does without a lock.
        self._due_at: dict[str, float] = {}

    def turn(self, loop: str, *, within_seconds: float) -> None:
        """Notes that the loop came round, and will again."""
        self._due_at[loop] = time.monotonic() + within_seconds

    def rest(self, loop: str) -> None:
        """Notes that the loop is not to be waited for: it has ended, or waits for a server."""
        self._due_at.pop(loop, None)

    def stuck(self) -> list[str]:
        """Returns the loops that should have come round."""
        late = time.monotonic() - SLACK_SECONDS
        return sorted(loop for loop, due_at in dict(self._due_at).items() if due_at < late)
