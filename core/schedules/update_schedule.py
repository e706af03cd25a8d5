"""Replaces the plan of a schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.context import Context
from core.failures import not_found
from core.jobs.spec import CheckSpecs
from core.platform.database import Database
from core.result import Err, Result
from core.schedules import store
from core.schedules.checks import require_sound
from core.schedules.schedule import Plan, Schedule


@dataclass(frozen=True, slots=True)
class ChangedSchedule:
    """Asks for another plan; what it does not say takes its default again."""

    schedule_id: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class UpdateSchedule:
    """Replaces the plan, from now on: what was due before by the old one is not made up for.

    Refuses with RESOURCE_NOT_FOUND, FIELDS_INVALID or JOB_KIND_UNKNOWN.
    """

    database: Database
    check: CheckSpecs

    def __call__(self, context: Context, command: ChangedSchedule) -> Result[Schedule]:
        """Returns the schedule; whether it is paused, and in whose name it runs, stays."""
        with self.database.begin(context) as unit:
            before = store.find(unit, command.schedule_id, lock=True)
            if before is None:
                return Err(not_found("schedule", command.schedule_id))
            here = store.here(unit)
            plan = replace(command.plan, time_zone=command.plan.time_zone or here.time_zone)
            require_sound(plan, self.check, here.now)
            next_fire_at = None if before.paused_at else plan.timetable.next(here.now)
            store.replace(unit, command.schedule_id, plan, next_fire_at)
            after = store.find(unit, command.schedule_id)
            assert after is not None, "it is locked"
            return unit.commit(after)
