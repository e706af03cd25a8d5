"""Creates a schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.context import Context
from core.failures import Failure, already_exists
from core.jobs.spec import CheckSpecs
from core.platform.database import Database
from core.reasons import Reason
from core.result import Err, Result
from core.schedules import store
from core.schedules.checks import require_sound
from core.schedules.schedule import Plan, Schedule


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """Asks for a schedule under an id that the tenant has not used."""

    schedule_id: str
    plan: Plan
    paused: bool = False


@dataclass(frozen=True, slots=True)
class CreateSchedule:
    """Creates a schedule whose jobs run in the caller's name.

    Refuses with FIELDS_INVALID, JOB_KIND_UNKNOWN, RESOURCE_EXISTS or TENANT_LIMIT_REACHED.
    """

    database: Database
    check: CheckSpecs
    max_schedules_per_tenant: int

    def __call__(self, context: Context, command: NewSchedule) -> Result[Schedule]:
        """Returns the schedule; it fires from now on."""
        with self.database.begin(context) as unit:
            here = store.here(unit)
            plan = replace(command.plan, time_zone=command.plan.time_zone or here.time_zone)
            require_sound(plan, self.check, here.now)
            next_fire_at = None if command.paused else plan.timetable.next(here.now)
            store.lock_schedules(unit)
            stored = store.insert(
                unit,
                command.schedule_id,
                plan,
                next_fire_at,
                most=self.max_schedules_per_tenant,
            )
            schedule = store.find(unit, command.schedule_id)
            if not stored:
                return Err(
                    already_exists("schedule", command.schedule_id)
                    if schedule is not None
                    else self._too_many()
                )
            assert schedule is not None, "it was written in this transaction"
            return unit.commit(schedule)

    def _too_many(self) -> Failure:
        most = str(self.max_schedules_per_tenant)
        return Failure(
            Reason.TENANT_LIMIT_REACHED,
            f"The tenant has {most} schedules already.",
            {"max_schedules_per_tenant": most},
        )
