"""Cancels a job, or asks it to stop where it runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.jobs import store
from core.jobs.job import Job
from core.platform.database import Database
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Answers with the job as the cancellation left it; one that has ended stays as it is."""

    database: Database

    def __call__(self, context: Context, job_id: str) -> Result[Job]:
        """Cancels what waits at once; what runs is told within a second and stops by itself."""
        with self.database.begin(context) as unit:
            job = store.ask_to_cancel(unit, job_id) or store.get_for_update(unit, job_id)
            return Err(not_found("job", job_id)) if job is None else unit.commit(job)
