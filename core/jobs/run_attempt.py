"""Calls the handler of one attempt in this very process, and writes how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from core.failures import RefusedError, fields_invalid
from core.jobs.attempt import Attempt
from core.jobs.crash import CountCrash
from core.jobs.ending import (
    JOB_BROKEN,
    Crashed,
    Ending,
    broken,
    ending_of,
    ending_of_refusal,
    ending_of_stop,
    out_of_memory,
    timed_out,
)
from core.jobs.finish import FinishJob
from core.jobs.job import Job, JobState
from core.jobs.kind import JobKind, JobStoppedError, Refused
from core.jobs.lease import Lease, StopReason
from core.jobs.spec import payload_faults
from core.platform.database import Database
from core.reasons import Reason

FINISH_AGAIN_SECONDS = 0.5
# The ending itself is fine then, and Postgres may be back before the lease runs out.
PASSING = frozenset({Reason.STORE_UNAVAILABLE, Reason.DEADLINE_EXCEEDED})


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """Says in which state an attempt left its job, and the reason where it failed."""

    state: JobState
    reason: str | None = None


# Runs one attempt to its end in the ledger; None where the job is another attempt's by then.
Runner: TypeAlias = Callable[[Job, JobKind, Lease], AttemptEnd | None]


@dataclass(frozen=True, slots=True)
class RunAttempt:
    """Never raises for what a handler or a server does."""

    database: Database
    finish: FinishJob
    crash: CountCrash
    lease_seconds: float

    def __call__(self, job: Job, kind: JobKind, lease: Lease) -> AttemptEnd | None:
        """Returns how the attempt ended, or None where the job is another attempt's by then."""
        attempt = Attempt(self.database, job, kind, lease, lease_seconds=self.lease_seconds)
        try:
            ending = _ending(job, kind, attempt, lease)
            if isinstance(ending, Crashed):
                state = self.crash(lease.ticket, ending.failure)
                return None if state is None else AttemptEnd(state, ending.failure.reason.name)
            return None if ending is None else self._finish(job, kind, attempt, lease, ending)
        finally:
            attempt.close()

    def _finish(
        self, job: Job, kind: JobKind, attempt: Attempt, lease: Lease, ending: Ending
    ) -> AttemptEnd | None:
        """Writes the ending; one whose business writes are refused becomes a failure."""
        progress = lease.take_progress()
        while True:
            try:
                state = self.finish(attempt.context, job, ending, progress)
            except RefusedError as refusal:
                if refusal.failure.reason not in PASSING:
                    ending = ending_of_refusal(refusal.failure, job, kind)
                    continue
                structlog.get_logger().warning("job_unfinished", reason=str(refusal))
                if lease.stop_reason is StopReason.LEASE_LOST:
                    return None
                time.sleep(FINISH_AGAIN_SECONDS)
            except Exception as fault:  # noqa: BLE001 - business writes break like handlers.
                structlog.get_logger().exception("job_broken")
                if ending.failure is JOB_BROKEN:
                    # Not even that can be written: the lease runs out, and rescue counts a crash.
                    return None
                ending = broken(JOB_BROKEN, job, kind, fault=fault)
            else:
                failure = ending.failure if ending.counts else None
                reason = None if failure is None else failure.reason.name
                return None if state is None else AttemptEnd(state, reason)


def _ending(job: Job, kind: JobKind, attempt: Attempt, lease: Lease) -> Ending | Crashed | None:
    try:
        # A payload may have come by SQL, past every check.
        if faults := payload_faults(kind, job.payload):
            return ending_of(Refused(fields_invalid(faults)), job)
        return ending_of(kind.handler(attempt), job)
    except JobStoppedError:
        reason = lease.stop_reason
        # A handler that stops by itself, asked by nobody, is a broken one.
        return (
            broken(JOB_BROKEN, job, kind)
            if reason is None
            else ending_of_stop(reason, job, kind, saved=attempt.saved)
        )
    except RefusedError as refusal:
        if attempt.context.remaining_seconds() <= 0:
            return broken(timed_out(kind.time_limit_seconds), job, kind)
        return ending_of_refusal(refusal.failure, job, kind)
    except MemoryError:
        structlog.get_logger().exception("job_out_of_memory")
        return Crashed(out_of_memory(kind))
    except Exception as fault:  # noqa: BLE001 - whatever a handler raises costs it the attempt.
        structlog.get_logger().exception("job_broken")
        return broken(JOB_BROKEN, job, kind, fault=fault)
