"""Defines a schedule and its fires, and which of the fires that are due comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from core.schedules.cron import Cron

# A fire that is this late was not missed: the node was busy, or just restarted.
ON_TIME = timedelta(seconds=60)
DEFAULT_CATCH_UP = 10


class CatchUp(StrEnum):
    """Says what becomes of fires that were missed while no scheduler ran."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """Says what becomes of a fire while the job of an earlier one has not ended."""

    SKIP = "skip"
    QUEUE = "queue"


class FireResult(StrEnum):
    """Says what became of a fire."""

    SUBMITTED = "submitted"
    OVERLAPPED = "overlapped"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Fire:
    """Is one fire. A missed one stands for every later one up to the next that is listed."""

    fire_time: datetime
    result: FireResult
    manual: bool
    job_id: str | None
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """Is what a caller says of a schedule; `time_zone` "" means the tenant's."""

    cron: str
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str = ""
    catch_up: CatchUp = CatchUp.ONCE
    max_catch_up: int = DEFAULT_CATCH_UP
    overlap: Overlap = Overlap.SKIP

    @property
    def timetable(self) -> Cron:
        """Returns when it fires; cron and time zone were checked when they were written down."""
        return Cron(self.cron, ZoneInfo(self.time_zone))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Is one schedule. `held` says that its next fire was refused and is tried again."""

    schedule_id: str
    plan: Plan
    paused_at: datetime | None
    next_fire_at: datetime | None
    held: bool
    key_id: str
    roles: frozenset[str]
    created_at: datetime
    updated_at: datetime
    last_fire: Fire | None = None


def first_to_fire(plan: Plan, due: datetime, now: datetime, *, held: bool) -> datetime | None:
    """Returns the first fire to be made of those from `due` to `now`; None where all were missed.

    What lies before it was missed. A held fire is late because the tenant's queue was full, so it
    was not missed.
    """
    if plan.catch_up is CatchUp.SKIP:
        if held or due > now - ON_TIME:
            return due
        on_time = plan.timetable.next(now - ON_TIME)
        return None if on_time is None or on_time > now else on_time
    most = plan.max_catch_up if plan.catch_up is CatchUp.ALL else 1
    later = plan.timetable.latest(due, now, most)
    return due if len(later) < most else later[0]
