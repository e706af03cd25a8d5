"""Keeps the leases of one worker process: one statement for all, progress out, cancellation in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import structlog

from core.failures import RefusedError
from core.jobs import leases
from core.jobs.job import Job, Progress
from core.jobs.lease import Lease, StopReason
from core.jobs.ledger import Ticket, ticket_of
from core.jobs.store import json_text
from core.platform.pulse import Pulse
from core.platform.signals import JOB_CANCEL, JobSignals
from core.platform.system_database import SystemDatabase

STATEMENT_SECONDS = 5.0
# After a beat that failed, or that found a row locked.
SOON_SECONDS = 1.0
LOOP = "heartbeat"


class Heartbeat:
    """Sends a beat every so often, and at once where there is progress or a cancellation."""

    def __init__(
        self,
        system: SystemDatabase,
        *,
        lease_seconds: float,
        interval_seconds: float,
        pulse: Pulse | None = None,
    ) -> None:
        self.lease_seconds = lease_seconds
        # Tells whether an attempt was given up that still has a thread of this process.
        self.has_abandoned = False
        self._pulse = pulse or Pulse()
        self._system = system
        self._interval = interval_seconds
        self._lock = threading.Lock()
        self._leases: dict[tuple[str, str], Lease] = {}
        self._idle = threading.Event()
        self._idle.set()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._draining = False
        self._next_beat = 0.0
        self._thread = threading.Thread(target=self._run, name="job-heartbeat", daemon=True)

    def start(self, signals: JobSignals) -> None:
        """Begins to beat, and to listen for cancellations."""
        signals.hear(JOB_CANCEL, self._hear_cancel)
        self._thread.start()

    def close(self) -> None:
        """Ends the beats."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STATEMENT_SECONDS)

    @property
    def draining(self) -> bool:
        """Tells whether the worker takes no more jobs."""
        return self._draining

    def drain(self, reason: StopReason = StopReason.DRAINING) -> None:
        """Asks every attempt, and each that still begins, to end where it can be resumed."""
        self._draining = True
        for lease in self._held():
            # What runs in a process of its own has no part in the memory of this one.
            lease.stop(StopReason.DRAINING if lease.isolated else reason)

    def abandon_overdue(self, grace_seconds: float) -> list[Lease]:
        """Gives up the attempts that are so long over their time limit; returns their leases.

        They are renewed no more and may write nothing, but their threads cannot be ended.
        """
        with self._lock:
            overdue = [lease for lease in self._leases.values() if lease.is_overdue(grace_seconds)]
            for lease in overdue:
                self._forget(lease)
        for lease in overdue:
            self.has_abandoned = True
            lease.stop(StopReason.LEASE_LOST)
        return overdue

    def wait_until_idle(self, seconds: float) -> bool:
        """Waits until no attempt runs; tells whether that is so."""
        return self._idle.wait(seconds)

    def tickets(self) -> list[Ticket]:
        """Returns the jobs that run here."""
        return [lease.ticket for lease in self._held()]

    def releasable(self) -> list[Ticket]:
        """Returns the jobs that may be queued again without counting a crash."""
        full = StopReason.OUT_OF_MEMORY
        return [lease.ticket for lease in self._held() if lease.stop_reason is not full]

    @contextmanager
    def hold(
        self,
        job: Job,
        *,
        since: float,
        limit_seconds: float | None = None,
        isolated: bool = False,
    ) -> Iterator[Lease]:
        """Keeps the lease of a job that was claimed at `since` until the block ends.

        `limit_seconds` is how long the thread may take, which cannot be ended.
        """
        lease = Lease(
            ticket_of(job),
            since=since,
            lease_seconds=self.lease_seconds,
            wake=self._wake.set,
            limit_seconds=limit_seconds,
            isolated=isolated,
        )
        with self._lock:
            self._leases[job.tenant_id, job.job_id] = lease
            self._idle.clear()
        # After it is known, so that a drain that begins now reaches it in one way or the other.
        if self._draining:
            lease.stop(StopReason.DRAINING)
        try:
            yield lease
        finally:
            with self._lock:
                self._forget(lease)

    def beat(self) -> None:
        """Renews all leases now, and writes the progress that is due."""
        held, since = self._held(), time.monotonic()
        self._next_beat = since + self._interval
        if not held:
            return
        due = [lease.progress_due_at() for lease in held]
        taken = [
            lease.take_progress() if at is not None and at <= since else None
            for lease, at in zip(held, due, strict=True)
        ]
        try:
            with self._system.begin(timeout_seconds=STATEMENT_SECONDS) as transaction:
                renewals = leases.renew(
                    transaction,
                    [lease.ticket for lease in held],
                    [None if progress is None else _json(progress) for progress in taken],
                    lease_seconds=self.lease_seconds,
                )
        except RefusedError as refusal:
            structlog.get_logger().warning("heartbeat_failed", reason=str(refusal))
            for lease, progress in zip(held, taken, strict=True):
                if progress is not None:
                    lease.give_progress_back(progress)
            self._next_beat = time.monotonic() + SOON_SECONDS
            return
        for lease, progress in zip(held, taken, strict=True):
            renewal = renewals[lease.ticket.tenant_id, lease.ticket.job_id]
            self._apply(lease, progress, renewal, since)

    def _apply(
        self, lease: Lease, progress: Progress | None, renewal: leases.Renewal, since: float
    ) -> None:
        if not renewal.held:
            lease.stop(StopReason.LEASE_LOST)
            return
        lease.renewed(since)
        if renewal.cancel:
            lease.stop(StopReason.CANCELLED)
        if not renewal.extended:
            self._next_beat = min(self._next_beat, since + SOON_SECONDS)
            if progress is not None:
                lease.give_progress_back(progress)

    def _forget(self, lease: Lease) -> None:
        key = (lease.ticket.tenant_id, lease.ticket.job_id)
        if self._leases.get(key) is lease:
            del self._leases[key]
        if not self._leases:
            self._idle.set()

    def _held(self) -> list[Lease]:
        with self._lock:
            return list(self._leases.values())

    def _hear_cancel(self, payload: str) -> None:
        tenant_id, _, job_id = payload.partition("/")
        with self._lock:
            ours = (tenant_id, job_id) in self._leases
        if ours:
            # What was heard may be old news; the beat asks Postgres.
            self._next_beat = 0.0
            self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            pause = max(0.0, self._due_at() - time.monotonic())
            self._pulse.turn(LOOP, within_seconds=pause)
            self._wake.wait(pause)
            # Postgres may take its time.
            self._pulse.rest(LOOP)
            self._wake.clear()
            if not self._closing.is_set() and self._due_at() <= time.monotonic():
                try:
                    self.beat()
                except Exception:  # noqa: BLE001 - without beats all attempts would be lost.
                    self._next_beat = time.monotonic() + SOON_SECONDS
                    structlog.get_logger().exception("heartbeat_broken")

    def _due_at(self) -> float:
        due = [lease.progress_due_at() for lease in self._held()]
        return min([self._next_beat, *(at for at in due if at is not None)])


def _json(progress: Progress) -> str:
    return json_text(asdict(progress))
