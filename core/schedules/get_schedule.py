"""Gets one schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.database import Database
from core.result import Err, Ok, Result
from core.schedules import store
from core.schedules.schedule import Fire, Schedule

MOST_FIRES = 20


@dataclass(frozen=True, slots=True)
class FoundSchedule:
    """Is a schedule with what became of its latest fires, newest first."""

    schedule: Schedule
    fires: Sequence[Fire]


@dataclass(frozen=True, slots=True)
class GetSchedule:
    """Refuses with RESOURCE_NOT_FOUND, also for another tenant's schedule."""

    database: Database

    def __call__(self, context: Context, schedule_id: str) -> Result[FoundSchedule]:
        """Returns the schedule."""
        with self.database.begin(context, snapshot=True) as unit:
            schedule = store.find(unit, schedule_id)
            if schedule is None:
                return Err(not_found("schedule", schedule_id))
            return Ok(FoundSchedule(schedule, store.latest_fires(unit, schedule_id, MOST_FIRES)))
