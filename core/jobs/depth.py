"""Measures the queues: how many jobs wait and run, and how long the oldest has waited."""

from __future__ import annotations

from dataclasses import dataclass

from core.jobs import ledger
from core.jobs.ledger import Capacity
from core.platform.database import SystemDatabase


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Is the state of one queue; `oldest_seconds` is 0 where nothing is due."""

    queue: str
    waiting: int
    running: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class MeasureQueues:
    """Looks at all tenants' jobs together, for the operator."""

    system: SystemDatabase

    def __call__(self) -> list[QueueDepth]:
        """Returns the queues that have jobs waiting or running."""
        with self.system.begin() as transaction:
            rows = transaction.all(
                """
                SELECT queue, count(*) FILTER (WHERE state <> 'running') AS waiting,
                    count(*) FILTER (WHERE state = 'running') AS running,
                    COALESCE(EXTRACT(EPOCH FROM now() - min(run_at)
                        FILTER (WHERE state <> 'running' AND run_at <= now())), 0)::float AS oldest
                FROM jobs WHERE state IN ('queued', 'dispatched', 'running')
                GROUP BY queue ORDER BY queue
                """
            )
        return [
            QueueDepth(row["queue"], row["waiting"], row["running"], row["oldest"]) for row in rows
        ]

    def capacities(self) -> list[Capacity]:
        """Returns what the live workers of each queue can take."""
        with self.system.begin() as transaction:
            return ledger.capacities(transaction)
