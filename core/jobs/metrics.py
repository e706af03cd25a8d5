"""Times the attempts of jobs, and counts those that failed and those that were rescued."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from core.jobs.job import JobState
from core.jobs.rescue import Rescued

# Seconds. The fastest jobs take milliseconds, and a kind's limit is 15 minutes unless it says so.
BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


class JobMetrics:
    """Holds the metrics of a worker process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "job_duration_seconds",
            "Seconds an attempt ran, by the state it left its job in.",
            ("kind", "state"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._failures = Counter(
            "job_failures_total",
            "Number of attempts that failed, by reason.",
            ("kind", "reason"),
            registry=registry,
        )
        self._quarantined = _quarantined(registry)

    def observe(self, kind: str, state: str, seconds: float, reason: str | None) -> None:
        """Counts one attempt that ended."""
        self._seconds.labels(kind, state).observe(seconds)
        if reason is not None:
            self._failures.labels(kind, reason).inc()
        if state == JobState.QUARANTINED:
            self._quarantined.inc()


class RescueMetrics:
    """Holds the metrics of a dispatcher; each job is counted by the one that saw to it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._unclaimed = Counter(
            "howdah_jobs_unclaimed_total",
            "Number of times that no worker took a job handed over to it.",
            registry=registry,
        )
        self._requeued = Counter(
            "howdah_jobs_requeued_total",
            "Number of times that a job was queued again for a lost worker.",
            registry=registry,
        )
        self._quarantined = _quarantined(registry)
        self._expired = Counter(
            "howdah_jobs_expired_total",
            "Number of jobs that were not started in the time given them.",
            registry=registry,
        )

    def observe(self, rescued: Rescued) -> None:
        """Counts one round."""
        self._unclaimed.inc(rescued.unclaimed)
        self._requeued.inc(rescued.requeued)
        self._quarantined.inc(rescued.quarantined)
        self._expired.inc(rescued.expired)


def _quarantined(registry: CollectorRegistry) -> Counter:
    """Returns the counter that workers and dispatchers share: either may see the third crash."""
    return Counter(
        "howdah_jobs_quarantined_total",
        "Number of jobs whose third worker was lost.",
        registry=registry,
    )
