"""Counts the fires of schedules and times how late they were, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from core.schedules.schedule import FireResult

# Seconds. A fire is due at a whole minute and made within a second, unless something was away.
BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3_600.0, 86_400.0)


class ScheduleMetrics:
    """Holds the two metrics of a scheduler."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fires = Counter(
            "schedule_fires_total",
            "Number of fires, by what became of them.",
            ("result",),
            registry=registry,
        )
        self._late = Histogram(
            "schedule_fire_lateness_seconds",
            "Seconds from the time of a fire that was not missed until it was made.",
            buckets=BUCKETS,
            registry=registry,
        )

    def observe(self, result: FireResult, seconds_late: float) -> None:
        """Counts one fire."""
        self._fires.labels(result.value).inc()
        if result is not FireResult.MISSED:
            self._late.observe(seconds_late)
