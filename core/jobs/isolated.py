"""Is the inside of the process of an isolated attempt: runs it, and minds the worker."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import psutil
import structlog

from core.jobs.crash import CountCrash
from core.jobs.finish import FinishJob
from core.jobs.job import Progress
from core.jobs.kind import JobKind
from core.jobs.lease import Lease, StopReason
from core.jobs.ledger import ticket_of
from core.jobs.order import STACK_FILE, Ended, Order, Renewed
from core.jobs.run_attempt import RunAttempt
from core.platform.database import Database
from core.platform.system_database import SystemDatabase

# How late progress may reach the worker, which writes it once a second.
REPORT_SECONDS = 0.2
# The worker is gone, and with it whoever keeps the lease.
ORPHANED = 1


def run_isolated(
    worker: Connection[Any, Any],
    order: Order,
    *,
    database: Database,
    system: SystemDatabase,
    kinds: Mapping[str, JobKind],
) -> None:
    """Runs the attempt to its end in the ledger, and tells the worker."""
    job, kind = order.job, kinds[order.job.kind]
    tempfile.tempdir = str(order.directory)
    _limit(order, kind)
    lease = Lease(
        ticket_of(job),
        since=order.renewed_at,
        lease_seconds=order.lease_seconds,
        wake=lambda: None,
    )
    line = _Line(worker, lease)
    run = RunAttempt(database, FinishJob(database, system), CountCrash(system), order.lease_seconds)
    with structlog.contextvars.bound_contextvars(**order.log_context):
        line.start()
        line.say(Ended(run(job, kind, lease)))


@contextmanager
def stack_kept(order: Order) -> Iterator[None]:
    """Has a crash, or SIGUSR1, write down where the process stands; C code cannot prevent it."""
    with (order.directory / STACK_FILE).open("w", encoding="utf-8") as file:
        faulthandler.enable(file)
        faulthandler.register(signal.SIGUSR1, file)
        try:
            yield
        finally:
            faulthandler.unregister(signal.SIGUSR1)
            faulthandler.disable()


def _limit(order: Order, kind: JobKind) -> None:
    """Has the kernel end what neither the worker nor this process can."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, order.kill_after_seconds)
    if kind.memory_limit_bytes is not None and sys.platform == "linux":
        # The worker sees what is used a moment later; this stops what asks for much at a time.
        most = kind.memory_limit_bytes + psutil.Process().memory_info().data
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


class _Line:
    """Hears the worker and tells it how far the attempt is, in a thread of its own."""

    def __init__(self, worker: Connection[Any, Any], lease: Lease) -> None:
        self._worker = worker
        self._lease = lease
        self._lock = threading.Lock()
        self._reported = Progress()

    def start(self) -> None:
        """Begins to listen."""
        threading.Thread(target=self._run, name="worker-line", daemon=True).start()

    def say(self, message: object) -> None:
        """Tells the worker something; where it is gone this process is no longer wanted."""
        try:
            with self._lock:
                self._worker.send(message)
        except OSError:
            os._exit(ORPHANED)

    def _run(self) -> None:
        try:
            while True:
                if self._worker.poll(REPORT_SECONDS):
                    self._heed(self._worker.recv())
                # Told, not taken: the ending writes the last one, which the worker may not have.
                if (progress := self._lease.current) != self._reported:
                    self._reported = progress
                    self.say(progress)
        except (EOFError, OSError):
            os._exit(ORPHANED)

    def _heed(self, message: object) -> None:
        if isinstance(message, Renewed):
            self._lease.renewed(message.at)
        elif isinstance(message, StopReason):
            self._lease.stop(message)
