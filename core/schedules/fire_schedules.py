"""Fires the schedules that are due."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import structlog

from core.context import Context, Principal
from core.failures import RefusedError
from core.jobs.job import Job
from core.jobs.kind import JobKind
from core.platform.database import Database
from core.platform.system_database import SystemDatabase
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from core.schedules import firing
from core.schedules.firing import Due, Upcoming
from core.schedules.schedule import FireResult, Overlap, first_to_fire

MOST_AT_A_TIME = 100
# A clock that was set, or an announcement that was not heard, is noticed within this.
LONGEST_PAUSE_SECONDS = 5.0
# What is due but has another scheduler at it.
BUSY_SECONDS = 0.05
REFUSED_SECONDS = 5.0
BROKEN_SECONDS = 60.0
FIRE_SECONDS = 30.0

# Hears of each fire, with the seconds it was late.
Tell: TypeAlias = Callable[[FireResult, float], None]


class Submit(Protocol):
    """Writes a job in the caller's transaction."""

    def __call__(self, unit: UnitOfWork, *, kind: str, payload: Mapping[str, Any]) -> Job:
        """Returns the new job; raises TENANT_QUEUE_FULL."""


@dataclass(frozen=True, slots=True)
class FireSchedules:
    """Makes the fires that are due, one a transaction. Any number may do so at a time.

    The fire's row, its job and the next fire's time are written together or not at all.
    """

    database: Database
    system: SystemDatabase
    kinds: Mapping[str, JobKind]
    submit: Submit

    def __call__(self, tell: Tell) -> float:
        """Makes some of the fires that are due; returns the seconds until the next look.

        Leaves kinds that this release does not know to one that does. Raises RefusedError where
        Postgres is away.
        """
        kinds = [kind.name for kind in self.kinds.values() if kind.check_payload is not None]
        with self.system.begin() as transaction:
            upcoming = firing.upcoming(transaction, kinds, most=MOST_AT_A_TIME)
        due = [schedule for schedule in upcoming if schedule.seconds <= 0]
        if not due:
            return min([LONGEST_PAUSE_SECONDS, *(schedule.seconds for schedule in upcoming)])
        fired = [self._fire(schedule, tell) for schedule in due]
        return 0.0 if any(fired) else BUSY_SECONDS

    def _fire(self, schedule: Upcoming, tell: Tell) -> bool:
        """Makes one fire, or holds it where it cannot be made; False where another was first."""
        context = Context(
            principal=Principal(
                schedule.key_id, frozenset({schedule.tenant_id}), schedule.roles, frozenset()
            ),
            tenant_id=schedule.tenant_id,
            correlation_id=str(uuid.uuid4()),
            deadline=time.monotonic() + FIRE_SECONDS,
        )
        log = structlog.get_logger().bind(
            tenant_id=schedule.tenant_id,
            schedule_id=schedule.schedule_id,
            correlation_id=context.correlation_id,
        )
        try:
            with self.database.begin(context) as unit:
                due = firing.take(unit, schedule.schedule_id)
                if due is None:
                    return False
                results = self._make(unit, schedule.schedule_id, due)
                unit.commit(None)
        except RefusedError as refusal:
            if refusal.failure.reason is Reason.STORE_UNAVAILABLE:
                raise
            log.warning("schedule_held", reason=str(refusal))
            self._hold(context, schedule.schedule_id, REFUSED_SECONDS)
            return True
        except Exception:
            # One broken schedule must not stop the others.
            log.exception("schedule_broken")
            self._hold(context, schedule.schedule_id, BROKEN_SECONDS)
            return True
        for result, seconds_late in results:
            tell(result, seconds_late)
            log.info("schedule_fired", result=result.value, late_ms=round(seconds_late * 1000))
        return True

    def _make(self, unit: UnitOfWork, schedule_id: str, due: Due) -> list[tuple[FireResult, float]]:
        plan, results = due.plan, []

        def record(fire_time: datetime, result: FireResult) -> bool:
            new = firing.record(unit, schedule_id, fire_time, result)
            if new:
                results.append((result, (due.now - fire_time).total_seconds()))
            return new

        fire_time = first_to_fire(plan, due.fire_time, due.now, held=due.held)
        if fire_time != due.fire_time:
            record(due.fire_time, FireResult.MISSED)
        if fire_time is not None:
            overlaps = due.busy and plan.overlap is Overlap.SKIP
            result = FireResult.OVERLAPPED if overlaps else FireResult.SUBMITTED
            if record(fire_time, result) and not overlaps:
                job = self.submit(unit, kind=plan.kind, payload=plan.payload)
                firing.name_job(unit, schedule_id, fire_time, job.job_id)
        firing.move_on(unit, schedule_id, plan.timetable.next(fire_time or due.now))
        return results

    def _hold(self, context: Context, schedule_id: str, seconds: float) -> None:
        with self.database.begin(context) as unit:
            firing.hold(unit, schedule_id, seconds)
            unit.commit(None)
