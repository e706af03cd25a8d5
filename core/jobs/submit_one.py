"""Submits one job by the name of its kind."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.jobs.job import Job
from core.jobs.kind import JobKind
from core.jobs.spec import CheckSpecs, JobSpec, Unique, UniquePolicy, job_exists
from core.jobs.submission import NewJob, insert_all, new_ids, replace_payload
from core.jobs.submit import SubmitJob
from core.platform.database import Database
from core.platform.unit_of_work import UnitOfWork
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Submitted:
    """Is the job, and whether it was there already."""

    job: Job
    existed: bool


@dataclass(frozen=True, slots=True)
class SubmitOne:
    """Submits a job of a kind that is open to callers.

    Fails with JOB_KIND_UNKNOWN, FIELDS_INVALID, TENANT_QUEUE_FULL, and with JOB_EXISTS where a job
    has the unique key and the policy does not take that one instead.
    """

    database: Database
    check: CheckSpecs
    submit: SubmitJob

    def __call__(self, context: Context, spec: JobSpec) -> Result[Submitted]:
        """Writes the job, or settles with the one that is there."""
        with self.database.begin(context) as unit:
            kind = self.check({"spec": spec}, alone=True)["spec"]
            if spec.unique is not None:
                submitted = self._unless_there(unit, spec, spec.unique, kind)
                return submitted if isinstance(submitted, Err) else unit.commit(submitted.value)
            job = self.submit(
                unit,
                kind=kind.name,
                payload=spec.payload,
                delay_seconds=spec.delay_seconds,
                run_at=spec.run_at if spec.wait_seconds() else None,
                expire_after_seconds=spec.expire_after_seconds,
                priority=spec.priority,
            )
            return unit.commit(Submitted(job, existed=False))

    def _unless_there(
        self, unit: UnitOfWork, spec: JobSpec, unique: Unique, kind: JobKind
    ) -> Result[Submitted]:
        new = NewJob(new_ids(1)[0], spec, kind)
        job = insert_all(unit, [new], most_waiting=self.submit.max_waiting_jobs_per_tenant)[0]
        if job.job_id == new.job_id:
            return Ok(Submitted(job, existed=False))
        there: Job | None = None
        if unique.policy is UniquePolicy.RETURN_EXISTING:
            there = job
        elif unique.policy is UniquePolicy.REPLACE_PAYLOAD:
            there = replace_payload(unit, job, new)
        if there is None:
            return Err(job_exists(job))
        return Ok(Submitted(there, existed=True))
