"""Watches a worker from inside: its loops, its memory, and attempts that do not end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import psutil
import structlog
from dramatiq import Broker, Middleware, Worker
from prometheus_client import CollectorRegistry, Counter

from core.config import Settings
from core.jobs.crash import CountCrash
from core.jobs.ending import timed_out
from core.jobs.heartbeat import Heartbeat
from core.jobs.lease import Lease, StopReason
from core.platform.life_line import LifeLine
from core.platform.pulse import Pulse

LOOK_SECONDS = 0.5
# Of its memory limit, at which a worker does not wait for its jobs any more.
HARD_PART = 2
MIB = 1024**2
OVERDUE, MEMORY = "overdue_attempt", "memory"


class Watch(Middleware):
    """Shows the supervisor that the worker lives, and has it replaced where it is spent."""

    def __init__(
        self,
        settings: Settings,
        heartbeat: Heartbeat,
        crash: CountCrash,
        pulse: Pulse,
        registry: CollectorRegistry,
        *,
        leave: Callable[[], None],
    ) -> None:
        self._heartbeat = heartbeat
        self._crash = crash
        self._pulse = pulse
        self._grace_seconds = settings.job_stop_grace_seconds
        self._memory_limit_bytes = settings.worker_memory_limit_mib * MIB
        self._leave = leave
        self._life_line = LifeLine.from_environment()
        self._process = psutil.Process()
        self._main_process = os.getppid()
        self._draining = False
        self._recycled = False
        self._stuck: list[str] = []
        self._recycles = Counter(
            "worker_recycled_total",
            "Number of times that a worker had itself replaced, by reason.",
            ("reason",),
            registry=registry,
        )

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Begins to watch."""
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Minds the loops no more: they are about to end."""
        self._draining = True

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self._look_at_loops()
                self._look_for_overdue()
                self._look_at_memory()
            except Exception:  # noqa: BLE001 - who does not watch is taken for hung.
                structlog.get_logger().exception("watch_broken")
            pause.wait(LOOK_SECONDS)

    def _look_at_loops(self) -> None:
        stuck = [] if self._draining else self._pulse.stuck()
        if not stuck:
            self._life_line.alive()
        elif stuck != self._stuck:
            structlog.get_logger().error("worker_stuck", loops=stuck)
        self._stuck = stuck

    def _look_for_overdue(self) -> None:
        for lease in self._heartbeat.abandon_overdue(self._grace_seconds):
            structlog.get_logger().error(
                "job_abandoned", tenant_id=lease.ticket.tenant_id, job_id=lease.ticket.job_id
            )
            # In a thread, because Postgres may hang.
            threading.Thread(target=self._count, args=(lease,), daemon=True).start()
            self._recycle(OVERDUE)

    def _count(self, lease: Lease) -> None:
        assert lease.limit_seconds is not None
        self._crash(lease.ticket, timed_out(lease.limit_seconds))

    def _look_at_memory(self) -> None:
        limit = self._memory_limit_bytes
        used = self._process.memory_info().rss if limit else 0
        if used > HARD_PART * limit:
            structlog.get_logger().critical("worker_out_of_memory", used_bytes=used)
            self._life_line.leaving()
            self._leave()
        elif used > limit:
            # Before the signal: attempts learn the first reason that they are given.
            self._heartbeat.drain(StopReason.OUT_OF_MEMORY)
            self._recycle(MEMORY, used_bytes=used)

    def _recycle(self, reason: str, **facts: int) -> None:
        """Has Dramatiq stop this worker as at any other stop; the supervisor starts another."""
        if self._recycled:
            return
        self._recycled = True
        structlog.get_logger().warning("worker_recycled", reason=reason, **facts)
        self._recycles.labels(reason).inc()
        self._life_line.leaving()
        # Its main process, which would take our end for an accident; unless that is gone.
        main = os.getppid()
        os.kill(main if main == self._main_process else os.getpid(), signal.SIGTERM)
