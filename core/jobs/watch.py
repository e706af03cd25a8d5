"""Follows one job until it has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from core.context import Context
from core.jobs.get_job import GetJob
from core.jobs.job import Job
from core.platform.signals import JobSignals, Waiter
from core.result import Err, Ok, Result

SIGN_OF_LIFE_SECONDS = 15.0
# How soon a caller who has left is noticed.
LOOK_ROUND_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WatchQuery:
    """Asks for the changes of a job after the one numbered `after_sequence`."""

    job_id: str
    after_sequence: int = 0


@dataclass(frozen=True, slots=True)
class WatchJob:
    """Answers with the job now, at every change, and every 15 seconds without one."""

    get: GetJob
    signals: JobSignals
    sign_of_life_seconds: float = SIGN_OF_LIFE_SECONDS

    def __call__(self, context: Context, query: WatchQuery) -> Result[Iterator[Job]]:
        """Returns the changes; they end after the one that ends the job."""
        found = self.get(context, query.job_id)
        if isinstance(found, Err):
            return found
        return Ok(self._changes(context, query))

    def _changes(self, context: Context, query: WatchQuery) -> Iterator[Job]:
        seen, spoke_at = query.after_sequence, time.monotonic()
        # Listening begins before the first look, so that no change falls between the two.
        with self.signals.waiter(context.tenant_id, query.job_id) as waiter:
            while True:
                found = self.get(context, query.job_id)
                if isinstance(found, Err):
                    return
                job = found.value
                silence = time.monotonic() - spoke_at
                if job.sequence > seen or silence >= self.sign_of_life_seconds:
                    yield job
                    seen, spoke_at = max(seen, job.sequence), time.monotonic()
                if job.ended or not self._listen(context, waiter, spoke_at):
                    return

    def _listen(self, context: Context, waiter: Waiter, spoke_at: float) -> bool:
        """Waits for a change or the next sign of life; tells whether the caller is still there."""
        while context.is_wanted():
            left = self.sign_of_life_seconds - (time.monotonic() - spoke_at)
            if left <= 0 or waiter.wait(min(left, LOOK_ROUND_SECONDS)):
                return True
            if not self.signals.hearing:
                return True
        return False
