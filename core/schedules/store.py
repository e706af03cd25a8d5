"""Keeps schedules in Postgres for their own tenant, and what became of their fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.failures import RefusedError, not_found
from core.jobs.store import json_text
from core.platform.postgres import Row
from core.platform.unit_of_work import UnitOfWork
from core.schedules.schedule import CatchUp, Fire, FireResult, Overlap, Plan, Schedule

FIRE = "fire_time, result, manual, job_id, fired_at"
SELECT = f"""
SELECT s.*, fire.* FROM schedules AS s LEFT JOIN LATERAL (
    SELECT {FIRE} FROM schedule_fires AS f
    WHERE f.tenant_id = s.tenant_id AND f.schedule_id = s.schedule_id
    ORDER BY f.fire_time DESC LIMIT 1
) AS fire ON true
WHERE s.tenant_id = :tenant_id
"""
# Runs in the transaction of the change. Without a tenant: the schedulers look for themselves.
WAKE = "pg_notify('howdah_schedules', '')::text AS woken"


@dataclass(frozen=True, slots=True)
class Here:
    """Is the tenant's own time zone, and the time by the clock that all schedulers share."""

    time_zone: str
    now: datetime


def here(unit: UnitOfWork) -> Here:
    """Returns where and when the transaction is; raises RESOURCE_NOT_FOUND without the tenant."""
    row = unit.one(
        "SELECT time_zone, clock_timestamp() AS now FROM tenants WHERE tenant_id = :tenant_id",
        {"tenant_id": unit.context.tenant_id},
    )
    if row is None:
        raise RefusedError(not_found("tenant", unit.context.tenant_id))
    return Here(row["time_zone"], row["now"])


def lock_schedules(unit: UnitOfWork) -> None:
    """Lets one transaction at a time add schedules of the tenant, so that it counts them all."""
    unit.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('howdah schedules ' || :tenant_id, 0))",
        {"tenant_id": unit.context.tenant_id},
    )


def insert(
    unit: UnitOfWork, schedule_id: str, plan: Plan, next_fire_at: datetime | None, *, most: int
) -> bool:
    """Stores a schedule, paused where `next_fire_at` is None; False where it cannot be.

    That is where the id is taken, or where the tenant has `most` schedules.
    """
    row = unit.one(
        f"""
        INSERT INTO schedules (tenant_id, schedule_id, cron, time_zone, kind, payload, catch_up,
            max_catch_up, overlap, paused_at, next_fire_at, due_at, key_id, roles)
        SELECT :tenant_id, :schedule_id, :cron, :time_zone, :kind, CAST(:payload AS jsonb),
            :catch_up, :max_catch_up, :overlap,
            CASE WHEN CAST(:next_fire_at AS timestamptz) IS NULL THEN now() END,
            :next_fire_at, :next_fire_at, :key_id, CAST(:roles AS text[])
        WHERE (SELECT count(*) FROM schedules WHERE tenant_id = :tenant_id) < :most
        ON CONFLICT DO NOTHING RETURNING {WAKE}
        """,
        {
            **_values(unit, schedule_id, plan),
            "next_fire_at": next_fire_at,
            "key_id": unit.context.principal.key_id,
            "roles": sorted(unit.context.principal.roles),
            "most": most,
        },
    )
    return row is not None


def replace(unit: UnitOfWork, schedule_id: str, plan: Plan, next_fire_at: datetime | None) -> None:
    """Writes another plan; a schedule without `next_fire_at` stays as paused as it was."""
    unit.execute(
        f"""
        UPDATE schedules SET cron = :cron, time_zone = :time_zone, kind = :kind,
            payload = CAST(:payload AS jsonb), catch_up = :catch_up, max_catch_up = :max_catch_up,
            overlap = :overlap, next_fire_at = :next_fire_at, due_at = :next_fire_at,
            updated_at = now()
        WHERE tenant_id = :tenant_id AND schedule_id = :schedule_id RETURNING {WAKE}
        """,
        {**_values(unit, schedule_id, plan), "next_fire_at": next_fire_at},
    )


def pause(unit: UnitOfWork, schedule_id: str) -> None:
    """Pauses the schedule; one that is paused stays as it is."""
    unit.execute(
        "UPDATE schedules SET paused_at = now(), next_fire_at = NULL, due_at = NULL,"
        " updated_at = now() WHERE tenant_id = :tenant_id AND schedule_id = :schedule_id"
        " AND paused_at IS NULL",
        {"tenant_id": unit.context.tenant_id, "schedule_id": schedule_id},
    )


def resume(unit: UnitOfWork, schedule_id: str, next_fire_at: datetime | None) -> None:
    """Resumes a paused schedule; one that is not paused stays as it is."""
    unit.execute(
        "UPDATE schedules SET paused_at = NULL, next_fire_at = :next_fire_at,"
        " due_at = :next_fire_at, updated_at = now() WHERE tenant_id = :tenant_id"
        f" AND schedule_id = :schedule_id AND paused_at IS NOT NULL RETURNING {WAKE}",
        {
            "tenant_id": unit.context.tenant_id,
            "schedule_id": schedule_id,
            "next_fire_at": next_fire_at,
        },
    )


def delete(unit: UnitOfWork, schedule_id: str) -> bool:
    """Deletes the schedule and its fires; tells whether there was one."""
    return bool(
        unit.execute(
            "DELETE FROM schedules WHERE tenant_id = :tenant_id AND schedule_id = :schedule_id",
            {"tenant_id": unit.context.tenant_id, "schedule_id": schedule_id},
        ).rowcount
    )


def find(unit: UnitOfWork, schedule_id: str, *, lock: bool = False) -> Schedule | None:
    """Returns the schedule, or None; `lock` holds it until the transaction ends."""
    row = unit.one(
        f"{SELECT} AND s.schedule_id = :schedule_id" + (" FOR UPDATE OF s" if lock else ""),
        {"tenant_id": unit.context.tenant_id, "schedule_id": schedule_id},
    )
    return None if row is None else schedule_from(row)


def list_after(unit: UnitOfWork, after: str, limit: int) -> list[Schedule]:
    """Returns up to `limit` schedules by id, after the id `after`."""
    rows = unit.all(
        f"{SELECT} AND s.schedule_id > :after ORDER BY s.schedule_id LIMIT :limit",
        {"tenant_id": unit.context.tenant_id, "after": after, "limit": limit},
    )
    return [schedule_from(row) for row in rows]


def latest_fires(unit: UnitOfWork, schedule_id: str, limit: int) -> Sequence[Fire]:
    """Returns what became of the latest fires, newest first."""
    rows = unit.all(
        f"SELECT {FIRE} FROM schedule_fires WHERE tenant_id = :tenant_id"
        " AND schedule_id = :schedule_id ORDER BY fire_time DESC LIMIT :limit",
        {"tenant_id": unit.context.tenant_id, "schedule_id": schedule_id, "limit": limit},
    )
    return [_fire_from(row) for row in rows]


def plan_from(row: Row) -> Plan:
    """Returns the plan of a row of `schedules`."""
    return Plan(
        cron=row["cron"],
        kind=row["kind"],
        payload=row["payload"],
        time_zone=row["time_zone"],
        catch_up=CatchUp(row["catch_up"]),
        max_catch_up=row["max_catch_up"],
        overlap=Overlap(row["overlap"]),
    )


def schedule_from(row: Row) -> Schedule:
    """Returns the schedule of a row of `SELECT`."""
    return Schedule(
        schedule_id=row["schedule_id"],
        plan=plan_from(row),
        paused_at=row["paused_at"],
        next_fire_at=row["next_fire_at"],
        held=row["due_at"] != row["next_fire_at"],
        key_id=row["key_id"],
        roles=frozenset(row["roles"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_fire=None if row["fire_time"] is None else _fire_from(row),
    )


def _fire_from(row: Row) -> Fire:
    return Fire(
        fire_time=row["fire_time"],
        result=FireResult(row["result"]),
        manual=row["manual"],
        job_id=None if row["job_id"] is None else str(row["job_id"]),
        fired_at=row["fired_at"],
    )


def _values(unit: UnitOfWork, schedule_id: str, plan: Plan) -> dict[str, object]:
    return {
        "tenant_id": unit.context.tenant_id,
        "schedule_id": schedule_id,
        "cron": plan.cron,
        "time_zone": plan.time_zone,
        "kind": plan.kind,
        "payload": json_text(plan.payload),
        "catch_up": plan.catch_up,
        "max_catch_up": plan.max_catch_up,
        "overlap": plan.overlap,
    }
