"""Counts and times deliveries, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

# Seconds. A good receiver takes milliseconds; the longest wait is a setting of up to a minute.
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)


class WebhookMetrics:
    """Holds the two metrics of a process that delivers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tries = Counter(
            "webhook_deliveries_total",
            "Number of tries to deliver a webhook, by what became of them.",
            ("result",),
            registry=registry,
        )
        self._seconds = Histogram(
            "webhook_delivery_seconds",
            "Seconds a try took, by what became of it.",
            ("result",),
            buckets=BUCKETS,
            registry=registry,
        )

    def observe(self, result: str, seconds: float) -> None:
        """Counts one try."""
        self._tries.labels(result).inc()
        self._seconds.labels(result).observe(seconds)

    def postponed(self) -> None:
        """Counts one that was not even tried, for its endpoint's sake."""
        self._tries.labels("postponed").inc()
