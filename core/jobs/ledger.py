"""Moves waiting jobs of all tenants to the workers and back; every move is conditional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.jobs.batch_locks import lock_in_order
from core.jobs.job import Job
from core.jobs.kind import JobKind
from core.jobs.store import TELL, json_text
from core.platform.postgres import Row
from core.platform.system_database import SystemTransaction

# A worker that has not been seen for so long counts as gone.
WORKER_GONE_SECONDS = 30


# Whether a worker can run a job: a kind that it knows, and no later version of it, whose payload
# it could misread. `versions` are those of the worker's kinds.
KNOWN = "kind_version <= COALESCE((CAST({versions} AS jsonb) ->> kind)::integer, 0)"
# The same of a row of `workers`, for the job or jobs of the row `job`. A worker of a release that
# did not announce versions knows the first.
KNOWN_TO_WORKER = """{job}.kind = ANY(kinds)
    AND {job}.kind_version <= COALESCE((versions ->> {job}.kind)::integer, 1)"""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Names one dispatch of one job: what a message carries, in a queue where that is known."""

    tenant_id: str
    job_id: str
    epoch: int
    queue: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Says what the live workers of one queue can take: places, and the kinds they know.

    `versions` has the latest version of each kind that one of them can run.
    """

    queue: str
    slots: int
    versions: Mapping[str, int]


def capacities(transaction: SystemTransaction) -> list[Capacity]:
    """Returns the capacity of each queue that a live worker listens on."""
    rows = transaction.all(
        """
        WITH live AS (
            SELECT * FROM workers WHERE seen_at > now() - make_interval(secs => :gone)
        )
        SELECT queue, sum(slots)::integer AS slots, (
            SELECT jsonb_object_agg(kind, version) FROM (
                SELECT kind, max(COALESCE((l.versions ->> kind)::integer, 1)) AS version
                FROM live AS l, unnest(l.kinds) AS kind
                WHERE name.queue = ANY(l.queues) GROUP BY kind
            ) AS latest
        ) AS versions
        FROM live, unnest(queues) AS name(queue) GROUP BY queue ORDER BY queue
        """,
        {"gone": WORKER_GONE_SECONDS},
    )
    return [Capacity(row["queue"], row["slots"], row["versions"] or {}) for row in rows]


def busy_places(transaction: SystemTransaction, queue: str, *, ready: int) -> int:
    """Returns how many places of the queue's live workers have a job, or are just taking one.

    `ready` is how many jobs lie in Redis: what was dispatched beyond them is on its way to its
    worker, or lost where that was more than a second ago.
    """
    row = transaction.one(
        """
        SELECT (SELECT count(*) FROM jobs WHERE state = 'running' AND worker_id IN (
                SELECT worker_id FROM workers WHERE :queue = ANY(queues)
                AND seen_at > now() - make_interval(secs => :gone)))
            + GREATEST(0, (SELECT count(*) FROM jobs WHERE state = 'dispatched'
                AND queue = :queue AND dispatched_at > now() - interval '1 second') - :ready)
            AS jobs
        """,
        {"queue": queue, "gone": WORKER_GONE_SECONDS, "ready": ready},
    )
    assert row is not None
    return int(row["jobs"])


def give_back(transaction: SystemTransaction, tickets: Sequence[Ticket]) -> int:
    """Queues jobs again that were dispatched but not begun; returns how many."""
    if not tickets:
        return 0
    rows = transaction.all(
        f"""
        UPDATE jobs SET state = 'queued', dispatched_at = NULL, sequence = sequence + 1
        FROM unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[]), CAST(:epochs AS bigint[]))
            AS given (tenant, id, number)
        WHERE tenant_id = given.tenant AND job_id = given.id AND epoch = given.number
        AND state = 'dispatched'
        RETURNING {TELL}::text AS told, pg_notify('howdah_jobs', queue)::text AS woken
        """,
        arrays(in_order(tickets)),
    )
    return len(rows)


def pass_on(
    transaction: SystemTransaction,
    ticket: Ticket,
    versions: Mapping[str, int],
    *,
    after_seconds: float,
) -> bool:
    """Queues a dispatched job again that is not `KNOWN` by its worker; tells whether it was so.

    For a while later: until the worker that knows it comes to it, it may be handed to us again.
    """
    return bool(
        transaction.execute(
            f"""
            UPDATE jobs SET state = 'queued', dispatched_at = NULL, sequence = sequence + 1,
                run_at = GREATEST(run_at, now() + make_interval(secs => :after_seconds))
            WHERE tenant_id = :tenant_id AND job_id = :job_id AND epoch = :epoch
            AND state = 'dispatched' AND NOT {KNOWN.format(versions=":versions")}
            RETURNING {TELL}::text
            """,
            {
                "tenant_id": ticket.tenant_id,
                "job_id": ticket.job_id,
                "epoch": ticket.epoch,
                "versions": json_text(versions),
                "after_seconds": after_seconds,
            },
        ).rowcount
    )


def queue_unclaimed(transaction: SystemTransaction, *, after_seconds: float, most: int) -> int:
    """Queues jobs again that no worker has taken in time; returns how many."""
    return transaction.execute(
        f"""
        UPDATE jobs SET state = 'queued', dispatched_at = NULL, sequence = sequence + 1
        WHERE state = 'dispatched' AND (tenant_id, job_id) IN (
            SELECT tenant_id, job_id FROM jobs WHERE state = 'dispatched'
            AND dispatched_at < now() - make_interval(secs => :after_seconds)
            ORDER BY dispatched_at LIMIT :most FOR UPDATE SKIP LOCKED)
        RETURNING {TELL}::text
        """,
        {"after_seconds": after_seconds, "most": most},
    ).rowcount


def expire_unstarted(transaction: SystemTransaction, *, error: str, most: int) -> int:
    """Ends jobs that waited beyond the time anybody wanted them to begin; returns how many."""
    rows = transaction.all(
        f"""
        UPDATE jobs SET state = 'expired', finished_at = now(), sequence = sequence + 1,
            error = CAST(:error AS jsonb)
                || jsonb_build_object('correlation_id', correlation_id)
        WHERE state = 'queued' AND (tenant_id, job_id) IN (
            SELECT tenant_id, job_id FROM jobs WHERE state = 'queued' AND expires_at <= now()
            AND started_at IS NULL LIMIT :most FOR UPDATE SKIP LOCKED)
        RETURNING tenant_id, batch_id, {TELL}::text AS told
        """,
        {"error": error, "most": most},
    )
    lock_in_order(transaction, ((row["tenant_id"], row["batch_id"]) for row in rows))
    return len(rows)


def versions_of(kinds: Mapping[str, JobKind]) -> Mapping[str, int]:
    """Returns the versions of the kinds by their names."""
    return {name: kind.version for name, kind in kinds.items()}


def in_order(tickets: Sequence[Ticket]) -> list[Ticket]:
    """Returns the tickets by tenant and id: whoever locks several jobs does so in this order.

    Two that met the same jobs in different orders would wait for each other.
    """
    return sorted(tickets, key=lambda ticket: (ticket.tenant_id, ticket.job_id))


def arrays(tickets: Sequence[Ticket]) -> dict[str, object]:
    """Returns the tickets as the three arrays that SQL unnests."""
    return {
        "tenants": [ticket.tenant_id for ticket in tickets],
        "ids": [ticket.job_id for ticket in tickets],
        "epochs": [ticket.epoch for ticket in tickets],
    }


def ticket_of(job: Job) -> Ticket:
    """Returns the ticket of a job as it is now."""
    return Ticket(job.tenant_id, job.job_id, job.epoch, job.queue)


def ticket_from(row: Row) -> Ticket:
    """Returns the ticket of a row with tenant_id, job_id, epoch and queue."""
    return Ticket(row["tenant_id"], str(row["job_id"]), row["epoch"], row["queue"])
