"""Says what the submitter asks of a job queue; each `on_*` module beside this is one.

Such a module is imported by the submitter, which calls `connect()`, and by the workers.
"""

from __future__ import annotations

from typing import Protocol

REDIS_VARIABLE = "BENCH_REDIS_URL"
POSTGRES_VARIABLE = "BENCH_POSTGRES_URL"


class Queue(Protocol):
    """Takes jobs that leave a mark and do nothing else."""

    def submit(self) -> float:
        """Submits one job; returns when it was accepted, on the monotonic clock."""

    def submit_many(self, jobs: int) -> None:
        """Submits jobs in the way that the queue has for many at once."""

    def settled(self) -> bool:
        """Tells whether all jobs have ended and been acknowledged."""
