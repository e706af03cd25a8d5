"""Tells Prometheus whether schedules fire, when it asks."""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.failures import RefusedError
from core.platform.system_database import SystemDatabase
from core.schedules.schedule import ON_TIME

SCRAPE_SECONDS = 2.0
OVERDUE = "SELECT count(*) AS schedules FROM schedules WHERE next_fire_at < now() - :on_time"


class ScheduleCollector(Collector):
    """Counts once a scrape."""

    def __init__(self, system: SystemDatabase) -> None:
        self._system = system

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the gauge; nothing where Postgres is away."""
        try:
            with self._system.begin(timeout_seconds=SCRAPE_SECONDS) as transaction:
                row = transaction.one(OVERDUE, {"on_time": ON_TIME})
        except RefusedError as refusal:
            structlog.get_logger().warning("schedules_unreadable", reason=str(refusal))
            return
        assert row is not None
        overdue = GaugeMetricFamily(
            "howdah_schedules_overdue",
            "Number of schedules whose next fire is late by more than a minute.",
        )
        overdue.add_metric([], row["schedules"])
        yield overdue

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yields nothing: registering must not read the schedules."""
        yield from ()
