"""Tells Prometheus what waits in each queue and who is there to run it, when it asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.failures import RefusedError
from core.jobs.ledger import WORKER_GONE_SECONDS
from core.jobs.stranded import stranded, waiting
from core.platform.postgres import Row
from core.platform.system_database import SystemDatabase

SCRAPE_SECONDS = 2.0
RUNNING = "SELECT queue, count(*) AS jobs FROM jobs WHERE state = 'running' GROUP BY queue"
PLACES = """
SELECT queue, sum(slots) AS places FROM workers, unnest(queues) AS name(queue)
 WHERE seen_at > now() - make_interval(secs => :gone) GROUP BY queue
"""


class QueueCollector(Collector):
    """Reads the ledger once a scrape."""

    def __init__(self, system: SystemDatabase, queues: tuple[str, ...]) -> None:
        self._system = system
        self._queues = queues

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the gauges of each queue; nothing but a 0 where Postgres is away."""
        readable = GaugeMetricFamily(
            "howdah_jobs_readable", "Tells whether the ledger of jobs could be read (1) or not (0)."
        )
        try:
            with self._system.begin(timeout_seconds=SCRAPE_SECONDS) as transaction:
                rows = waiting(transaction)
                running = transaction.all(RUNNING)
                places = transaction.all(PLACES, {"gone": WORKER_GONE_SECONDS})
        except RefusedError as refusal:
            structlog.get_logger().warning("queues_unreadable", reason=str(refusal))
            readable.add_metric([], 0)
            yield readable
            return
        readable.add_metric([], 1)
        yield readable
        yield from self._of_queues(rows, running, places)
        yield _without_worker(rows)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yields nothing: registering must not read the ledger."""
        yield from ()

    def _of_queues(
        self, rows: Sequence[Row], running: Sequence[Row], places: Sequence[Row]
    ) -> Iterator[GaugeMetricFamily]:
        known = {row["queue"] for row in (*rows, *running, *places)}
        # A queue nobody waits in is a 0 and not a gap.
        names = sorted(known | set(self._queues))

        def gauge(name: str, sentence: str, values: dict[str, float]) -> GaugeMetricFamily:
            family = GaugeMetricFamily(name, sentence, labels=["queue"])
            for queue in names:
                family.add_metric([queue], values.get(queue, 0))
            return family

        depth: dict[str, float] = {}
        oldest: dict[str, float] = {}
        for row in rows:
            depth[row["queue"]] = depth.get(row["queue"], 0) + row["jobs"]
            oldest[row["queue"]] = max(oldest.get(row["queue"], 0.0), row["oldest_seconds"])
        yield gauge("howdah_jobs_waiting", "Number of jobs that could run now.", depth)
        yield gauge(
            "howdah_jobs_oldest_waiting_seconds",
            "Seconds that the oldest of them has waited.",
            oldest,
        )
        yield gauge(
            "howdah_jobs_running",
            "Number of jobs that run.",
            {row["queue"]: row["jobs"] for row in running},
        )
        yield gauge(
            "howdah_worker_places",
            "Number of jobs that the live workers can run at a time.",
            {row["queue"]: row["places"] for row in places},
        )


def _without_worker(rows: Sequence[Row]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "howdah_jobs_without_worker",
        "Number of jobs that could run now, but that no live worker of their queue knows.",
        labels=["kind"],
    )
    for kind in stranded(rows):
        family.add_metric([kind.kind], kind.jobs)
    return family
