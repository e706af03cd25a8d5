"""Submits a job inside the transaction of the use case that wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils

from core.failures import Failure, RefusedError
from core.jobs import store
from core.jobs.dispatch import DispatchJobs
from core.jobs.job import Job, JobState
from core.jobs.kind import JobKind
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason

QUEUE_FULL_RETRY_MS = 5_000


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Writes the job's row; the job exists exactly where the caller's transaction commits."""

    kinds: Mapping[str, JobKind]
    dispatch: DispatchJobs
    max_waiting_jobs_per_tenant: int

    def __call__(
        self,
        unit: UnitOfWork,
        *,
        kind: str,
        payload: Mapping[str, Any],
        delay_seconds: float = 0.0,
        run_at: datetime | None = None,
        expire_after_seconds: float | None = None,
        priority: str = "",
    ) -> Job:
        """Returns the new job; raises RefusedError where the tenant's queue is full.

        The priority is the kind's unless given. The job runs `delay_seconds` from now at the
        earliest, not before `run_at` either, and never where it has not been started
        `expire_after_seconds` from now.
        """
        wanted, context = self.kinds[kind], unit.context
        job = store.insert(
            unit,
            {
                "job_id": str(uuid_utils.uuid7()),
                "kind": wanted.name,
                "kind_version": wanted.version,
                "queue": wanted.queue,
                "priority": priority or wanted.priority,
                "max_attempts": wanted.max_attempts,
                "payload": payload,
                "run_at": run_at,
                "expire_after_seconds": expire_after_seconds,
                "key_id": context.principal.key_id,
                "roles": sorted(context.principal.roles),
                "correlation_id": context.correlation_id,
                "traceparent": context.traceparent,
            },
            at_once=delay_seconds <= 0 and run_at is None and self.dispatch.has_room(wanted),
            delay_seconds=delay_seconds,
            most_waiting=self.max_waiting_jobs_per_tenant,
        )
        if job is None:
            raise RefusedError(queue_full(self.max_waiting_jobs_per_tenant))
        if job.state is JobState.DISPATCHED:
            unit.after_commit(lambda: self.dispatch.at_once(job))
        return job


def queue_full(most: int) -> Failure:
    """Says that the tenant may not have more jobs waiting."""
    return Failure(
        Reason.TENANT_QUEUE_FULL,
        f"The tenant may have at most {most} jobs waiting, and these would be more.",
        {"max_waiting_jobs_per_tenant": str(most)},
        retry_after_ms=QUEUE_FULL_RETRY_MS,
    )
