"""Fires schedules at their time, beside the dispatcher."""

from __future__ import annotations

import threading

from prometheus_client import CollectorRegistry

from core.platform.signals import SCHEDULES_CHANGED, JobSignals
from core.schedules.metrics import ScheduleMetrics
from core.schedules.use_cases import Schedules
from workers.chore import AFTER_FAULT_SECONDS, done


class Scheduler:
    """Works until told to stop. Any number of schedulers may run at a time."""

    def __init__(
        self, schedules: Schedules, signals: JobSignals, registry: CollectorRegistry
    ) -> None:
        self._schedules = schedules
        self._signals = signals
        self._metrics = ScheduleMetrics(registry)
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ends `run` soon."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Sleeps until the next fire is due, or a schedule was made or changed."""
        self._signals.hear(SCHEDULES_CHANGED, lambda _nothing: self._wake.set())
        while not self._stopping.is_set():
            # Cleared first: what is announced during the round calls for another.
            self._wake.clear()
            self._wake.wait(self._fire())

    def _fire(self) -> float:
        """Fires what is due and returns the seconds until more is."""
        seconds = AFTER_FAULT_SECONDS

        def fire() -> None:
            nonlocal seconds
            seconds = self._schedules.fire(self._metrics.observe)

        done("fire_schedules", fire)
        return seconds
