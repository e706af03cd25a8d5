"""Says in one sentence why a job is where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.context import Context
from core.jobs import batch_store
from core.jobs.get_job import GetJob
from core.jobs.job import Job, JobState
from core.jobs.kind import JobKind, caps_of
from core.jobs.ledger import KNOWN_TO_WORKER, WORKER_GONE_SECONDS
from core.platform.postgres import Row
from core.platform.system_database import SystemDatabase
from core.result import Err, Ok, Result

# The caller hears of other tenants only in sums.
FACTS = f"""
SELECT tenants.jobs_paused_at IS NOT NULL AS paused, jobs.run_at > now() AS later,
    COALESCE(jobs.expires_at <= now() AND jobs.started_at IS NULL, false) AS too_late,
    live.places, live.places_of_earlier_versions,
    (SELECT count(*) FROM jobs AS other WHERE other.state IN ('dispatched', 'running')
        AND other.queue = jobs.queue) AS active,
    (SELECT count(*) FROM jobs AS other WHERE other.state IN ('dispatched', 'running')
        AND other.kind = jobs.kind) AS active_of_kind,
    (SELECT count(*) FROM jobs AS other WHERE other.state IN ('dispatched', 'running')
        AND other.queue = jobs.queue AND other.tenant_id = jobs.tenant_id) AS active_of_tenant,
    tenants.max_running_jobs,
    (SELECT count(*) FROM jobs AS other WHERE other.state = 'queued' AND other.queue = jobs.queue
        AND other.priority = jobs.priority AND other.tenant_id = jobs.tenant_id
        AND (other.run_at, other.job_id) <= (jobs.run_at, jobs.job_id)) AS position
FROM jobs JOIN tenants ON tenants.tenant_id = jobs.tenant_id CROSS JOIN LATERAL (
    SELECT COALESCE(sum(slots) FILTER (WHERE known), 0) AS places,
        COALESCE(sum(slots) FILTER (WHERE NOT known), 0) AS places_of_earlier_versions
    FROM (
        SELECT slots, {KNOWN_TO_WORKER.format(job="jobs")} AS known FROM workers
        WHERE jobs.queue = ANY(queues) AND jobs.kind = ANY(kinds)
        AND seen_at > now() - make_interval(secs => :gone)
    ) AS of_kind
) AS live
WHERE jobs.tenant_id = :tenant_id AND jobs.job_id = CAST(:job_id AS uuid)
"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Is a job and the sentence about it."""

    job: Job
    sentence: str


@dataclass(frozen=True, slots=True)
class ExplainJob:
    """Answers from the facts that dispatch goes by."""

    get: GetJob
    system: SystemDatabase
    kinds: Mapping[str, JobKind]

    def __call__(self, context: Context, job_id: str) -> Result[Explanation]:
        """Returns the job with its sentence, or RESOURCE_NOT_FOUND, also for another tenant's."""
        found = self.get(context, job_id)
        if isinstance(found, Err):
            return found
        job = found.value
        if job.state is JobState.HELD:
            return Ok(Explanation(job, self._held(context, job)))
        if job.state is not JobState.QUEUED:
            return Ok(Explanation(job, _not_waiting(job)))
        with self.system.begin() as transaction:
            rows = transaction.all(
                FACTS,
                {"tenant_id": job.tenant_id, "job_id": job.job_id, "gone": WORKER_GONE_SECONDS},
            )
        cap = caps_of(self.kinds).get(job.kind)
        return Ok(Explanation(job, _waiting(job, rows[0], cap) if rows else _not_waiting(job)))

    def _held(self, context: Context, job: Job) -> str:
        with self.get.database.begin(context) as unit:
            before = batch_store.step_before(unit, job.job_id)
            batch = batch_store.called_by(unit, job.job_id)
        if before is not None:
            stuck = before.ended and before.state is not JobState.SUCCEEDED
            until = "is tried again and succeeds" if stuck else "has succeeded"
            return f"It waits until job {before.job_id}, which is {before.state.value}, {until}."
        if batch is not None:
            return (
                f"It waits for the end of batch {batch.batch_id}, of whose {batch.total} jobs"
                f" {batch.open} are open."
            )
        return "What it waits for is gone; it is about to be cancelled."


def _waiting(job: Job, facts: Row, cap: int | None) -> str:
    if facts["paused"]:
        return "The jobs of its tenant are paused."
    if facts["too_late"]:
        return "It was not started in the time it was wanted in, and is about to be ended."
    if facts["later"]:
        again = f"attempt {job.attempt + 1} of {job.max_attempts}" if job.attempt else "it"
        return f"Not before {job.run_at:%Y-%m-%d %H:%M:%S %Z} is {again} due."
    if not facts["places"] and facts["places_of_earlier_versions"]:
        return (
            f"The live workers of the queue {job.queue!r} are too old for version"
            f" {job.kind_version} of kind {job.kind!r}."
        )
    if not facts["places"]:
        return f"No live worker runs jobs of kind {job.kind!r} from the queue {job.queue!r}."
    if cap is not None and facts["active_of_kind"] >= cap:
        return f"All {cap} jobs of kind {job.kind!r} that may be active at a time are."
    place = (
        f"It is number {facts['position']} of its tenant's {job.priority} line in the queue"
        f" {job.queue!r}, whose {facts['places']} places have {facts['active']} jobs"
    )
    share, used = facts["max_running_jobs"], facts["active_of_tenant"]
    if share is None or used < share:
        return f"{place}."
    return f"{place}, and its tenant has {used} of the {share} that it may while others wait."


def _not_waiting(job: Job) -> str:
    if job.state is JobState.DISPATCHED:
        return f"It was handed to the workers of the queue {job.queue!r} and waits for a place."
    if job.state is JobState.RUNNING:
        asked = ", and was asked to stop" if job.cancel_requested_at is not None else ""
        return f"It runs, attempt {job.attempt} of {job.max_attempts}, on {job.worker_id}{asked}."
    why = "" if job.error is None else f": {job.error['reason']}, {job.error['message']}"
    return f"It is over, {job.state.value}{why}".removesuffix(".") + "."
