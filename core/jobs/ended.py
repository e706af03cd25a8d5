"""Finds ended jobs of one tenant and puts them back into their queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.failures import RefusedError
from core.jobs.job import RETRYABLE, Job, JobState
from core.jobs.spec import job_exists
from core.jobs.store import COLUMNS, TELL, job_from
from core.platform.postgres import violated
from core.platform.unit_of_work import UnitOfWork


def list_oldest_ended(
    unit: UnitOfWork, *, states: Sequence[JobState], kind: str, reason: str, limit: int
) -> Sequence[Job]:
    """Returns ended jobs, oldest first, locked against other changes until the transaction ends.

    The states are in the text, so that Postgres sees which index has the jobs of those alone.
    """
    of_states = ", ".join(f"'{state}'" for state in states)
    rows = unit.all(
        f"""
        SELECT {COLUMNS} FROM jobs WHERE tenant_id = :tenant_id AND state IN ({of_states})
        AND (:kind = '' OR kind = :kind) AND (:reason = '' OR error->>'reason' = :reason)
        ORDER BY job_id LIMIT :limit FOR UPDATE SKIP LOCKED
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "kind": kind,
            "reason": reason,
            "limit": limit,
        },
    )
    return [job_from(row) for row in rows]


def put_back(unit: UnitOfWork, job_id: str) -> Job | None:
    """Queues an ended job again with a fresh set of attempts.

    None where that is not allowed, or another job has its unique key by now.
    """
    row = unit.one(
        f"""
        UPDATE jobs SET state = 'queued', run_at = now(), attempt = 0, crash_count = 0,
            expires_at = NULL, cancel_requested_at = NULL, finished_at = NULL,
            lease_until = NULL, dispatched_at = NULL, sequence = sequence + 1
        WHERE tenant_id = :tenant_id AND job_id = :job_id AND state = ANY(:retryable)
        AND NOT EXISTS (SELECT FROM jobs AS other WHERE other.tenant_id = :tenant_id
            AND other.kind = jobs.kind AND other.unique_key = jobs.unique_key
            AND other.state IN ('held', 'queued', 'dispatched', 'running'))
        RETURNING {COLUMNS}, {TELL}::text AS told, pg_notify('howdah_jobs', queue)::text AS woken
        """,
        {
            "tenant_id": unit.context.tenant_id,
            "job_id": job_id,
            "retryable": sorted(RETRYABLE),
        },
    )
    return None if row is None else job_from(row)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Raises JOB_EXISTS where, at that very moment, another job has come with the unique key."""
    try:
        yield
    except Exception as fault:
        if violated(fault) == "jobs_unique":
            raise RefusedError(job_exists()) from fault
        raise
