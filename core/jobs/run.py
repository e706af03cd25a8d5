"""Runs one attempt of one job, from its message to its end in the ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from core.failures import RefusedError
from core.jobs.attempt import Attempt
from core.jobs.claim import ClaimJob
from core.jobs.ending import (
    JOB_BROKEN,
    Ending,
    broken,
    ending_of,
    ending_of_refusal,
    ending_of_stop,
    timed_out,
)
from core.jobs.finish import FinishJob
from core.jobs.hand_back import HandBackJobs
from core.jobs.heartbeat import Heartbeat
from core.jobs.job import Job
from core.jobs.kind import JobKind, JobStoppedError
from core.jobs.lease import Lease, StopReason
from core.jobs.ledger import Ticket
from core.jobs.metrics import JobMetrics
from core.platform.database import Database
from core.reasons import Reason

FINISH_AGAIN_SECONDS = 0.5
# The ending itself is fine then, and Postgres may be back before the lease runs out.
PASSING = frozenset({Reason.STORE_UNAVAILABLE, Reason.DEADLINE_EXCEEDED})


@dataclass(frozen=True, slots=True)
class RunJob:
    """Claims, runs the handler, and finishes. Never raises for what a job or a server does."""

    database: Database
    hand_back: HandBackJobs
    kinds: Mapping[str, JobKind]
    claim: ClaimJob
    heartbeat: Heartbeat
    finish: FinishJob
    metrics: JobMetrics

    def __call__(self, ticket: Ticket) -> None:
        """Runs the job that a message names, or does nothing where the message is old."""
        try:
            if self.heartbeat.draining:
                self.hand_back.unstarted([ticket])
                return
            since = time.monotonic()
            job = self.claim(ticket)
        except RefusedError as refusal:
            # The row is as it was, and goes back to its queue when nobody claims it in time.
            structlog.get_logger().warning("job_unclaimed", reason=str(refusal))
            return
        if job is None:
            structlog.get_logger().info("job_message_outdated")
            return
        with (
            structlog.contextvars.bound_contextvars(
                correlation_id=job.correlation_id, kind=job.kind, attempt=job.attempt
            ),
            self.heartbeat.hold(job, since=since) as lease,
        ):
            self._run(job, lease)

    def _run(self, job: Job, lease: Lease) -> None:
        started, kind = time.perf_counter(), self.kinds[job.kind]
        log = structlog.get_logger()
        log.info("job_started")
        attempt = Attempt(
            self.database, job, kind, lease, lease_seconds=self.heartbeat.lease_seconds
        )
        try:
            ending = self._ending(job, kind, attempt, lease)
            ended = None if ending is None else self._finish(job, kind, attempt, lease, ending)
        finally:
            attempt.close()
        seconds = time.perf_counter() - started
        if ending is None or ended is None:
            log.warning("job_lost", duration_ms=round(seconds * 1000, 3))
            return
        reason = None if ended.error is None or not ending.counts else ended.error["reason"]
        self.metrics.observe(job.kind, ended.state, seconds, reason)
        log.info(
            "job_ended",
            state=ended.state.value,
            duration_ms=round(seconds * 1000, 3),
            **({} if reason is None else {"reason": reason}),
        )

    def _ending(self, job: Job, kind: JobKind, attempt: Attempt, lease: Lease) -> Ending | None:
        try:
            return ending_of(kind.handler(attempt), job)
        except JobStoppedError:
            reason = lease.stop_reason
            # A handler that stops by itself, asked by nobody, is a broken one.
            return (
                broken(JOB_BROKEN, job, kind)
                if reason is None
                else ending_of_stop(reason, job, kind)
            )
        except RefusedError as refusal:
            if attempt.context.remaining_seconds() <= 0:
                return broken(timed_out(kind), job, kind)
            return ending_of_refusal(refusal.failure, job, kind)
        except Exception:  # noqa: BLE001 - whatever a handler raises costs it the attempt.
            structlog.get_logger().exception("job_broken")
            return broken(JOB_BROKEN, job, kind)

    def _finish(
        self, job: Job, kind: JobKind, attempt: Attempt, lease: Lease, ending: Ending
    ) -> Job | None:
        """Writes the ending; one whose business writes are refused becomes a failure."""
        progress = lease.take_progress()
        while True:
            try:
                return self.finish(attempt.context, job, ending, progress)
            except RefusedError as refusal:
                if refusal.failure.reason not in PASSING:
                    ending = ending_of_refusal(refusal.failure, job, kind)
                    continue
                structlog.get_logger().warning("job_unfinished", reason=str(refusal))
                if lease.stop_reason is StopReason.LEASE_LOST:
                    return None
                time.sleep(FINISH_AGAIN_SECONDS)
            except Exception:  # noqa: BLE001 - business writes break like handlers.
                structlog.get_logger().exception("job_broken")
                if ending.failure is JOB_BROKEN:
                    # Not even that can be written: the lease runs out, and rescue counts a crash.
                    return None
                ending = broken(JOB_BROKEN, job, kind)
