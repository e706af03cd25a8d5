"""Runs one attempt of one job, from its message to its end in the ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from core.failures import RefusedError
from core.jobs.claim import ClaimJob
from core.jobs.hand_back import HandBackJobs
from core.jobs.heartbeat import Heartbeat
from core.jobs.job import Job
from core.jobs.kind import JobKind
from core.jobs.lease import Lease
from core.jobs.ledger import Ticket
from core.jobs.metrics import JobMetrics
from core.jobs.run_attempt import Runner
from core.jobs.run_isolated import ORPHAN_SECONDS


@dataclass(frozen=True, slots=True)
class RunJob:
    """Claims, and has the attempt run where its kind wants it: here or in a process of its own.

    Never raises for what a job or a server does.
    """

    hand_back: HandBackJobs
    kinds: Mapping[str, JobKind]
    claim: ClaimJob
    heartbeat: Heartbeat
    run_here: Runner
    run_isolated: Runner
    metrics: JobMetrics

    def __call__(self, ticket: Ticket) -> None:
        """Runs the job that a message names, or does nothing where the message is old."""
        try:
            if self.heartbeat.draining:
                self.hand_back.unstarted([ticket])
                return
            claim = self.claim(ticket)
        except RefusedError as refusal:
            # The row is as it was, and goes back to its queue when nobody claims it in time.
            structlog.get_logger().warning("job_unclaimed", reason=str(refusal))
            return
        if claim is None:
            passed_on = self.hand_back.unknown(ticket, self.kinds)
            event = "job_left_to_another_worker" if passed_on else "job_message_outdated"
            structlog.get_logger().info(event)
            return
        job = claim.job
        kind = self.kinds[job.kind]
        # By then a process would have been killed, unless its thread cannot even do that.
        limit_seconds = kind.time_limit_seconds + (ORPHAN_SECONDS if kind.isolated else 0)
        with (
            structlog.contextvars.bound_contextvars(
                correlation_id=job.correlation_id, kind=job.kind, attempt=job.attempt
            ),
            self.heartbeat.hold(
                job, since=claim.since, limit_seconds=limit_seconds, isolated=kind.isolated
            ) as lease,
        ):
            self._run(job, lease)

    def _run(self, job: Job, lease: Lease) -> None:
        started, kind = time.perf_counter(), self.kinds[job.kind]
        log = structlog.get_logger()
        log.info("job_started")
        end = (self.run_isolated if kind.isolated else self.run_here)(job, kind, lease)
        seconds = time.perf_counter() - started
        if end is None:
            log.warning("job_lost", duration_ms=round(seconds * 1000, 3))
            return
        self.metrics.observe(job.kind, end.state, seconds, end.reason)
        log.info(
            "job_ended",
            state=end.state.value,
            duration_ms=round(seconds * 1000, 3),
            **({} if end.reason is None else {"reason": end.reason}),
        )
