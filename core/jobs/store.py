"""Keeps jobs in Postgres for their own tenant: every statement runs bound to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.jobs.job import Job, JobState, Progress
from core.platform.listener import HEARERS_LOCKS
from core.platform.postgres import Row
from core.platform.signals import CHANGES_HEARD
from core.platform.unit_of_work import UnitOfWork

COLUMNS = """tenant_id, job_id, kind, kind_version, queue, priority, state, payload, run_at,
 expires_at, attempt, max_attempts, crash_count, epoch, worker_id, progress, checkpoint, result,
 file_id, error, sequence, cancel_requested_at, key_id, roles, correlation_id, traceparent,
 created_at, started_at, finished_at, next_job_id, batch_id, unique_key"""

# Runs in the transaction of the change, so nobody hears of a change that was rolled back.
# Whoever listens holds the locks, so that a change that nobody could hear costs no announcement.
TELL = f"""CASE
    WHEN pg_try_advisory_xact_lock({CHANGES_HEARD}, mod(pg_backend_pid(), {HEARERS_LOCKS}))
    THEN NULL ELSE pg_notify('howdah_job_changed', tenant_id || '/' || job_id)::text END"""

GET = f"SELECT {COLUMNS} FROM jobs WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s"


def job_from(row: Row) -> Job:
    """Returns the job of a row with `COLUMNS`."""
    values = {name: row[name] for name in JOB_FIELDS}
    return Job(
        **{
            **values,
            "job_id": str(row["job_id"]),
            "state": JobState(row["state"]),
            "roles": frozenset(row["roles"]),
            "progress": Progress(**row["progress"]),
            **{name: None if row[name] is None else str(row[name]) for name in LINKS},
        }
    )


JOB_FIELDS = tuple(name.strip() for name in COLUMNS.split(","))
LINKS = ("file_id", "next_job_id", "batch_id")


def json_text(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Returns the text of a JSON column."""
    return orjson.dumps(value).decode("utf-8")


def insert(
    unit: UnitOfWork,
    values: Mapping[str, Any],
    *,
    at_once: bool,
    delay_seconds: float,
    most_waiting: int,
) -> Job | None:
    """Inserts a job; None where the tenant has `most_waiting` already.

    With `at_once` it is inserted as dispatched unless its tenant is paused; otherwise the
    dispatchers are told. One round trip, and a count that stops at the limit. Deliveries of
    webhooks do not count: a receiver that is away must not keep its tenant from working.
    """
    row = unit.one(
        f"""
        WITH waiting AS (
            SELECT count(*) AS jobs FROM (
                SELECT FROM jobs WHERE tenant_id = :tenant_id
                AND state IN ('held', 'queued', 'dispatched') AND queue <> 'webhooks'
                LIMIT :most_waiting
            ) AS counted
        ), clear AS (
            SELECT CASE WHEN :at_once AND NOT EXISTS (
                SELECT FROM tenants WHERE tenant_id = :tenant_id AND jobs_paused_at IS NOT NULL
            ) THEN 'dispatched' ELSE 'queued' END AS state
        ), made AS (
            INSERT INTO jobs (tenant_id, job_id, kind, kind_version, queue, priority, payload,
                run_at, expires_at, max_attempts, key_id, roles, correlation_id, traceparent,
                state, dispatched_at)
            SELECT :tenant_id, CAST(:job_id AS uuid), :kind, :kind_version, :queue, :priority,
                CAST(:payload AS jsonb),
                GREATEST(now() + make_interval(secs => :delay_seconds),
                    CAST(:run_at AS timestamptz)),
                now() + make_interval(secs => :expire_after_seconds), :max_attempts, :key_id,
                CAST(:roles AS text[]), :correlation_id, :traceparent,
                clear.state, CASE clear.state WHEN 'dispatched' THEN now() END
            FROM waiting, clear WHERE waiting.jobs < :most_waiting
            RETURNING {COLUMNS}
        )
        SELECT made.*, CASE made.state WHEN 'queued'
            THEN pg_notify('howdah_jobs', made.queue)::text END AS told FROM made
        """,
        {
            **values,
            "tenant_id": unit.context.tenant_id,
            "payload": json_text(values["payload"]),
            "at_once": at_once,
            "delay_seconds": delay_seconds,
            "most_waiting": most_waiting,
        },
    )
    return None if row is None else job_from(row)


def get_for_update(unit: UnitOfWork, job_id: str) -> Job | None:
    """Returns the job, locked against other changes until the transaction ends."""
    row = unit.one(
        f"SELECT {COLUMNS} FROM jobs WHERE tenant_id = :tenant_id AND job_id = :job_id FOR UPDATE",
        {"tenant_id": unit.context.tenant_id, "job_id": job_id},
    )
    return None if row is None else job_from(row)


def list_newest(
    unit: UnitOfWork,
    *,
    state: JobState | None,
    kind: str,
    batch_id: str,
    before: str | None,
    limit: int,
) -> Sequence[Job]:
    """Returns jobs, newest first, older than the id `before`.

    The state is in the text, so that Postgres sees which index has the jobs of that state alone.
    """
    of_state = f"AND state = '{state}'" if state else ""
    of_batch = "AND batch_id = CAST(:batch_id AS uuid)" if batch_id else ""
    rows = unit.all(
        f"""
        SELECT {COLUMNS} FROM jobs WHERE tenant_id = :tenant_id {of_state}
        AND (:kind = '' OR kind = :kind) {of_batch}
        AND (CAST(:before AS uuid) IS NULL OR job_id < CAST(:before AS uuid))
        ORDER BY job_id DESC LIMIT :limit
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "kind": kind,
            **({"batch_id": batch_id} if batch_id else {}),
            "before": before,
            "limit": limit,
        },
    )
    return [job_from(row) for row in rows]


def ask_to_cancel(unit: UnitOfWork, job_id: str) -> Job | None:
    """Cancels a job that waits, asks one that runs to stop; None where it has ended."""
    row = unit.one(
        f"""
        UPDATE jobs SET
            cancel_requested_at = COALESCE(cancel_requested_at, now()),
            state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
            finished_at = CASE WHEN state = 'running' THEN NULL ELSE now() END,
            sequence = sequence + 1
        WHERE tenant_id = :tenant_id AND job_id = :job_id
        AND (state IN ('held', 'queued', 'dispatched')
             OR (state = 'running' AND cancel_requested_at IS NULL))
        RETURNING {COLUMNS}, {TELL}::text AS told,
            pg_notify('howdah_job_cancel', tenant_id || '/' || job_id)::text AS asked
        """,
        {"tenant_id": unit.context.tenant_id, "job_id": job_id},
    )
    return None if row is None else job_from(row)


def save_checkpoint(
    unit: UnitOfWork, job: Job, checkpoint: Mapping[str, Any], *, lease_seconds: float
) -> bool:
    """Writes the checkpoint, extends the lease; False where the job is another attempt's."""
    return bool(
        unit.execute(
            """
            UPDATE jobs SET checkpoint = CAST(:checkpoint AS jsonb),
                lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
            WHERE tenant_id = :tenant_id AND job_id = :job_id AND epoch = :epoch
            AND state = 'running'
            """,
            {
                "tenant_id": unit.context.tenant_id,
                "job_id": job.job_id,
                "epoch": job.epoch,
                "checkpoint": json_text(checkpoint),
                "lease_seconds": lease_seconds,
            },
        ).rowcount
    )
