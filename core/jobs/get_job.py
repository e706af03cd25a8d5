"""Gets one job of the tenant."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.jobs import store
from core.jobs.job import Job
from core.platform.database import Database
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class GetJob:
    """Answers with the job as it is."""

    database: Database

    def __call__(self, context: Context, job_id: str) -> Result[Job]:
        """Returns the job, or RESOURCE_NOT_FOUND, also for another tenant's."""
        row = self.database.read_one(
            context, store.GET, {"tenant_id": context.tenant_id, "job_id": job_id}
        )
        return Err(not_found("job", job_id)) if row is None else Ok(store.job_from(row))
