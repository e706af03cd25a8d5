"""Finds what is wrong with the plan of a schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from core.failures import Failure, FieldViolation, RefusedError, fields_invalid
from core.jobs.kind import JobKind
from core.reasons import Reason
from core.schedules.cron import fault_of
from core.schedules.schedule import Plan


def require_sound(plan: Plan, kinds: Mapping[str, JobKind], now: datetime) -> None:
    """Raises FIELDS_INVALID or JOB_KIND_UNKNOWN where the plan cannot be carried out."""
    kind = schedulable(plan.kind, kinds)
    if faults := [*timetable_faults(plan, now), *payload_faults(kind, plan.payload)]:
        raise RefusedError(fields_invalid(faults))


def timetable_faults(plan: Plan, now: datetime) -> Iterator[FieldViolation]:
    """Yields what is wrong with the cron expression."""
    fault = fault_of(plan.cron)
    if fault is not None:
        yield FieldViolation("plan.cron", fault)
    elif plan.timetable.next(now) is None:
        yield FieldViolation("plan.cron", "never comes true")


def schedulable(name: str, kinds: Mapping[str, JobKind]) -> JobKind:
    """Returns the kind; raises JOB_KIND_UNKNOWN where only the node itself may start its jobs."""
    kind = kinds.get(name)
    if kind is None or kind.check_payload is None:
        raise RefusedError(
            Failure(
                Reason.JOB_KIND_UNKNOWN,
                f"There is no kind of job {name!r} that a schedule can start.",
                {"kind": name},
            )
        )
    return kind


def payload_faults(kind: JobKind, payload: Mapping[str, Any]) -> Iterator[FieldViolation]:
    """Yields what is wrong with the payload."""
    assert kind.check_payload is not None
    for fault in kind.check_payload(payload):
        yield FieldViolation(f"plan.payload.{fault.field}".rstrip("."), fault.description)
