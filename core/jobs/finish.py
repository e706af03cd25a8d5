"""Ends an attempt: the business writes, the result and the state change in one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

import structlog

from core.context import Context
from core.failures import RefusedError
from core.jobs.ending import Ending
from core.jobs.finish_store import FINISH, Finish, columns_of, finish_of, states_of
from core.jobs.job import Job, JobState, Progress
from core.platform.database import Database
from core.platform.system_database import SystemDatabase
from core.platform.together import Together, TogetherError

LONGEST_SECONDS = 30.0
MOST_TOGETHER = 64

# The state a job is in, None where it is another attempt's, or why it could not be written.
Written: TypeAlias = JobState | Exception | None


class FinishJob:
    """Writes the ending, fenced by the epoch: an attempt that lost its job writes nothing.

    Endings without business writes that come at the same time are written in one statement.
    """

    def __init__(self, database: Database, system: SystemDatabase) -> None:
        self._database = database
        self._system = system
        self._together = Together(self._write_together, most=MOST_TOGETHER)

    def __call__(
        self, context: Context, job: Job, ending: Ending, progress: Progress | None
    ) -> JobState | None:
        """Returns the state the job is in now, or None where another attempt has taken over.

        Raises what the ending's `write` raises, with nothing written.
        """
        finish = finish_of(job, ending, progress)
        if ending.write is None:
            written = self._with_others(finish)
            if isinstance(written, RefusedError):
                raise RefusedError(written.failure)
            if not isinstance(written, Exception):
                return written
            # It may be another's; the one it belongs to is found.
            structlog.get_logger().error("endings_not_written_together", exc_info=written)
        return self._write_alone(context, finish, ending)

    def _write_alone(self, context: Context, finish: Finish, ending: Ending) -> JobState | None:
        # It runs after the attempt's own time, so it has a deadline of its own.
        context = replace(context, deadline=time.monotonic() + LONGEST_SECONDS)
        with self._database.begin(context) as unit:
            rows = unit.run(FINISH, columns_of([finish]))
            if not rows:
                return None
            if ending.write is not None:
                ending.write(unit)
            unit.commit(None)
            return JobState(rows[0]["state"])

    def _with_others(self, finish: Finish) -> Written:
        try:
            return self._together(finish)
        except TogetherError as fault:
            return fault

    def _write_together(self, finishes: Sequence[Finish]) -> Sequence[Written]:
        written: dict[Finish, Written] = {}
        for group in _by_batch(finishes):
            try:
                states = states_of(group, self._system.run(FINISH, columns_of(group)))
            except Exception as fault:  # noqa: BLE001 - of this group; the others are written.
                written |= dict.fromkeys(group, fault)
            else:
                written |= zip(group, states, strict=True)
        return [written[finish] for finish in finishes]


def _by_batch(finishes: Sequence[Finish]) -> Iterable[Sequence[Finish]]:
    """Returns what may be written in one statement each.

    Two statements that end jobs of the same two batches could wait for each other.
    """
    groups: defaultdict[str | None, list[Finish]] = defaultdict(list)
    for finish in finishes:
        groups[finish.batch_id].append(finish)
    return groups.values()
