"""Counts what one tenant has in each queue, and who is there to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.context import Context
from core.jobs.job import JobState
from core.jobs.ledger import WORKER_GONE_SECONDS
from core.platform.postgres import Row
from core.platform.system_database import SystemDatabase
from core.result import Ok, Result

STATS = """
WITH own AS (
    SELECT queue, state, run_at FROM jobs WHERE tenant_id = :tenant_id
        AND state IN ('held', 'queued', 'dispatched')
    UNION ALL
    SELECT queue, state, run_at FROM jobs WHERE tenant_id = :tenant_id AND state = 'running'
), counted AS (
    SELECT queue, count(*) FILTER (WHERE state = 'queued' AND run_at <= now()) AS waiting,
        count(*) FILTER (WHERE state = 'queued' AND run_at > now()) AS delayed,
        count(*) FILTER (WHERE state = 'held') AS held,
        count(*) FILTER (WHERE state = 'dispatched') AS dispatched,
        count(*) FILTER (WHERE state = 'running') AS running,
        COALESCE(extract(epoch FROM now() - min(run_at) FILTER (
            WHERE state = 'queued' AND run_at <= now())), 0)::float8 AS oldest_wait_seconds
    FROM own GROUP BY queue
), ended AS (
    SELECT queue, jsonb_object_agg(state, jobs) AS ended FROM (
        SELECT queue, state, count(*) AS jobs FROM jobs WHERE tenant_id = :tenant_id
        AND finished_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute'
        GROUP BY queue, state
    ) AS states GROUP BY queue
), live AS (
    SELECT queue, slots, kinds FROM workers, unnest(queues) AS name(queue)
    WHERE seen_at > now() - make_interval(secs => :gone)
), workers_of AS (
    SELECT queue, count(*) AS workers, sum(slots) AS places, (
        SELECT array_agg(DISTINCT kind ORDER BY kind)
        FROM live AS of_queue, unnest(of_queue.kinds) AS kind
        WHERE of_queue.queue = live.queue) AS kinds
    FROM live GROUP BY queue
)
SELECT queue, COALESCE(waiting, 0) AS waiting, COALESCE(delayed, 0) AS delayed,
    COALESCE(held, 0) AS held, COALESCE(dispatched, 0) AS dispatched,
    COALESCE(running, 0) AS running, COALESCE(oldest_wait_seconds, 0) AS oldest_wait_seconds,
    COALESCE(ended, '{}') AS ended, COALESCE(workers, 0) AS workers,
    COALESCE(places, 0) AS places, COALESCE(kinds, '{}') AS kinds
FROM counted FULL JOIN ended USING (queue) FULL JOIN workers_of USING (queue) ORDER BY queue
"""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Is one queue: the jobs of a tenant or of the node, and the workers of all tenants.

    `ended` counts those that ended within the last minute.
    """

    queue: str
    waiting: int
    delayed: int
    held: int
    dispatched: int
    running: int
    oldest_wait_seconds: float
    ended: Mapping[JobState, int]
    workers: int
    places: int
    kinds: Sequence[str]


@dataclass(frozen=True, slots=True)
class TenantQueues:
    """Is every queue that has workers or jobs of the tenant."""

    queues: Sequence[QueueStats]
    paused: bool


@dataclass(frozen=True, slots=True)
class GetQueueStats:
    """Answers with sums; what another tenant has is in none of them."""

    system: SystemDatabase

    def __call__(self, context: Context, _query: None) -> Result[TenantQueues]:
        """Returns the queues by name."""
        of_tenant = {"tenant_id": context.tenant_id}
        with self.system.begin() as transaction:
            rows = transaction.all(STATS, {**of_tenant, "gone": WORKER_GONE_SECONDS})
            paused = transaction.all(
                "SELECT FROM tenants WHERE tenant_id = :tenant_id AND jobs_paused_at IS NOT NULL",
                of_tenant,
            )
        return Ok(TenantQueues([queue_from(row) for row in rows], bool(paused)))


def queue_from(row: Row) -> QueueStats:
    """Returns the queue of a row that has its fields."""
    ended = {JobState(state): jobs for state, jobs in row["ended"].items()}
    return QueueStats(**{**row, "ended": ended})
