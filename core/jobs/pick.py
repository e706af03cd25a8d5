"""Decides whose jobs are next: fair between tenants and classes, and bounded by kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.jobs.ledger import KNOWN, Capacity, Ticket, ticket_from
from core.jobs.store import TELL, json_text
from core.platform.system_database import SystemTransaction

# How many jobs of a class run for one of the least; none of them waits for another to be empty.
CLASS_WEIGHTS: Mapping[str, int] = MappingProxyType({"interactive": 16, "default": 4, "bulk": 1})
# A line of which nothing is active and whose head has waited for so long has the next turn.
AGED_SECONDS = 30

# A tenant has a line in each class. The lines are found by jumping through the index and only
# their heads are read: the cost does not grow with the length of any line. The turn of a line's
# next job is later the more of the line is active, so a newcomer does not wait behind another's
# thousands. What exceeds its tenant's share comes after everything that does not. The versions are
# selected, so that they are read once and not for each job.
PICK = f"""
WITH RECURSIVE class AS (
    SELECT * FROM unnest(CAST(:classes AS text[]), CAST(:class_weights AS integer[]))
        AS class (priority, weight)
), line AS (
    SELECT class.priority, class.weight, (
        SELECT j.tenant_id FROM jobs AS j WHERE j.queue = :queue AND j.state = 'queued'
        AND j.priority = class.priority ORDER BY j.tenant_id LIMIT 1) AS tenant_id
    FROM class
    UNION ALL
    SELECT line.priority, line.weight, (
        SELECT j.tenant_id FROM jobs AS j WHERE j.queue = :queue AND j.state = 'queued'
        AND j.priority = line.priority AND j.tenant_id > line.tenant_id
        ORDER BY j.tenant_id LIMIT 1)
    FROM line WHERE line.tenant_id IS NOT NULL
), active AS (
    SELECT tenant_id, priority, kind, count(*) AS jobs FROM (
        SELECT tenant_id, priority, kind FROM jobs WHERE state = 'dispatched' AND queue = :queue
        UNION ALL
        SELECT tenant_id, priority, kind FROM jobs WHERE state = 'running' AND queue = :queue
    ) AS either GROUP BY tenant_id, priority, kind
), cap AS (
    SELECT given.kind, given.most - COALESCE(
        (SELECT sum(jobs) FROM active WHERE active.kind = given.kind), 0) AS room
    FROM unnest(CAST(:capped_kinds AS text[]), CAST(:caps AS integer[])) AS given (kind, most)
), head AS (
    SELECT waiting.*, line.priority, line.weight * tenants.job_weight AS weight,
        tenants.max_running_jobs, row_number() OVER (
            PARTITION BY line.tenant_id, line.priority ORDER BY waiting.run_at, waiting.job_id
        ) AS number,
        COALESCE((SELECT sum(jobs) FROM active WHERE active.tenant_id = line.tenant_id), 0)
            AS active_of_tenant,
        COALESCE((SELECT sum(jobs) FROM active WHERE active.tenant_id = line.tenant_id
            AND active.priority = line.priority), 0) AS active_of_line
    FROM line JOIN tenants ON tenants.tenant_id = line.tenant_id
        AND tenants.jobs_paused_at IS NULL
    CROSS JOIN LATERAL (
        SELECT j.tenant_id, j.job_id, j.run_at, j.kind FROM jobs AS j
        WHERE j.queue = :queue AND j.state = 'queued' AND j.priority = line.priority
        AND j.tenant_id = line.tenant_id AND j.run_at <= now()
        AND {KNOWN.format(versions="(SELECT CAST(:versions AS jsonb))")}
        AND j.kind <> ALL(ARRAY(SELECT kind FROM cap WHERE room <= 0))
        AND (j.expires_at IS NULL OR j.expires_at > now() OR j.started_at IS NOT NULL)
        ORDER BY j.run_at, j.job_id LIMIT :most
    ) AS waiting
), turned AS (
    SELECT head.*, CASE
        WHEN active_of_line = 0 AND number = 1
            AND run_at <= now() - make_interval(secs => :aged_seconds) THEN 0
        ELSE (active_of_line + number) / weight END AS turn
    FROM head
), shared AS (
    SELECT turned.*, active_of_tenant + row_number() OVER (
        PARTITION BY tenant_id ORDER BY turn, run_at, job_id) > max_running_jobs IS TRUE AS beyond
    FROM turned
), bounded AS (
    SELECT shared.*, row_number() OVER (
        PARTITION BY kind ORDER BY beyond, turn, run_at, job_id) AS number_of_kind
    FROM shared
), picked AS (
    SELECT j.tenant_id, j.job_id FROM jobs AS j JOIN (
        SELECT tenant_id, job_id, beyond, turn FROM bounded
        LEFT JOIN cap ON cap.kind = bounded.kind
        WHERE cap.room IS NULL OR number_of_kind <= cap.room
        ORDER BY beyond, turn, run_at, job_id LIMIT :most
    ) AS first ON first.tenant_id = j.tenant_id AND first.job_id = j.job_id
    WHERE j.state = 'queued' ORDER BY first.beyond, first.turn FOR UPDATE OF j SKIP LOCKED
)
UPDATE jobs SET state = 'dispatched', dispatched_at = now(), sequence = sequence + 1
FROM picked WHERE jobs.tenant_id = picked.tenant_id AND jobs.job_id = picked.job_id
RETURNING jobs.tenant_id, jobs.job_id, jobs.epoch, jobs.queue,
    {TELL.replace("tenant_id", "jobs.tenant_id").replace("job_id", "jobs.job_id")} AS told
"""


def pick(
    transaction: SystemTransaction, capacity: Capacity, caps: Mapping[str, int], *, most: int
) -> list[Ticket]:
    """Dispatches up to `most` due jobs of the queue; `caps` bounds the active jobs of kinds."""
    if caps:
        # Two dispatchers that count at the same time would fill a cap twice.
        transaction.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('howdah dispatch ' || :queue, 0))",
            {"queue": capacity.queue},
        )
    rows = transaction.all(
        PICK,
        {
            "queue": capacity.queue,
            "versions": json_text(capacity.versions),
            "most": most,
            "classes": list(CLASS_WEIGHTS),
            "class_weights": list(CLASS_WEIGHTS.values()),
            "capped_kinds": list(caps),
            "caps": list(caps.values()),
            "aged_seconds": AGED_SECONDS,
        },
    )
    return [ticket_from(row) for row in rows]
