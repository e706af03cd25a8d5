"""Times the attempts of jobs and counts those that failed, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

# Seconds. The fastest jobs take milliseconds, and a kind's limit is 15 minutes unless it says so.
BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


class JobMetrics:
    """Holds the two metrics of a worker process."""

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

    def observe(self, kind: str, state: str, seconds: float, reason: str | None) -> None:
        """Counts one attempt that ended."""
        self._seconds.labels(kind, state).observe(seconds)
        if reason is not None:
            self._failures.labels(kind, reason).inc()
