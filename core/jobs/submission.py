"""Writes many jobs in one statement, or one that may turn out to be there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import uuid_utils

from core.failures import RefusedError
from core.jobs.job import Job, JobState
from core.jobs.kind import JobKind
from core.jobs.spec import JobSpec, job_exists
from core.jobs.store import COLUMNS, TELL, job_from, json_text
from core.jobs.submit import queue_full
from core.platform.unit_of_work import UnitOfWork

# Every column of a new job that differs between the jobs of one submission. What is held begins to
# wait out its delay, and its expiry, when it is let go.
INSERT = f"""
WITH waiting AS (
    SELECT count(*) AS jobs FROM (
        SELECT FROM jobs WHERE tenant_id = :tenant_id
        AND state IN ('held', 'queued', 'dispatched') AND queue <> 'webhooks'
        LIMIT :most_waiting
    ) AS counted
), made AS (
    INSERT INTO jobs (tenant_id, job_id, kind, kind_version, queue, priority, state, payload,
        run_at, expires_at, held_delay, held_expiry, max_attempts, next_job_id, batch_id,
        unique_key, key_id, roles, correlation_id, traceparent)
    SELECT :tenant_id, new.job_id, new.kind, new.kind_version, new.queue, new.priority, new.state,
        new.payload,
        GREATEST(now(), new.run_at, CASE new.state WHEN 'queued' THEN now() + new.delay END),
        CASE new.state WHEN 'queued' THEN now() + new.expiry END,
        CASE new.state WHEN 'held' THEN new.delay END,
        CASE new.state WHEN 'held' THEN new.expiry END,
        new.max_attempts, new.next_job_id, new.batch_id, new.unique_key, :key_id,
        CAST(:roles AS text[]), :correlation_id, :traceparent
    FROM waiting, (
        SELECT *, make_interval(secs => delay_seconds) AS delay,
            make_interval(secs => expire_after_seconds) AS expiry
        FROM jsonb_to_recordset(CAST(:jobs AS jsonb)) AS job (job_id uuid, kind text,
            kind_version integer, queue text, priority text, state text, payload jsonb,
            run_at timestamptz, delay_seconds double precision,
            expire_after_seconds double precision, max_attempts integer, next_job_id uuid,
            batch_id uuid, unique_key text)
    ) AS new
    WHERE waiting.jobs + :count <= :most_waiting
    -- So that two who want the same keys do not wait for each other.
    ORDER BY new.kind, new.unique_key, new.job_id
    -- Changes nothing, but locks and returns the job that is there.
    ON CONFLICT (tenant_id, kind, unique_key) WHERE unique_key IS NOT NULL
        AND state IN ('held', 'queued', 'dispatched', 'running')
        DO UPDATE SET unique_key = EXCLUDED.unique_key
    RETURNING {COLUMNS}
)
SELECT made.*, pg_notify('howdah_jobs', made.queue)::text AS told FROM made
"""


@dataclass(frozen=True, slots=True)
class NewJob:
    """Is a job that is about to be written. One that is `held` waits to be let go."""

    job_id: str
    spec: JobSpec
    kind: JobKind
    held: bool = False
    next_job_id: str | None = None
    batch_id: str | None = None

    def row(self) -> dict[str, Any]:
        """Returns it as the statement reads it."""
        spec, kind = self.spec, self.kind
        return {
            "job_id": self.job_id,
            "kind": kind.name,
            "kind_version": kind.version,
            "queue": kind.queue,
            "priority": spec.priority or kind.priority,
            "state": JobState.HELD if self.held else JobState.QUEUED,
            "payload": spec.payload,
            "run_at": spec.run_at,
            "delay_seconds": spec.delay_seconds,
            "expire_after_seconds": spec.expire_after_seconds,
            "max_attempts": kind.max_attempts,
            "next_job_id": self.next_job_id,
            "batch_id": self.batch_id,
            "unique_key": None if spec.unique is None else spec.unique.key,
        }


def new_ids(count: int) -> list[str]:
    """Returns ids that sort in the order in which they are returned."""
    return sorted(str(uuid_utils.uuid7()) for _ in range(count))


def insert_all(unit: UnitOfWork, jobs: Sequence[NewJob], *, most_waiting: int) -> list[Job]:
    """Inserts all jobs and tells the dispatchers; returns them in the order of their ids.

    Where a unique key is taken, the job that has it is returned, locked, instead of the new one.
    Raises RefusedError where the tenant would have more than `most_waiting` jobs waiting.
    """
    context = unit.context
    rows = unit.all(
        INSERT,
        {
            "tenant_id": context.tenant_id,
            "jobs": json_text([job.row() for job in jobs]),
            "count": len(jobs),
            "key_id": context.principal.key_id,
            "roles": sorted(context.principal.roles),
            "correlation_id": context.correlation_id,
            "traceparent": context.traceparent,
            "most_waiting": most_waiting,
        },
    )
    if not rows:
        raise RefusedError(queue_full(most_waiting))
    return sorted((job_from(row) for row in rows), key=lambda job: job.job_id)


def insert_new(unit: UnitOfWork, jobs: Sequence[NewJob], *, most_waiting: int) -> list[Job]:
    """Inserts all jobs, as above; raises RefusedError with JOB_EXISTS where a key is taken."""
    written = insert_all(unit, jobs, most_waiting=most_waiting)
    new = {job.job_id for job in jobs}
    for job in written:
        if job.job_id not in new:
            raise RefusedError(job_exists(job))
    return written


def replace_payload(unit: UnitOfWork, job: Job, new: NewJob) -> Job | None:
    """Gives a job that waits other work, with a fresh set of attempts; None where it runs.

    It runs for whoever wrote the payload, and a checkpoint of the old one means nothing to it.
    """
    row = unit.one(
        f"""
        UPDATE jobs SET payload = CAST(:payload AS jsonb), kind_version = :kind_version,
            key_id = :key_id, roles = :roles, attempt = 0, crash_count = 0, checkpoint = NULL,
            progress = '{{}}', error = NULL, sequence = sequence + 1
        WHERE tenant_id = :tenant_id AND job_id = :job_id
        AND state IN ('held', 'queued', 'dispatched')
        RETURNING {COLUMNS}, {TELL}::text AS told
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "job_id": job.job_id,
            "payload": json_text(new.spec.payload),
            "kind_version": new.kind.version,
            "key_id": unit.context.principal.key_id,
            "roles": sorted(unit.context.principal.roles),
        },
    )
    return None if row is None else job_from(row)
