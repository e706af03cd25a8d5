"""Keeps batches and chains in Postgres for their own tenant: every statement runs bound to it.

The trigger `jobs_crossed` counts, and lets held jobs go, in the transaction that ends a job.
"""

from __future__ import annotations

from core.jobs.batch import Batch
from core.jobs.job import Job
from core.jobs.store import COLUMNS, TELL, job_from
from core.platform.postgres import Row
from core.platform.unit_of_work import UnitOfWork

BATCH_COLUMNS = """tenant_id, batch_id, total, open, succeeded, failed, dead, cancelled, expired,
 quarantined, created_at, callback_job_id, finished_at"""

GET = (
    f"SELECT {BATCH_COLUMNS} FROM batches"
    " WHERE tenant_id = %(tenant_id)s AND batch_id = %(batch_id)s"
)


def batch_from(row: Row) -> Batch:
    """Returns the batch of a row with `BATCH_COLUMNS`."""
    callback = row["callback_job_id"]
    return Batch(
        **{
            **row,
            "batch_id": str(row["batch_id"]),
            "callback_job_id": None if callback is None else str(callback),
        }
    )


def insert(unit: UnitOfWork, batch_id: str, *, jobs: int, callback_job_id: str | None) -> Batch:
    """Inserts a batch of which every job is open."""
    row = unit.one(
        f"""
        INSERT INTO batches (tenant_id, batch_id, total, open, callback_job_id)
        VALUES (:tenant_id, CAST(:batch_id AS uuid), :jobs, :jobs, CAST(:callback_job_id AS uuid))
        RETURNING {BATCH_COLUMNS}
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "batch_id": batch_id,
            "jobs": jobs,
            "callback_job_id": callback_job_id,
        },
    )
    assert row is not None, "an insert returns its row"
    return batch_from(row)


def get(unit: UnitOfWork, batch_id: str) -> Batch | None:
    """Returns the batch as this transaction sees it."""
    row = unit.one(
        f"SELECT {BATCH_COLUMNS} FROM batches WHERE tenant_id = :tenant_id AND batch_id = :id",
        {"tenant_id": unit.context.tenant_id, "id": batch_id},
    )
    return None if row is None else batch_from(row)


def ask_to_cancel_jobs(unit: UnitOfWork, batch_id: str) -> None:
    """Cancels the jobs that wait, asks those that run to stop.

    Locked in the order of their ids, so that two who cancel the same batch do not block each other.
    """
    unit.execute(
        f"""
        WITH unended AS MATERIALIZED (
            SELECT job_id AS id FROM jobs WHERE tenant_id = :tenant_id AND batch_id = :batch_id
            AND (state IN ('held', 'queued', 'dispatched')
                 OR (state = 'running' AND cancel_requested_at IS NULL))
            ORDER BY job_id FOR UPDATE
        )
        UPDATE jobs SET cancel_requested_at = now(), sequence = sequence + 1,
            state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
            finished_at = CASE WHEN state = 'running' THEN NULL ELSE now() END
        FROM unended WHERE tenant_id = :tenant_id AND job_id = id
        AND state IN ('held', 'queued', 'dispatched', 'running')
        RETURNING {TELL}::text AS told,
            pg_notify('howdah_job_cancel', tenant_id || '/' || job_id)::text AS asked
        """,
        {"tenant_id": unit.context.tenant_id, "batch_id": batch_id},
    )


def cancel_unbegun(unit: UnitOfWork, job_id: str) -> None:
    """Cancels a job unless it has begun."""
    unit.execute(
        f"""
        UPDATE jobs SET cancel_requested_at = now(), state = 'cancelled', finished_at = now(),
            sequence = sequence + 1
        WHERE tenant_id = :tenant_id AND job_id = :job_id
        AND state IN ('held', 'queued', 'dispatched') RETURNING {TELL}::text AS told
        """,
        {"tenant_id": unit.context.tenant_id, "job_id": job_id},
    )


def count_now(unit: UnitOfWork) -> None:
    """Counts what has ended in this transaction before it commits, for whoever reads the counts."""
    unit.execute("SET CONSTRAINTS jobs_crossed IMMEDIATE")


def step_before(unit: UnitOfWork, job_id: str) -> Job | None:
    """Returns the job whose success lets this one go."""
    row = unit.one(
        f"SELECT {COLUMNS} FROM jobs WHERE tenant_id = :tenant_id AND next_job_id = :job_id",
        {"tenant_id": unit.context.tenant_id, "job_id": job_id},
    )
    return None if row is None else job_from(row)


def called_by(unit: UnitOfWork, job_id: str) -> Batch | None:
    """Returns the batch whose end lets this job go."""
    row = unit.one(
        f"SELECT {BATCH_COLUMNS} FROM batches"
        " WHERE tenant_id = :tenant_id AND callback_job_id = :job_id",
        {"tenant_id": unit.context.tenant_id, "job_id": job_id},
    )
    return None if row is None else batch_from(row)
