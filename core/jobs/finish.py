"""Ends an attempt: the business writes, the result and the state change in one transaction."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace

from core.context import Context
from core.failures import envelope
from core.jobs import store
from core.jobs.ending import Ending
from core.jobs.job import Job, Progress
from core.jobs.store import json_text
from core.platform.database import Database

LONGEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class FinishJob:
    """Writes the ending, fenced by the epoch: an attempt that lost its job writes nothing."""

    database: Database

    def __call__(
        self, context: Context, job: Job, ending: Ending, progress: Progress | None
    ) -> Job | None:
        """Returns the job as it is now, or None where another attempt has taken over.

        It runs after the attempt's own time, so it has a deadline of its own. Raises what the
        ending's `write` raises, with nothing written.
        """
        context = replace(context, deadline=time.monotonic() + LONGEST_SECONDS)
        failure = ending.failure
        with self.database.begin(context) as unit:
            ended = store.finish(
                unit,
                job,
                ending.state,
                values={
                    "delay_seconds": ending.delay_seconds,
                    "attempts_given_back": 0 if ending.counts else 1,
                    "result": None if ending.result is None else json_text(ending.result),
                    "file_id": ending.file_id,
                    # What was no attempt leaves the error of the last one.
                    "keep_error": not ending.counts,
                    "error": None
                    if failure is None
                    else json_text(envelope(failure, job.correlation_id)),
                    "progress": None if progress is None else json_text(asdict(progress)),
                },
            )
            if ended is None:
                return None
            if ending.write is not None:
                ending.write(unit)
            unit.commit(ended)
            return ended
