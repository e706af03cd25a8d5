"""Finds the schedules that are due, across tenants, and writes down what became of their fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.platform.system_database import SystemTransaction
from core.platform.unit_of_work import UnitOfWork
from core.schedules.schedule import FireResult, Plan
from core.schedules.store import plan_from


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Names a schedule, who its jobs run as, and in how many seconds it is due."""

    tenant_id: str
    schedule_id: str
    key_id: str
    roles: frozenset[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Due:
    """Is a schedule that is due, held by the transaction; `busy` where an earlier job goes on."""

    plan: Plan
    fire_time: datetime
    held: bool
    busy: bool
    now: datetime


def upcoming(transaction: SystemTransaction, kinds: Sequence[str], *, most: int) -> list[Upcoming]:
    """Returns the schedules that are due first, those of the given kinds only."""
    rows = transaction.all(
        """
        SELECT tenant_id, schedule_id, key_id, roles,
            extract(epoch FROM due_at - clock_timestamp())::float8 AS seconds
        FROM schedules WHERE due_at IS NOT NULL AND kind = ANY(:kinds)
        ORDER BY due_at LIMIT :most
        """,
        {"kinds": list(kinds), "most": most},
    )
    return [Upcoming(**{**row, "roles": frozenset(row["roles"])}) for row in rows]


def take(unit: UnitOfWork, schedule_id: str) -> Due | None:
    """Returns the schedule where it is due and no other scheduler has it, until the end."""
    row = unit.one(
        """
        SELECT s.*, clock_timestamp() AS now, EXISTS (
            SELECT FROM schedule_fires AS f JOIN jobs AS j USING (tenant_id, job_id)
            WHERE f.tenant_id = s.tenant_id AND f.schedule_id = s.schedule_id AND f.open
            AND j.finished_at IS NULL
        ) AS busy
        FROM schedules AS s WHERE s.tenant_id = :tenant_id AND s.schedule_id = :schedule_id
        AND s.due_at <= clock_timestamp() FOR UPDATE OF s SKIP LOCKED
        """,
        _key(unit, schedule_id),
    )
    if row is None:
        return None
    return Due(
        plan=plan_from(row),
        fire_time=row["next_fire_at"],
        held=row["due_at"] != row["next_fire_at"],
        busy=row["busy"],
        now=row["now"],
    )


def record(unit: UnitOfWork, schedule_id: str, fire_time: datetime, result: FireResult) -> bool:
    """Writes down a fire; tells whether it had not been written down before."""
    return bool(
        unit.execute(
            "INSERT INTO schedule_fires (tenant_id, schedule_id, fire_time, result)"
            " VALUES (:tenant_id, :schedule_id, :fire_time, :result) ON CONFLICT DO NOTHING",
            {**_key(unit, schedule_id), "fire_time": fire_time, "result": result},
        ).rowcount
    )


def record_manual(unit: UnitOfWork, schedule_id: str, job_id: str) -> None:
    """Writes down a fire that somebody asked for just now."""
    unit.execute(
        "INSERT INTO schedule_fires (tenant_id, schedule_id, fire_time, result, manual, job_id,"
        " open) VALUES (:tenant_id, :schedule_id, clock_timestamp(), 'submitted', true, :job_id,"
        " true)",
        {**_key(unit, schedule_id), "job_id": job_id},
    )


def name_job(unit: UnitOfWork, schedule_id: str, fire_time: datetime, job_id: str) -> None:
    """Adds to a fire the job that it started."""
    unit.execute(
        "UPDATE schedule_fires SET job_id = :job_id, open = true WHERE tenant_id = :tenant_id"
        " AND schedule_id = :schedule_id AND fire_time = :fire_time",
        {**_key(unit, schedule_id), "fire_time": fire_time, "job_id": job_id},
    )


def move_on(unit: UnitOfWork, schedule_id: str, next_fire_at: datetime | None) -> None:
    """Sets the next fire, and forgets about the jobs of earlier fires that have ended."""
    unit.execute(
        """
        WITH ended AS (
            UPDATE schedule_fires AS f SET open = false WHERE f.tenant_id = :tenant_id
            AND f.schedule_id = :schedule_id AND f.open AND NOT EXISTS (
                SELECT FROM jobs AS j WHERE j.tenant_id = f.tenant_id AND j.job_id = f.job_id
                AND j.finished_at IS NULL)
        )
        UPDATE schedules SET next_fire_at = :next_fire_at, due_at = :next_fire_at
        WHERE tenant_id = :tenant_id AND schedule_id = :schedule_id
        """,
        {**_key(unit, schedule_id), "next_fire_at": next_fire_at},
    )


def hold(unit: UnitOfWork, schedule_id: str, seconds: float) -> None:
    """Keeps a due fire to be tried again; leaves alone what is not due any more."""
    unit.execute(
        "UPDATE schedules SET due_at = clock_timestamp() + make_interval(secs => :seconds)"
        " WHERE tenant_id = :tenant_id AND schedule_id = :schedule_id"
        " AND due_at <= clock_timestamp()",
        {**_key(unit, schedule_id), "seconds": seconds},
    )


def _key(unit: UnitOfWork, schedule_id: str) -> dict[str, object]:
    return {"tenant_id": unit.context.tenant_id, "schedule_id": schedule_id}
