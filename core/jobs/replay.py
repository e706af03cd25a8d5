"""Puts many of the tenant's dead jobs back into their queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.jobs import ended
from core.jobs.batch_locks import lock_in_order
from core.jobs.job import Job, JobState
from core.platform.database import Database
from core.result import Result

MOST_JOBS = 1_000


@dataclass(frozen=True, slots=True)
class ReplayCommand:
    """Says which jobs; `state` None means dead and quarantined, "" means any kind or reason."""

    state: JobState | None = None
    kind: str = ""
    reason: str = ""
    most: int = MOST_JOBS
    dry_run: bool = False

    @property
    def states(self) -> Sequence[JobState]:
        """Returns the states that are replayed."""
        return (JobState.DEAD, JobState.QUARANTINED) if self.state is None else (self.state,)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Is what was replayed or would be, oldest first, and whether there is more."""

    jobs: Sequence[Job]
    more: bool


@dataclass(frozen=True, slots=True)
class ReplayDeadJobs:
    """Replays the oldest first, each with a fresh set of attempts; their checkpoints are kept."""

    database: Database

    def __call__(self, context: Context, command: ReplayCommand) -> Result[Replayed]:
        """Returns the jobs as they are now; a dry run changes nothing.

        What has lost its unique key to another job stays as it is.
        """
        with ended.one_at_a_time(), self.database.begin(context) as unit:
            found = ended.list_oldest_ended(
                unit,
                states=command.states,
                kind=command.kind,
                reason=command.reason,
                limit=command.most + 1,
            )
            chosen = found[: command.most]
            if not command.dry_run:
                # Locked above, so nothing but a unique key keeps one of them from being put back.
                back = (ended.put_back(unit, job.job_id) for job in chosen)
                chosen = [job for job in back if job is not None]
                lock_in_order(unit, ((job.tenant_id, job.batch_id) for job in chosen))
            return unit.commit(Replayed(chosen, more=len(found) > command.most))
