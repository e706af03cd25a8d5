"""Is the dispatcher process: hands out due jobs, rescues lost ones, sweeps, fires schedules."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

import structlog
from prometheus_client import CollectorRegistry

from core.bootstrap import open_node
from core.config import ConfigError, Settings, load_settings
from core.jobs.metrics import RescueMetrics
from core.jobs.use_cases import Jobs
from core.platform.logging import configure_logging
from core.platform.signals import JOBS_WAITING
from core.platform.telemetry import new_registry
from workers.chore import AFTER_FAULT_SECONDS, done
from workers.scheduler import Scheduler

# Announcements come in bursts; one round serves all that came so far.
BETWEEN_ROUNDS_SECONDS = 0.005
# While jobs wait for a place, the workers free one long before the next regular round.
CROWDED_SECONDS = 0.04
SWEEP_SECONDS = 60.0
STRANDED_SECONDS = 15.0
# It walks through the whole storage.
FILE_SWEEP_SECONDS = 600.0
CHORE_END_SECONDS = 10.0
LOOK_SECONDS = 1.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Its name, the seconds from one time to the next, and what is done.
Chore: TypeAlias = tuple[str, float, Callable[[], object]]


class Dispatcher:
    """Works until told to stop. Any number of dispatchers may run at a time."""

    def __init__(
        self,
        jobs: Jobs,
        settings: Settings,
        *,
        sweep_files: Callable[[], object],
        registry: CollectorRegistry | None = None,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._jobs = jobs
        self._metrics = RescueMetrics(registry or CollectorRegistry())
        self._interval = settings.job_dispatch_interval_seconds
        self._chores: tuple[Chore, ...] = (
            ("rescue", settings.job_rescue_interval_seconds, self._rescue),
            ("watch_for_stranded", STRANDED_SECONDS, jobs.watch_for_stranded),
            ("sweep", SWEEP_SECONDS, jobs.sweep),
            ("publish_kinds", SWEEP_SECONDS, jobs.publish_kinds),
            ("sweep_files", FILE_SWEEP_SECONDS, sweep_files),
            *chores,
        )
        self._pause = BETWEEN_ROUNDS_SECONDS
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ends `run` soon."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Dispatches at every announcement and every interval, with the chores beside it.

        Survives Postgres and Redis being away: what failed is done again a second later.
        """
        self._jobs.signals.hear(JOBS_WAITING, lambda _queue: self._wake.set())
        threads = [
            threading.Thread(target=self._repeat, args=chore, name=chore[0], daemon=True)
            for chore in self._chores
        ]
        for thread in threads:
            thread.start()
        while not self._stopping.is_set():
            # Cleared first: what is announced during the round calls for another.
            self._wake.clear()
            seconds = self._dispatch()
            self._stopping.wait(self._pause)
            self._wake.wait(max(0.0, seconds - self._pause))
        for thread in threads:
            thread.join(CHORE_END_SECONDS)

    def _dispatch(self) -> float:
        """Runs one round and returns the seconds until the next; sets how few they may be."""
        dispatched, crowded = 0, False

        def dispatch() -> None:
            nonlocal dispatched, crowded
            dispatched, crowded = self._jobs.dispatch()

        if not done("dispatch", dispatch):
            # Announcements do not hasten this one: they would only find the same fault again.
            self._pause = AFTER_FAULT_SECONDS
            return 0.0
        if crowded and not dispatched:
            # No place was free: nor do they here. Long jobs are looked at less often.
            self._pause = min(self._pause * 2, CROWDED_SECONDS)
        else:
            self._pause = BETWEEN_ROUNDS_SECONDS
        return self._pause if crowded else self._interval

    def _rescue(self) -> None:
        self._metrics.observe(self._jobs.rescue())

    def _repeat(self, name: str, seconds: float, do: Callable[[], object]) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(seconds if done(name, do) else AFTER_FAULT_SECONDS)


def main() -> int:
    """Dispatches until SIGTERM or SIGINT; a second signal ends it at once."""
    try:
        settings = load_settings()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logging(settings, "dispatcher")
    # Taken by this thread alone, and waited for: a handler could interrupt a lock being taken.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    with open_node(settings) as node:
        registry = new_registry()
        dispatcher = Dispatcher(
            node.jobs,
            settings,
            sweep_files=node.files.sweep,
            registry=registry,
            chores=[
                ("sweep_fires", SWEEP_SECONDS, node.schedules.sweep),
                ("sweep_webhooks", SWEEP_SECONDS, node.webhooks.sweep),
            ],
        )
        scheduler = Scheduler(node.schedules, node.jobs.signals, registry)
        threads = [
            threading.Thread(target=dispatcher.run, name="dispatch", daemon=True),
            threading.Thread(target=scheduler.run, name="schedule", daemon=True),
        ]
        for thread in threads:
            thread.start()
        structlog.get_logger().info("dispatcher_started", pid=os.getpid())
        while all(thread.is_alive() for thread in threads):
            if signal.sigtimedwait(STOP_SIGNALS, LOOK_SECONDS) is not None:
                break
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        scheduler.stop()
        dispatcher.stop()
        for thread in threads:
            thread.join()
    structlog.get_logger().info("dispatcher_stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
