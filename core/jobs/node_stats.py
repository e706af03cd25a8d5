"""Counts what all tenants have in each queue, and tells who is there to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from core.context import Context
from core.jobs.ledger import KNOWN_TO_WORKER, WORKER_GONE_SECONDS
from core.jobs.queue_stats import QueueStats, queue_from
from core.jobs.stranded import StrandedKind, bounded
from core.jobs.tenant_share import TenantShare
from core.platform.system_database import SystemDatabase
from core.result import Ok, Result

DEFAULT_TENANTS = 10
MOST_WORKERS = 500

# One statement, so that all numbers are of one moment. It reads each job that waits or runs once,
# through the indexes of those, and of the ended ones only the last minute: with an end to the
# range, a planner without statistics takes it for a short one.
STATS = f"""
WITH active AS MATERIALIZED (
    SELECT queue, tenant_id, kind, kind_version,
        count(*) FILTER (WHERE state = 'queued' AND run_at <= now()) AS waiting,
        count(*) FILTER (WHERE state = 'queued' AND run_at > now()) AS delayed,
        count(*) FILTER (WHERE state = 'held') AS held,
        count(*) FILTER (WHERE state = 'dispatched') AS dispatched,
        count(*) FILTER (WHERE state = 'running') AS running,
        min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now()) AS oldest
    FROM (
        SELECT queue, tenant_id, kind, kind_version, state, run_at
        FROM jobs WHERE state = 'held'
        UNION ALL
        SELECT queue, tenant_id, kind, kind_version, state, run_at
        FROM jobs WHERE state = 'queued'
        UNION ALL
        SELECT queue, tenant_id, kind, kind_version, state, run_at
        FROM jobs WHERE state = 'dispatched'
        UNION ALL
        SELECT queue, tenant_id, kind, kind_version, state, run_at
        FROM jobs WHERE state = 'running'
    ) AS not_ended GROUP BY queue, tenant_id, kind, kind_version
), ended AS MATERIALIZED (
    SELECT queue, tenant_id, state, count(*) AS jobs FROM jobs
    WHERE finished_at BETWEEN now() - interval '1 minute' AND now() + interval '1 minute'
    GROUP BY queue, tenant_id, state
), live AS MATERIALIZED (
    SELECT * FROM workers WHERE seen_at > now() - make_interval(secs => :gone)
), queue_names AS (
    SELECT queue FROM active UNION SELECT queue FROM ended
    UNION SELECT unnest(queues) FROM live
), of_queue AS (
    SELECT name.queue, COALESCE(sum(waiting), 0) AS waiting, COALESCE(sum(delayed), 0) AS delayed,
        COALESCE(sum(held), 0) AS held, COALESCE(sum(dispatched), 0) AS dispatched,
        COALESCE(sum(running), 0) AS running,
        COALESCE(extract(epoch FROM now() - min(oldest)), 0) AS oldest_wait_seconds,
        COALESCE((SELECT jsonb_object_agg(state, jobs) FROM (SELECT state, sum(jobs) AS jobs
            FROM ended WHERE ended.queue = name.queue GROUP BY state) AS states), '{{}}') AS ended,
        (SELECT count(*) FROM live WHERE name.queue = ANY(queues)) AS workers,
        (SELECT COALESCE(sum(slots), 0) FROM live WHERE name.queue = ANY(queues)) AS places,
        ARRAY(SELECT DISTINCT unnest(kinds) FROM live WHERE name.queue = ANY(queues) ORDER BY 1)
            AS kinds
    FROM queue_names AS name LEFT JOIN active ON active.queue = name.queue GROUP BY name.queue
), of_tenant AS (
    SELECT counted.*, row_number() OVER (
        ORDER BY waiting + dispatched + running DESC, ended_last_minute DESC, tenant_id) AS place
    FROM (
        SELECT tenant_id, sum(waiting) AS waiting, sum(delayed) AS delayed,
            sum(held) AS held, sum(dispatched) AS dispatched, sum(running) AS running,
            sum(ended) AS ended_last_minute,
            COALESCE(extract(epoch FROM now() - min(oldest)), 0) AS oldest_wait_seconds
        FROM (
            SELECT tenant_id, waiting, delayed, held, dispatched, running, oldest, 0 AS ended
            FROM active
            UNION ALL SELECT tenant_id, 0, 0, 0, 0, 0, NULL, jobs FROM ended
        ) AS either GROUP BY tenant_id
    ) AS counted
), top AS (
    SELECT of_tenant.*, job_weight AS weight, COALESCE(max_running_jobs, 0) AS max_running_jobs,
        jobs_paused_at IS NOT NULL AS paused
    FROM of_tenant JOIN tenants USING (tenant_id) WHERE place <= :most_tenants
), others AS (
    SELECT count(*) AS tenants, COALESCE(sum(waiting), 0) AS waiting,
        COALESCE(sum(delayed), 0) AS delayed, COALESCE(sum(held), 0) AS held,
        COALESCE(sum(dispatched), 0) AS dispatched,
        COALESCE(sum(running), 0) AS running, COALESCE(sum(ended_last_minute), 0)
            AS ended_last_minute, COALESCE(max(oldest_wait_seconds), 0) AS oldest_wait_seconds
    FROM of_tenant WHERE place > :most_tenants
), stranded AS (
    SELECT kind, sum(waiting) AS jobs, extract(epoch FROM now() - min(oldest)) AS oldest_seconds
    FROM active WHERE waiting > 0 AND NOT EXISTS (
        SELECT FROM live
        WHERE active.queue = ANY(queues) AND {KNOWN_TO_WORKER.format(job="active")})
    AND tenant_id NOT IN (SELECT tenant_id FROM tenants WHERE jobs_paused_at IS NOT NULL)
    GROUP BY kind
), busy AS (
    SELECT worker_id, count(*) AS jobs FROM jobs WHERE state = 'running' GROUP BY worker_id
), of_worker AS (
    SELECT worker_id, host, process_id, extract(epoch FROM started_at) AS started_at,
        extract(epoch FROM seen_at) AS seen_at, queues, kinds, versions,
        slots AS places,
        COALESCE(busy.jobs, 0) AS busy
    FROM live LEFT JOIN busy USING (worker_id) ORDER BY worker_id LIMIT :most_workers
)
SELECT (SELECT jsonb_agg(to_jsonb(of_queue) ORDER BY queue) FROM of_queue) AS queues,
    (SELECT jsonb_agg(to_jsonb(top) ORDER BY place) FROM top) AS tenants,
    (SELECT to_jsonb(others) FROM others) AS others,
    (SELECT jsonb_agg(to_jsonb(stranded)) FROM stranded) AS stranded,
    (SELECT jsonb_agg(to_jsonb(of_worker) ORDER BY worker_id) FROM of_worker) AS workers
"""


@dataclass(frozen=True, slots=True)
class NodeQuery:
    """Asks about the node; `most_tenants` are told one by one."""

    most_tenants: int = DEFAULT_TENANTS


@dataclass(frozen=True, slots=True)
class TenantLoad:
    """Counts the jobs of one tenant in all queues, or of many, which have no share."""

    waiting: int
    delayed: int
    held: int
    dispatched: int
    running: int
    oldest_wait_seconds: float
    ended_last_minute: int
    share: TenantShare | None = None


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """Is one worker process that was seen lately."""

    worker_id: str
    host: str
    process_id: int
    started_at: datetime
    seen_at: datetime
    queues: Sequence[str]
    kinds: Sequence[str]
    versions: Mapping[str, int]
    places: int
    busy: int


@dataclass(frozen=True, slots=True)
class NodeQueues:
    """Is what the node has to do and who does it, as of one moment."""

    queues: Sequence[QueueStats]
    tenants: Sequence[TenantLoad]
    others: TenantLoad
    other_tenants: int
    workers: Sequence[LiveWorker]
    stranded: Sequence[StrandedKind]


@dataclass(frozen=True, slots=True)
class GetNodeQueueStats:
    """Answers with counts of all tenants; for operators only."""

    system: SystemDatabase

    def __call__(self, _context: Context, query: NodeQuery) -> Result[NodeQueues]:
        """Returns the busiest tenants one by one, and all others as a sum."""
        with self.system.begin() as transaction:
            found = transaction.one(
                STATS,
                {
                    "gone": WORKER_GONE_SECONDS,
                    "most_tenants": query.most_tenants,
                    "most_workers": MOST_WORKERS,
                },
            )
        assert found is not None
        others = dict(found["others"])
        other_tenants = others.pop("tenants")
        return Ok(
            NodeQueues(
                queues=[queue_from(row) for row in found["queues"] or ()],
                tenants=[_load(row) for row in found["tenants"] or ()],
                others=TenantLoad(**others),
                other_tenants=other_tenants,
                workers=[_worker(row) for row in found["workers"] or ()],
                stranded=bounded(StrandedKind(**row) for row in found["stranded"] or ()),
            )
        )


def _load(row: Mapping[str, Any]) -> TenantLoad:
    values = {name: row[name] for name in LOAD_FIELDS}
    return TenantLoad(**values, share=TenantShare(**{name: row[name] for name in SHARE_FIELDS}))


def _worker(row: Mapping[str, Any]) -> LiveWorker:
    times = {name: datetime.fromtimestamp(row[name], UTC) for name in ("started_at", "seen_at")}
    return LiveWorker(**{**row, **times})


LOAD_FIELDS = tuple(field.name for field in fields(TenantLoad) if field.name != "share")
SHARE_FIELDS = tuple(field.name for field in fields(TenantShare))
