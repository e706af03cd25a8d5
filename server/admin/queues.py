"""Tells Prometheus how many jobs wait in each queue, and for how long, when it asks."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.failures import RefusedError
from core.platform.system_database import SystemDatabase

SCRAPE_SECONDS = 2.0
WAITING = """
SELECT queue, count(*) AS waiting,
       coalesce(extract(epoch FROM now() - min(run_at)), 0)::float8 AS oldest_seconds
  FROM jobs WHERE state IN ('queued', 'dispatched') AND run_at <= now() GROUP BY queue
"""


class QueueCollector(Collector):
    """Reads the ledger once a scrape."""

    def __init__(self, system: SystemDatabase, queues: tuple[str, ...]) -> None:
        self._system = system
        self._queues = queues

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the depth and the age of each queue; nothing but a 0 where Postgres is away."""
        readable = GaugeMetricFamily(
            "howdah_jobs_readable", "Tells whether the ledger of jobs could be read (1) or not (0)."
        )
        try:
            with self._system.begin(timeout_seconds=SCRAPE_SECONDS) as transaction:
                rows = {row["queue"]: row for row in transaction.all(WAITING)}
        except RefusedError as refusal:
            structlog.get_logger().warning("queues_unreadable", reason=str(refusal))
            readable.add_metric([], 0)
            yield readable
            return
        readable.add_metric([], 1)
        waiting = GaugeMetricFamily(
            "howdah_jobs_waiting", "Number of jobs that could run now.", labels=["queue"]
        )
        oldest = GaugeMetricFamily(
            "howdah_jobs_oldest_waiting_seconds",
            "Seconds that the oldest of them has waited.",
            labels=["queue"],
        )
        # A queue nobody waits in is a 0 and not a gap.
        for queue in sorted({*self._queues, *rows}):
            row = rows.get(queue, {"waiting": 0, "oldest_seconds": 0.0})
            waiting.add_metric([queue], row["waiting"])
            oldest.add_metric([queue], row["oldest_seconds"])
        yield from (readable, waiting, oldest)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yields nothing: registering must not read the ledger."""
        yield from ()
