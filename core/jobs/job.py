"""Defines a job: its states, the one table of legal transitions, and how long a retry waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

CRASHES_BEFORE_QUARANTINE = 3


class JobState(StrEnum):
    """Says where a job stands. `FAILED` is an end: the work was refused.

    `HELD` waits for the job before it in its chain, or for its batch.
    """

    HELD = "held"
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    QUARANTINED = "quarantined"


# Every UPDATE of a state in the stores names the states that this table allows it to come from.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.HELD: frozenset({JobState.QUEUED, JobState.CANCELLED}),
        # Straight to RUNNING where a message outlived its dispatch: the epoch says that it is good.
        JobState.QUEUED: frozenset(
            {JobState.DISPATCHED, JobState.RUNNING, JobState.CANCELLED, JobState.EXPIRED}
        ),
        # Back to QUEUED where no worker took it, or the one that did drains before it began.
        JobState.DISPATCHED: frozenset(
            {JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED, JobState.EXPIRED}
        ),
        # Back to QUEUED for another attempt.
        JobState.RUNNING: frozenset(
            {
                JobState.QUEUED,
                JobState.SUCCEEDED,
                JobState.FAILED,
                JobState.DEAD,
                JobState.CANCELLED,
                JobState.QUARANTINED,
            }
        ),
        JobState.SUCCEEDED: frozenset(),
        # Back to QUEUED where somebody asks for it.
        JobState.FAILED: frozenset({JobState.QUEUED}),
        JobState.DEAD: frozenset({JobState.QUEUED}),
        # Back to HELD where it was cancelled with the step before it, which is tried again.
        JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.HELD}),
        JobState.EXPIRED: frozenset({JobState.QUEUED}),
        JobState.QUARANTINED: frozenset({JobState.QUEUED}),
    }
)

WAITING = frozenset({JobState.QUEUED, JobState.DISPATCHED})
ENDED = frozenset(JobState) - WAITING - {JobState.HELD, JobState.RUNNING}
RETRYABLE = ENDED - {JobState.SUCCEEDED}


def may_become(state: JobState, after: JobState) -> bool:
    """Tells whether a job in `state` may go to `after`."""
    return after in TRANSITIONS[state]


def backoff_seconds(
    attempt: int, *, first: float, longest: float, random: Callable[[], float]
) -> float:
    """Returns how long to wait after the `attempt`th attempt (from 1) broke.

    Full jitter: anything from 0 to `first` doubled with every attempt and capped at `longest`, so
    that jobs which broke together do not come back together.
    """
    # 2.0**64 is beyond every cap; a greater exponent would overflow.
    return random() * min(longest, first * 2.0 ** min(attempt - 1, 64))


@dataclass(frozen=True, slots=True)
class Progress:
    """Tells how far a job is; `done` never falls within a phase of one attempt."""

    phase: str = ""
    done: int = 0
    total: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Is one job as the ledger has it. `error` is the envelope's error part."""

    tenant_id: str
    job_id: str
    kind: str
    queue: str
    state: JobState
    payload: Mapping[str, Any]
    attempt: int
    max_attempts: int
    crash_count: int
    epoch: int
    sequence: int
    key_id: str
    roles: frozenset[str]
    correlation_id: str
    created_at: datetime
    run_at: datetime
    kind_version: int = 1
    priority: str = "default"
    traceparent: str = ""
    progress: Progress = field(default_factory=Progress)
    checkpoint: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    file_id: str | None = None
    error: Mapping[str, Any] | None = None
    cancel_requested_at: datetime | None = None
    worker_id: str | None = None
    expires_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    next_job_id: str | None = None
    batch_id: str | None = None
    unique_key: str | None = None

    @property
    def ended(self) -> bool:
        """Tells whether nothing more happens to the job by itself."""
        return self.state in ENDED
