"""Writes how attempts ended, each fenced by the epoch of its job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.failures import envelope
from core.jobs.ending import Ending
from core.jobs.job import Job, JobState, Progress
from core.jobs.store import TELL, json_text
from core.platform.postgres import Row

# A retry that nobody wants any more ends. What was no attempt leaves the error of the last one.
FINISH = f"""
UPDATE jobs SET sequence = sequence + 1, lease_until = NULL,
    state = CASE WHEN after = 'queued' AND cancel_requested_at IS NOT NULL
        THEN 'cancelled' ELSE after END,
    finished_at = CASE WHEN after = 'queued' AND cancel_requested_at IS NULL
        THEN NULL ELSE clock_timestamp() END,
    run_at = CASE WHEN after = 'queued'
        THEN clock_timestamp() + make_interval(secs => delay_seconds) ELSE run_at END,
    attempt = attempt - CASE WHEN counts THEN 0 ELSE 1 END,
    result = CAST(given_result AS jsonb), file_id = CAST(given_file_id AS uuid),
    error = CASE WHEN counts THEN CAST(given_error AS jsonb) ELSE error END,
    progress = COALESCE(CAST(given_progress AS jsonb), progress)
FROM unnest(CAST(%(tenant_id)s AS text[]), CAST(%(job_id)s AS uuid[]),
    CAST(%(epoch)s AS bigint[]), CAST(%(after)s AS text[]), CAST(%(delay_seconds)s AS float8[]),
    CAST(%(counts)s AS boolean[]), CAST(%(result)s AS text[]), CAST(%(file_id)s AS text[]),
    CAST(%(error)s AS text[]), CAST(%(progress)s AS text[]))
    AS given (tenant, id, number, after, delay_seconds, counts, given_result, given_file_id,
        given_error, given_progress)
WHERE tenant_id = tenant AND job_id = id AND epoch = number AND state = 'running'
RETURNING tenant_id, job_id, state, {TELL}::text AS told
"""


@dataclass(frozen=True, slots=True)
class Finish:
    """Is one ending as it is to be written."""

    tenant_id: str
    job_id: str
    epoch: int
    after: JobState
    delay_seconds: float
    counts: bool
    result: str | None
    file_id: str | None
    error: str | None
    progress: str | None
    batch_id: str | None


def finish_of(job: Job, ending: Ending, progress: Progress | None) -> Finish:
    """Returns what is to be written; raises TypeError where the result cannot be."""
    failure = ending.failure
    return Finish(
        tenant_id=job.tenant_id,
        job_id=job.job_id,
        epoch=job.epoch,
        after=ending.state,
        delay_seconds=ending.delay_seconds,
        counts=ending.counts,
        result=None if ending.result is None else json_text(ending.result),
        file_id=ending.file_id,
        error=None if failure is None else json_text(envelope(failure, job.correlation_id)),
        progress=None if progress is None else json_text(asdict(progress)),
        batch_id=job.batch_id,
    )


def columns_of(finishes: Sequence[Finish]) -> dict[str, list[object]]:
    """Returns the parameters of `FINISH`: an array of each column.

    By tenant and id, the order in which all who lock several jobs do so.
    """
    ordered = sorted(finishes, key=lambda each: (each.tenant_id, each.job_id))
    return {name: [getattr(each, name) for each in ordered] for name in Finish.__slots__}


def states_of(finishes: Sequence[Finish], rows: Sequence[Row]) -> list[JobState | None]:
    """Returns the state each job is in now; None where it is another attempt's."""
    found = {(row["tenant_id"], str(row["job_id"])): JobState(row["state"]) for row in rows}
    return [found.get((each.tenant_id, each.job_id)) for each in finishes]
