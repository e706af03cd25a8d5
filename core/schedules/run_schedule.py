"""Starts the job of a schedule now."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.jobs.job import Job
from core.jobs.spec import CheckSpecs, JobSpec
from core.platform.database import Database
from core.result import Err, Result
from core.schedules import firing, store
from core.schedules.fire_schedules import Submit


@dataclass(frozen=True, slots=True)
class RunSchedule:
    """Fires once more, in the caller's name, also while paused or while an earlier job goes on.

    Refuses with RESOURCE_NOT_FOUND and TENANT_QUEUE_FULL, and where this release would not take the
    plan.
    """

    database: Database
    check: CheckSpecs
    submit: Submit

    def __call__(self, context: Context, schedule_id: str) -> Result[Job]:
        """Returns the job; the schedule's own fires stay as they are."""
        with self.database.begin(context) as unit:
            schedule = store.find(unit, schedule_id, lock=True)
            if schedule is None:
                return Err(not_found("schedule", schedule_id))
            plan = schedule.plan
            self.check({"plan": JobSpec(plan.kind, plan.payload)}, alone=True)
            job = self.submit(unit, kind=plan.kind, payload=plan.payload)
            firing.record_manual(unit, schedule_id, job.job_id)
            return unit.commit(job)
