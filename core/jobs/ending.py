"""Decides how an attempt ends, from what its handler answered; a pure function of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import random
from typing import Any, assert_never

from core.failures import Failure
from core.jobs.job import Job, JobState, backoff_seconds
from core.jobs.kind import Done, JobKind, Later, Outcome, Refused, Retry
from core.jobs.lease import StopReason
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Ending:
    """Is what the ledger is to say after an attempt. `counts` is False where it was no attempt."""

    state: JobState
    failure: Failure | None = None
    result: Mapping[str, Any] | None = None
    file_id: str | None = None
    write: Callable[[UnitOfWork], None] | None = None
    delay_seconds: float = 0.0
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Crashed:
    """Says that the attempt took, or would have taken, its process with it."""

    failure: Failure


def ending_of(outcome: Outcome, job: Job) -> Ending:
    """Returns the ending for what a handler answered."""
    match outcome:
        case Done(result, file_id, write):
            return Ending(JobState.SUCCEEDED, result=result, file_id=file_id, write=write)
        case Refused(failure):
            return Ending(JobState.FAILED, failure)
        case Later(after_seconds, failure):
            if job.attempt >= job.max_attempts:
                return Ending(JobState.DEAD, failure)
            return Ending(JobState.QUEUED, failure, delay_seconds=max(0.0, after_seconds))
        case _:
            assert_never(outcome)


def ending_of_refusal(failure: Failure, job: Job, kind: JobKind) -> Ending:
    """Returns the ending for a failure that a handler raised instead of returning it.

    One that its kind says how to retry is retried, whatever its reason says in general.
    """
    if failure.reason.retryable or failure.reason in kind.retries:
        return broken(failure, job, kind)
    return Ending(JobState.FAILED, failure)


def broken(
    failure: Failure,
    job: Job,
    kind: JobKind,
    *,
    fault: Exception | None = None,
    random: Callable[[], float] = random,
) -> Ending:
    """Returns the ending of an attempt that broke: another after a while, or none are left."""
    retry = _retry(failure, kind, fault)
    if job.attempt >= min(job.max_attempts, retry.max_attempts or job.max_attempts):
        return Ending(JobState.DEAD, failure)
    first, longest = retry.first_backoff_seconds, retry.longest_backoff_seconds
    wait = backoff_seconds(
        job.attempt,
        first=kind.first_backoff_seconds if first is None else first,
        longest=kind.longest_backoff_seconds if longest is None else longest,
        random=random,
    )
    return Ending(JobState.QUEUED, failure, delay_seconds=max(wait, failure.retry_after_ms / 1000))


def _retry(failure: Failure, kind: JobKind, fault: Exception | None) -> Retry:
    """Returns what the kind says of the exception, of its nearest base, or else of the reason."""
    causes: tuple[Any, ...] = (*type(fault).__mro__, failure.reason)
    return next((kind.retries[cause] for cause in causes if cause in kind.retries), Retry())


def ending_of_stop(
    reason: StopReason, job: Job, kind: JobKind, *, saved: bool
) -> Ending | Crashed | None:
    """Returns the ending of an attempt that was stopped; None where it is another's by now.

    `saved` tells whether this attempt has written a checkpoint.
    """
    match reason:
        case StopReason.CANCELLED:
            return Ending(JobState.CANCELLED)
        case StopReason.DRAINING:
            return Ending(JobState.QUEUED, counts=False)
        case StopReason.OUT_OF_MEMORY:
            # What gets no further may be what fills the worker, time and again.
            return Ending(JobState.QUEUED, counts=False) if saved else Crashed(WORKER_FULL)
        case StopReason.TIMED_OUT:
            return broken(timed_out(kind.time_limit_seconds), job, kind)
        case StopReason.LEASE_LOST:
            return None
        case _:
            assert_never(reason)


def timed_out(limit_seconds: float) -> Failure:
    """Says that an attempt took longer than its kind may."""
    return Failure(
        Reason.JOB_TIMED_OUT,
        f"An attempt took longer than the {limit_seconds:g} seconds of its kind.",
        {"time_limit_seconds": f"{limit_seconds:g}"},
    )


def out_of_memory(kind: JobKind) -> Failure:
    """Says that an attempt needed more memory than there is for it."""
    limit = kind.memory_limit_bytes
    if not kind.isolated or limit is None:
        return Failure(Reason.JOB_OUT_OF_MEMORY, "There was no memory left for the attempt.")
    return Failure(
        Reason.JOB_OUT_OF_MEMORY,
        f"An attempt needed more memory than the {limit:,} bytes of its kind.",
        {"memory_limit_bytes": str(limit)},
    )


WORKER_FULL = Failure(
    Reason.JOB_OUT_OF_MEMORY, "The worker of the attempt ran out of memory before it had saved any."
)
JOB_BROKEN = Failure(
    Reason.JOB_BROKEN,
    "The attempt broke unexpectedly; the node's log tells more under the correlation id.",
)
