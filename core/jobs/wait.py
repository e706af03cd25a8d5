"""Waits for one job to end, for as long as the caller can."""

from __future__ import annotations

import time
from dataclasses import dataclass

from core.context import Context
from core.jobs.get_job import GetJob
from core.jobs.job import Job
from core.platform.signals import JobSignals
from core.result import Err, Result

LONGEST_WAIT_SECONDS = 25.0
# Kept of the caller's deadline for the answer to arrive in.
ANSWER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WaitQuery:
    """Asks to wait for a job for at most `seconds`, and never longer than 25."""

    job_id: str
    seconds: float = LONGEST_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class WaitJob:
    """Answers with the job once it has ended or the time is up."""

    get: GetJob
    signals: JobSignals

    def __call__(self, context: Context, query: WaitQuery) -> Result[Job]:
        """Returns the job as it is after the wait."""
        patience = min(
            query.seconds, LONGEST_WAIT_SECONDS, context.remaining_seconds() - ANSWER_SECONDS
        )
        until = time.monotonic() + patience
        with self.signals.waiter(context.tenant_id, query.job_id) as waiter:
            while True:
                found = self.get(context, query.job_id)
                left = until - time.monotonic()
                if isinstance(found, Err) or found.value.ended or left <= 0:
                    return found
                while left > 0 and context.is_wanted() and not waiter.wait(min(left, 1.0)):
                    left = until - time.monotonic()
                if not context.is_wanted():
                    return found
