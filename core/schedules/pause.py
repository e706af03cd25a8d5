"""Pauses a schedule, and resumes it."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.database import Database
from core.platform.unit_of_work import UnitOfWork
from core.result import Err, Result
from core.schedules import store
from core.schedules.schedule import Schedule


@dataclass(frozen=True, slots=True)
class PauseSchedule:
    """Keeps a schedule from firing; jobs that it started go on."""

    database: Database

    def __call__(self, context: Context, schedule_id: str) -> Result[Schedule]:
        """Returns the schedule; one that is paused stays as it is."""
        with self.database.begin(context) as unit:
            store.pause(unit, schedule_id)
            return _end(unit, schedule_id)


@dataclass(frozen=True, slots=True)
class ResumeSchedule:
    """Lets a paused schedule fire again; what it would have fired meanwhile is not made up for."""

    database: Database

    def __call__(self, context: Context, schedule_id: str) -> Result[Schedule]:
        """Returns the schedule; one that is not paused stays as it is."""
        with self.database.begin(context) as unit:
            paused = store.find(unit, schedule_id, lock=True)
            if paused is not None:
                now = store.here(unit).now
                store.resume(unit, schedule_id, paused.plan.timetable.next(now))
            return _end(unit, schedule_id)


def _end(unit: UnitOfWork, schedule_id: str) -> Result[Schedule]:
    schedule = store.find(unit, schedule_id)
    if schedule is None:
        return Err(not_found("schedule", schedule_id))
    return unit.commit(schedule)
