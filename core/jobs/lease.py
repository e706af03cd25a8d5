"""Is a worker's hold on one running job: whether it must stop, and how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum

from core.jobs.job import Progress
from core.jobs.ledger import Ticket

# One write a second reaches the database, however often the job tells how far it is.
PROGRESS_SECONDS = 1.0
# Of the lease that may pass without a heartbeat. The rest is for the attempt to notice.
SAFE_PART = 2 / 3
LONGEST_MESSAGE = 500
LONGEST_PHASE = 100
LARGEST_COUNT = 2**63 - 1


class StopReason(Enum):
    """Says why an attempt has to end."""

    CANCELLED = "cancelled"
    LEASE_LOST = "lease lost"
    DRAINING = "draining"
    TIMED_OUT = "timed out"
    # Of the worker as a whole, which drains for it.
    OUT_OF_MEMORY = "out of memory"


# The worker has to go, and the attempt goes on elsewhere.
YIELDS = frozenset({StopReason.DRAINING, StopReason.OUT_OF_MEMORY})


class Lease:
    """Is shared by the thread that runs the job and the one that sends heartbeats."""

    def __init__(
        self,
        ticket: Ticket,
        *,
        since: float,
        lease_seconds: float,
        wake: Callable[[], None],
        limit_seconds: float | None = None,
        isolated: bool = False,
    ) -> None:
        self.ticket = ticket
        self.began_at = since
        self.limit_seconds = limit_seconds
        # Whether the attempt has a process of its own, and this one's thread only looks on.
        self.isolated = isolated
        # When Postgres last knew the lease as ours, on the monotonic clock.
        self.renewed_at = since
        self._safe_seconds = lease_seconds * SAFE_PART
        self._wake = wake
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._current = Progress()
        self._unwritten: Progress | None = None
        self._due_at = 0.0

    @property
    def stop_reason(self) -> StopReason | None:
        """Returns why the attempt has to end, or None. A lease runs out without being told so."""
        if time.monotonic() > self.renewed_at + self._safe_seconds:
            return StopReason.LEASE_LOST
        return self._reason

    def is_overdue(self, grace_seconds: float) -> bool:
        """Tells whether a thread goes on although its time, and the grace, are over."""
        limit = self.limit_seconds
        return limit is not None and time.monotonic() > self.began_at + limit + grace_seconds

    def stop(self, reason: StopReason) -> None:
        """Asks the attempt to end. The first reason stands, but a lost lease outweighs all."""
        with self._lock:
            if self._reason is None or reason is StopReason.LEASE_LOST:
                self._reason = reason

    def renewed(self, since: float) -> None:
        """Notes that Postgres knew the lease as ours at `since`, on the monotonic clock."""
        self.renewed_at = max(self.renewed_at, since)

    @property
    def current(self) -> Progress:
        """Returns how far the job is."""
        return self._current

    def tell(self, progress: Progress) -> None:
        """Notes how far the job is; `done` does not fall within a phase."""
        progress = _clean(progress)
        with self._lock:
            before, waiting = self._current, self._unwritten is not None
            turned = progress.phase != before.phase
            if not turned and progress.done < before.done:
                return
            self._current = self._unwritten = progress
            if turned:
                self._due_at = 0.0
        # Whoever sends heartbeats has planned for what was waiting already.
        if turned or not waiting:
            self._wake()

    def progress_due_at(self) -> float | None:
        """Returns when, on the monotonic clock, there is progress to be written; None for never."""
        with self._lock:
            return None if self._unwritten is None else self._due_at

    def take_progress(self) -> Progress | None:
        """Returns progress that was not written yet, for whoever is about to write it."""
        with self._lock:
            taken, self._unwritten = self._unwritten, None
            if taken is not None:
                self._due_at = time.monotonic() + PROGRESS_SECONDS
            return taken

    def give_progress_back(self, progress: Progress) -> None:
        """Notes that taken progress could not be written, unless there is newer already."""
        with self._lock:
            if self._unwritten is None:
                self._unwritten = progress


def _clean(progress: Progress) -> Progress:
    """Returns what surely fits the column: a bad message must not cost the other jobs a beat."""
    return Progress(
        phase=_text(progress.phase, LONGEST_PHASE),
        done=max(0, min(progress.done, LARGEST_COUNT)),
        total=max(0, min(progress.total, LARGEST_COUNT)),
        message=_text(progress.message, LONGEST_MESSAGE),
    )


def _text(text: str, longest: int) -> str:
    return text[:longest].replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
