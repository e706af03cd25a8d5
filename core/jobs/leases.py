"""Keeps and ends the leases of running jobs, for all tenants of one worker or of the node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.jobs.batch_locks import lock_in_order
from core.jobs.job import CRASHES_BEFORE_QUARANTINE, JobState
from core.jobs.ledger import Ticket, arrays, in_order
from core.jobs.store import TELL
from core.platform.system_database import SystemTransaction


@dataclass(frozen=True, slots=True)
class Renewal:
    """Says what Postgres knows of a lease: whether it is still ours, and whether to stop.

    `extended` is False where the row was locked, as by the attempt's own transaction. Then nobody
    else can take the job either.
    """

    held: bool
    extended: bool
    cancel: bool


@dataclass(frozen=True, slots=True)
class LostJob:
    """Names a job whose attempt crashed, and the state that left it in."""

    tenant_id: str
    job_id: str
    kind: str
    state: JobState


# The row of a job may be locked for long by the attempt's own transaction; one such job must not
# keep the heartbeat of the others waiting.
RENEW = f"""
WITH mine AS (
    SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[]),
        CAST(:epochs AS bigint[]), CAST(:progress AS text[]))
        AS held (tenant, id, number, progress)
), free AS (
    SELECT j.tenant_id, j.job_id, mine.progress FROM jobs AS j
    JOIN mine ON j.tenant_id = mine.tenant AND j.job_id = mine.id AND j.epoch = mine.number
    WHERE j.state = 'running' FOR UPDATE OF j SKIP LOCKED
), extended AS (
    UPDATE jobs AS j SET lease_until = clock_timestamp() + make_interval(secs => :lease_seconds),
        progress = COALESCE(CAST(free.progress AS jsonb), j.progress),
        sequence = j.sequence + CASE WHEN free.progress IS NULL THEN 0 ELSE 1 END
    FROM free WHERE j.tenant_id = free.tenant_id AND j.job_id = free.job_id
    RETURNING j.tenant_id, j.job_id, CASE WHEN free.progress IS NOT NULL THEN
        {TELL.replace("tenant_id", "j.tenant_id").replace("job_id", "j.job_id")} END AS told
)
SELECT mine.tenant AS tenant_id, mine.id AS job_id,
    COALESCE(j.state = 'running' AND j.epoch = mine.number, false) AS held,
    extended.job_id IS NOT NULL AS extended, j.cancel_requested_at IS NOT NULL AS cancel
FROM mine LEFT JOIN jobs AS j ON j.tenant_id = mine.tenant AND j.job_id = mine.id
LEFT JOIN extended ON extended.tenant_id = mine.tenant AND extended.job_id = mine.id
"""


def renew(
    transaction: SystemTransaction,
    tickets: Sequence[Ticket],
    progress: Sequence[str | None],
    *,
    lease_seconds: float,
) -> Mapping[tuple[str, str], Renewal]:
    """Extends the leases and writes the progress of those that have some; by tenant and job."""
    rows = transaction.all(
        RENEW, {**arrays(tickets), "progress": list(progress), "lease_seconds": lease_seconds}
    )
    return {
        (row["tenant_id"], str(row["job_id"])): Renewal(row["held"], row["extended"], row["cancel"])
        for row in rows
    }


def release(transaction: SystemTransaction, tickets: Sequence[Ticket]) -> int:
    """Queues jobs again whose worker drains and cannot wait for them; counts no attempt.

    They keep their place, before all that came after them.
    """
    if not tickets:
        return 0
    rows = transaction.all(
        f"""
        UPDATE jobs SET sequence = sequence + 1, attempt = attempt - 1, lease_until = NULL,
            state = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
            finished_at = CASE WHEN cancel_requested_at IS NULL THEN NULL ELSE now() END
        FROM unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[]), CAST(:epochs AS bigint[]))
            AS given (tenant, id, number)
        WHERE tenant_id = given.tenant AND job_id = given.id AND epoch = given.number
        AND state = 'running'
        RETURNING tenant_id, batch_id, {TELL}::text AS told,
            pg_notify('howdah_jobs', queue)::text AS woken
        """,
        arrays(in_order(tickets)),
    )
    lock_in_order(transaction, ((row["tenant_id"], row["batch_id"]) for row in rows))
    return len(rows)


def rescue_crashed(transaction: SystemTransaction, *, error: str, most: int) -> list[LostJob]:
    """Takes jobs from workers that let their lease run out; returns what became of each.

    They have waited for the lease and keep their place: however much has come after them, they are
    next in their line.
    """
    rows = transaction.all(
        _crash("lease_until < now() LIMIT :most FOR UPDATE SKIP LOCKED", again_at="run_at"),
        {"error": error, "limit": CRASHES_BEFORE_QUARANTINE, "most": most},
    )
    lock_in_order(transaction, ((row["tenant_id"], row["batch_id"]) for row in rows))
    return [
        LostJob(row["tenant_id"], str(row["job_id"]), row["kind"], JobState(row["state"]))
        for row in rows
    ]


def crash(transaction: SystemTransaction, ticket: Ticket, *, error: str) -> JobState | None:
    """Takes one job from an attempt that is known to be over; None where it is another's.

    What has just crashed is left alone for a moment.
    """
    row = transaction.one(
        _crash(
            "tenant_id = :tenant_id AND job_id = :job_id AND epoch = :epoch FOR UPDATE",
            again_at="now() + random() * make_interval(secs => 2 ^ crash_count)",
        ),
        {
            "error": error,
            "limit": CRASHES_BEFORE_QUARANTINE,
            "tenant_id": ticket.tenant_id,
            "job_id": ticket.job_id,
            "epoch": ticket.epoch,
        },
    )
    return None if row is None else JobState(row["state"])


def _crash(which: str, *, again_at: str) -> str:
    """Returns the statement that counts a crash of `which` running jobs.

    A crash gives its attempt back: crashes have a count, and a limit, of their own.
    """
    return f"""
        UPDATE jobs SET crash_count = crash_count + 1, attempt = attempt - 1,
            lease_until = NULL, sequence = sequence + 1,
            state = lost.after,
            finished_at = CASE WHEN lost.after = 'queued' THEN NULL ELSE now() END,
            run_at = {again_at},
            error = CASE WHEN lost.after <> 'cancelled' THEN CAST(:error AS jsonb)
                || jsonb_build_object('correlation_id', correlation_id) END
        FROM (
            SELECT tenant_id AS tenant, job_id AS id, CASE
                WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
                WHEN crash_count + 1 >= :limit THEN 'quarantined' ELSE 'queued' END AS after
            FROM jobs WHERE state = 'running' AND {which}
        ) AS lost
        WHERE tenant_id = lost.tenant AND job_id = lost.id AND state = 'running'
        RETURNING tenant_id, job_id, batch_id, kind, state, {TELL}::text AS told
        """
