"""Takes jobs back from workers that died, and from messages that were lost."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from core.failures import Failure, envelope
from core.jobs import leases, ledger
from core.jobs.job import JobState
from core.jobs.store import json_text
from core.platform.system_database import SystemDatabase
from core.reasons import Reason

JOBS_PER_ROUND = 500

WORKER_CRASHED = Failure(Reason.WORKER_CRASHED, "The worker stopped in the middle of the job.")
JOB_EXPIRED = Failure(Reason.JOB_EXPIRED, "The job was not started in the time it was wanted in.")


@dataclass(frozen=True, slots=True)
class Rescued:
    """Counts what one round did."""

    unclaimed: int
    requeued: int
    quarantined: int
    expired: int


class RescueJobs:
    """Runs one round over all tenants; any number of dispatchers may do so at a time."""

    def __init__(self, system: SystemDatabase, *, unclaimed_seconds: float) -> None:
        self._system = system
        self._unclaimed_seconds = unclaimed_seconds

    def __call__(self) -> Rescued:
        """Queues again what was lost, quarantines the third crash, and ends what is too late."""
        with self._system.begin() as transaction:
            unclaimed = ledger.queue_unclaimed(
                transaction, after_seconds=self._unclaimed_seconds, most=JOBS_PER_ROUND
            )
        with self._system.begin() as transaction:
            crashed = leases.rescue_crashed(
                transaction,
                error=json_text(envelope(WORKER_CRASHED, "")),
                most=JOBS_PER_ROUND,
            )
        with self._system.begin() as transaction:
            expired = ledger.expire_unstarted(
                transaction, error=json_text(envelope(JOB_EXPIRED, "")), most=JOBS_PER_ROUND
            )
        rescued = Rescued(
            unclaimed=unclaimed,
            requeued=sum(job.state is JobState.QUEUED for job in crashed),
            quarantined=sum(job.state is JobState.QUARANTINED for job in crashed),
            expired=expired,
        )
        for job in crashed:
            if job.state is JobState.QUARANTINED:
                structlog.get_logger().warning(
                    "job_quarantined", tenant_id=job.tenant_id, job_id=job.job_id, kind=job.kind
                )
        if unclaimed or crashed or expired:
            structlog.get_logger().warning(
                "jobs_rescued",
                unclaimed=unclaimed,
                requeued=rescued.requeued,
                quarantined=rescued.quarantined,
                expired=expired,
            )
        return rescued
