"""Lists schedules by id."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.result import Ok, Result
from core.schedules import store
from core.schedules.schedule import Schedule

SCOPE = "schedules"


@dataclass(frozen=True, slots=True)
class ListSchedules:
    """Returns a page of the tenant's schedules. Refuses with PAGE_TOKEN_INVALID."""

    database: Database

    def __call__(self, context: Context, request: PageRequest) -> Result[Page[Schedule]]:
        """Returns the page."""
        after = request.after(SCOPE)
        with self.database.begin(context) as unit:
            found = store.list_after(unit, after[0] if after else "", request.limit + 1)
        return Ok(page_of(found, request, SCOPE, lambda schedule: schedule.schedule_id))
