"""Puts an ended job back into its queue."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import Failure, not_found
from core.jobs import ended, store
from core.jobs.job import RETRYABLE, Job
from core.jobs.spec import job_exists
from core.platform.database import Database
from core.reasons import Reason
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class RetryJob:
    """Gives a job that did not succeed a fresh set of attempts; its checkpoint is kept."""

    database: Database

    def __call__(self, context: Context, job_id: str) -> Result[Job]:
        """Returns the queued job, or JOB_NOT_RETRYABLE where it has not ended or has succeeded.

        JOB_EXISTS where another job has its unique key by now.
        """
        with ended.one_at_a_time(), self.database.begin(context) as unit:
            queued = ended.put_back(unit, job_id)
            if queued is not None:
                return unit.commit(queued)
            job = store.get_for_update(unit, job_id)
            if job is None:
                return Err(not_found("job", job_id))
            taken = job.unique_key is not None and job.state in RETRYABLE
            return Err(job_exists() if taken else _not_retryable(job))


def _not_retryable(job: Job) -> Failure:
    return Failure(
        Reason.JOB_NOT_RETRYABLE,
        f"Job {job.job_id!r} is {job.state}; only a job that failed, died, expired or was"
        " cancelled or quarantined can be tried again.",
        {"job_id": job.job_id, "state": job.state.value},
    )
