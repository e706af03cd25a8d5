"""Joins the use cases of schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.config import Settings
from core.jobs.kind import JobKind
from core.jobs.spec import CheckSpecs
from core.platform.database import Database
from core.platform.system_database import SystemDatabase
from core.schedules.create_schedule import CreateSchedule
from core.schedules.delete_schedule import DeleteSchedule
from core.schedules.fire_schedules import FireSchedules, Submit
from core.schedules.get_schedule import GetSchedule
from core.schedules.list_schedules import ListSchedules
from core.schedules.pause import PauseSchedule, ResumeSchedule
from core.schedules.preview_schedule import PreviewSchedule
from core.schedules.run_schedule import RunSchedule
from core.schedules.sweep_fires import SweepFires
from core.schedules.update_schedule import UpdateSchedule


@dataclass(frozen=True, slots=True)
class Schedules:
    """Holds what callers and the scheduler may do with schedules."""

    create: CreateSchedule
    get: GetSchedule
    list: ListSchedules
    update: UpdateSchedule
    delete: DeleteSchedule
    pause: PauseSchedule
    resume: ResumeSchedule
    run: RunSchedule
    preview: PreviewSchedule
    fire: FireSchedules
    sweep: SweepFires


def schedules_use_cases(
    settings: Settings,
    database: Database,
    system: SystemDatabase,
    kinds: Mapping[str, JobKind],
    submit: Submit,
) -> Schedules:
    """Returns the use cases, each with what it needs; `kinds` may still be filled afterwards."""
    check = CheckSpecs(kinds, settings.max_job_payload_bytes)
    return Schedules(
        create=CreateSchedule(database, check, settings.max_schedules_per_tenant),
        get=GetSchedule(database),
        list=ListSchedules(database),
        update=UpdateSchedule(database, check),
        delete=DeleteSchedule(database),
        pause=PauseSchedule(database),
        resume=ResumeSchedule(database),
        run=RunSchedule(database, check, submit),
        preview=PreviewSchedule(database),
        fire=FireSchedules(database, system, kinds, submit),
        sweep=SweepFires(system, settings.job_retention_days),
    )
