"""Tells when a schedule would fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from core.context import Context
from core.failures import fields_invalid, not_found
from core.platform.database import Database
from core.result import Err, Ok, Result
from core.schedules import store
from core.schedules.checks import timetable_faults
from core.schedules.schedule import Plan

DEFAULT_FIRES = 10
MOST_FIRES = 100


@dataclass(frozen=True, slots=True)
class PreviewQuery:
    """Asks about a schedule, or about an expression; `time_zone` "" means the tenant's."""

    schedule_id: str = ""
    cron: str = ""
    time_zone: str = ""
    most: int = DEFAULT_FIRES


@dataclass(frozen=True, slots=True)
class Preview:
    """Is what was asked about and when it comes true next, in order and in UTC."""

    cron: str
    time_zone: str
    fire_times: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class PreviewSchedule:
    """Changes nothing. Refuses with RESOURCE_NOT_FOUND or FIELDS_INVALID."""

    database: Database

    def __call__(self, context: Context, query: PreviewQuery) -> Result[Preview]:
        """Returns the next fires, of a paused schedule as if it were not."""
        with self.database.begin(context) as unit:
            here = store.here(unit)
            schedule = store.find(unit, query.schedule_id) if query.schedule_id else None
        if query.schedule_id and schedule is None:
            return Err(not_found("schedule", query.schedule_id))
        plan = (
            schedule.plan
            if schedule
            else Plan(query.cron, kind="", time_zone=query.time_zone or here.time_zone)
        )
        if faults := list(timetable_faults(plan, here.now, "cron")):
            return Err(fields_invalid(faults))
        fires = islice(plan.timetable.fires(here.now), min(query.most, MOST_FIRES))
        return Ok(Preview(plan.cron, plan.time_zone, list(fires)))
