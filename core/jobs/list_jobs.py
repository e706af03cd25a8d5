"""Lists the tenant's jobs, newest first."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.context import Context
from core.jobs import store
from core.jobs.job import Job, JobState
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.result import Result


@dataclass(frozen=True, slots=True)
class JobsQuery:
    """Asks for a page of jobs; `state` None, `kind` "" and `batch_id` "" mean any."""

    state: JobState | None = None
    kind: str = ""
    batch_id: str = ""
    page: PageRequest = field(default_factory=PageRequest)

    @property
    def scope(self) -> str:
        """Names the list, so that a page token of another list is refused."""
        return f"jobs:{self.state or ''}:{self.kind}:{self.batch_id}"


@dataclass(frozen=True, slots=True)
class ListJobs:
    """Answers with a page of jobs."""

    database: Database

    def __call__(self, context: Context, query: JobsQuery) -> Result[Page[Job]]:
        """Returns the page; raises RefusedError for a page token that is not ours."""
        after = query.page.after(query.scope)
        with self.database.begin(context) as unit:
            jobs = store.list_newest(
                unit,
                state=query.state,
                kind=query.kind,
                batch_id=query.batch_id,
                before=after[0] if after else None,
                limit=query.page.limit + 1,
            )
            return unit.commit(page_of(jobs, query.page, query.scope, lambda job: job.job_id))
