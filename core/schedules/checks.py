"""Finds what is wrong with the plan of a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from core.failures import FieldViolation, RefusedError, fields_invalid
from core.jobs.spec import CheckSpecs, JobSpec
from core.reasons import Reason
from core.schedules.cron import fault_of
from core.schedules.schedule import Plan


def require_sound(plan: Plan, check: CheckSpecs, now: datetime) -> None:
    """Raises FIELDS_INVALID or JOB_KIND_UNKNOWN where the plan cannot be carried out."""
    faults = list(timetable_faults(plan, now))
    try:
        check({"plan": JobSpec(plan.kind, plan.payload)}, alone=True)
    except RefusedError as refusal:
        if refusal.failure.reason is not Reason.FIELDS_INVALID:
            raise
        faults += refusal.failure.fields
    if faults:
        raise RefusedError(fields_invalid(faults))


def timetable_faults(
    plan: Plan, now: datetime, path: str = "plan.cron"
) -> Iterator[FieldViolation]:
    """Yields what is wrong with the cron expression, which is at `path` in the request."""
    fault = fault_of(plan.cron)
    if fault is not None:
        yield FieldViolation(path, fault)
    elif plan.timetable.next(now) is None:
        yield FieldViolation(path, "never comes true")
