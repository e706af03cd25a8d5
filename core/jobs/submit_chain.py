"""Submits jobs of which each begins when the one before it has succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.failures import field_invalid
from core.jobs.job import Job
from core.jobs.spec import CheckSpecs, JobSpec
from core.jobs.submission import NewJob, insert_new, new_ids
from core.platform.database import Database
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class SubmitChain:
    """Submits all steps or none; fails as SubmitOne does."""

    database: Database
    check: CheckSpecs
    max_jobs: int
    max_waiting_jobs_per_tenant: int

    def __call__(self, context: Context, specs: Sequence[JobSpec]) -> Result[Sequence[Job]]:
        """Returns the steps in order; all but the first are held."""
        with self.database.begin(context) as unit:
            if len(specs) > self.max_jobs:
                return Err(field_invalid("jobs", f"must have at most {self.max_jobs} items"))
            kinds = self.check({f"jobs[{number}]": spec for number, spec in enumerate(specs)})
            ids = new_ids(len(specs))
            steps = [
                NewJob(job_id, spec, kind, held=job_id != ids[0], next_job_id=next_id)
                for job_id, spec, kind, next_id in zip(
                    ids, specs, kinds.values(), [*ids[1:], None], strict=True
                )
            ]
            return unit.commit(
                insert_new(unit, steps, most_waiting=self.max_waiting_jobs_per_tenant)
            )
