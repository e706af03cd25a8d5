"""Builds the schedules part of a node on a test's own database, with kinds of the test's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.config import Settings
from core.context import Context
from core.failures import FieldViolation
from core.jobs.job import Job
from core.result import Ok
from core.schedules.create_schedule import NewSchedule
from core.schedules.schedule import Fire, FireResult, Plan, Schedule
from core.schedules.use_cases import Schedules, schedules_use_cases
from tests.conftest import Databases
from tests.jobs_lab import Lab, echo, open_lab

EVERY_MINUTE = "* * * * *"
# Comes true at no time that a test makes it due, so that it fires then and not once more.
RARELY = "30 3 29 2 *"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass
class ScheduleLab:
    """Holds the use cases, and what they stand on."""

    lab: Lab
    schedules: Schedules

    def create(
        self, context: Context, schedule_id: str = "sync", *, paused: bool = False, **plan: Any
    ) -> Schedule:
        """Creates a schedule of the kind `echo`, every minute unless the plan says otherwise."""
        wanted = Plan(**{"cron": EVERY_MINUTE, "kind": "echo", **plan})
        made = self.schedules.create(context, NewSchedule(schedule_id, wanted, paused))
        assert isinstance(made, Ok), made
        return made.value

    def get(self, context: Context, schedule_id: str = "sync") -> Schedule:
        """Returns the schedule as it is."""
        found = self.schedules.get(context, schedule_id)
        assert isinstance(found, Ok), found
        return found.value.schedule

    def fires(self, context: Context, schedule_id: str = "sync") -> Sequence[Fire]:
        """Returns the record of its fires, oldest first."""
        found = self.schedules.get(context, schedule_id)
        assert isinstance(found, Ok), found
        return found.value.fires[::-1]

    def results(self, context: Context, schedule_id: str = "sync") -> list[FireResult]:
        """Returns what became of its fires, oldest first."""
        return [fire.result for fire in self.fires(context, schedule_id)]

    def put_due(
        self, context: Context, schedule_id: str = "sync", *, at: datetime | None = None
    ) -> datetime:
        """Has its next fire come at a time, now unless given; returns that time."""
        due = at or datetime.now(UTC)
        with self.lab.database.begin(context) as unit:
            unit.execute(
                "UPDATE schedules SET next_fire_at = :due, due_at = :due"
                " WHERE tenant_id = :tenant_id AND schedule_id = :schedule_id",
                {"due": due, "tenant_id": context.tenant_id, "schedule_id": schedule_id},
            )
            unit.commit(None)
        return due

    def fire(self) -> list[FireResult]:
        """Makes every fire that is due; returns what became of them."""
        results: list[FireResult] = []
        while self.schedules.fire(lambda result, _late: results.append(result)) <= 0:
            pass
        return results

    def job(self, context: Context, fire: Fire) -> Job:
        """Returns the job of a fire."""
        assert fire.job_id is not None
        found = self.lab.jobs.get(context, fire.job_id)
        assert isinstance(found, Ok)
        return found.value

    def end_jobs(self) -> None:
        """Has every job end, as if a worker had run it."""
        self.lab.sql("UPDATE jobs SET state = 'succeeded', finished_at = now()")


def minutes_ago(minutes: int) -> datetime:
    """Returns a whole minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - minutes * MINUTE


@contextmanager
def open_schedule_lab(settings: Settings, databases: Databases) -> Iterator[ScheduleLab]:
    """Yields a lab with the kind `echo`, which takes any payload but one with `wrong` in it."""
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kind("echo", echo, check_payload=_check)
        yield ScheduleLab(
            lab,
            schedules_use_cases(settings, lab.database, lab.system, lab.kinds, lab.jobs.submit),
        )


def _check(payload: Mapping[str, Any]) -> Sequence[FieldViolation]:
    return [FieldViolation("wrong", "is wrong")] if "wrong" in payload else []
