"""Tests what is claimed together and what is finished together."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg import DataError

from core.config import Settings
from core.context import Context
from core.jobs.claim import ClaimJob
from core.jobs.ending import Ending
from core.jobs.finish import FinishJob
from core.jobs.finish_store import FINISH, columns_of, finish_of
from core.jobs.hand_back import HandBackJobs
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobRun
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, open_lab, ticket

MANY = 8


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def end_at_once(lab: Lab, context: Context, odd: frozenset[int]) -> list[JobState]:
    """Runs jobs whose handlers end in the same moment; those of `odd` have an impossible result."""
    gate = threading.Barrier(MANY)

    def meet(run: JobRun) -> Done:
        gate.wait(10)
        # Postgres has no such character in its texts.
        return Done({"text": "\x00" if run.payload["number"] in odd else ""})

    lab.kind("meet", meet, max_attempts=1)
    jobs = [lab.submit(context, "meet", {"number": number}) for number in range(MANY)]
    run = lab.runner()
    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(run, [ticket(job) for job in jobs]))
    return [lab.get(context, job).state for job in jobs]


def test_attempts_that_end_at_the_same_time_all_end(lab: Lab, acme: Context) -> None:
    assert end_at_once(lab, acme, frozenset()) == [JobState.SUCCEEDED] * MANY


def test_an_ending_that_cannot_be_written_costs_no_other_its_own(lab: Lab, acme: Context) -> None:
    states = end_at_once(lab, acme, frozenset({3}))
    assert states == [JobState.DEAD if n == 3 else JobState.SUCCEEDED for n in range(MANY)]


def test_an_ending_that_cannot_be_written_leaves_what_others_were_told(
    lab: Lab, acme: Context
) -> None:
    lab.sql(
        "INSERT INTO batches (tenant_id, batch_id, total, open) VALUES ('acme', :batch, 1, 1)",
        {"batch": str(uuid.UUID(int=1))},
    )
    jobs = [lab.submit(acme) for _ in range(MANY)]
    lab.sql("UPDATE jobs SET state = 'running', attempt = 1")
    finish, gate = FinishJob(lab.database, lab.system), threading.Barrier(MANY)

    def end(number: int) -> JobState | None:
        job = replace(jobs[number], batch_id=str(uuid.UUID(int=1)) if number == 3 else None)
        gate.wait(10)
        text = "\x00" if number == 3 else ""
        try:
            return finish(acme, job, Ending(JobState.SUCCEEDED, result={"text": text}), None)
        except DataError:
            return None

    with ThreadPoolExecutor(MANY) as pool:
        states = list(pool.map(end, range(MANY)))
    assert states == [None if n == 3 else JobState.SUCCEEDED for n in range(MANY)]


def test_what_was_claimed_ahead_is_run_and_old_messages_are_not(
    lab: Lab, acme: Context, globex: Context
) -> None:
    claim = ClaimJob(lab.system, lab.kinds, "w", 45)
    jobs = [lab.submit(context) for context in (acme, globex)]
    claim.ahead([*map(ticket, jobs), ticket(jobs[0])])
    assert [lab.get(acme, jobs[0]).state, lab.get(globex, jobs[1]).state] == [
        JobState.RUNNING,
        JobState.RUNNING,
    ]
    claims = [claim(ticket(job)) for job in jobs]
    assert [each.job.job_id for each in claims if each] == [job.job_id for job in jobs]
    assert [claim(ticket(job)) for job in jobs] == [None, None]


def test_what_cannot_be_claimed_ahead_is_claimed_in_its_turn(lab: Lab, acme: Context) -> None:
    claim, job = ClaimJob(lab.system, lab.kinds, "w", 45), lab.submit(acme)
    # A number that Postgres does not have.
    claim.ahead([ticket(job), replace(ticket(job), epoch=2**70)])
    claimed = claim(ticket(job))
    assert claimed is not None
    assert claimed.job.job_id == job.job_id


def test_what_was_claimed_just_now_is_not_late(lab: Lab, acme: Context) -> None:
    claim = ClaimJob(lab.system, lab.kinds, "w", 45)
    job = lab.submit(acme)
    claim.ahead([ticket(job)])
    assert claim.give_up(after_seconds=60) == []
    assert [late.job_id for late in claim.give_up()] == [job.job_id]


def test_a_worker_that_drains_releases_what_it_claimed_ahead(lab: Lab, acme: Context) -> None:
    claim = ClaimJob(lab.system, lab.kinds, "w", 45)
    jobs = [lab.submit(acme) for _ in range(3)]
    claim.ahead([ticket(job) for job in jobs])
    assert claim(ticket(jobs[0])) is not None
    given_up = claim.give_up()
    assert HandBackJobs(lab.system).running(given_up) == 2
    assert claim.give_up() == []
    states = [lab.get(acme, job).state for job in jobs]
    assert states == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    # No attempt was counted, and another worker may have them.
    released = lab.get(acme, jobs[1])
    assert (released.attempt, released.crash_count) == (0, 0)
    lab.runner()(ticket(released))
    assert lab.get(acme, jobs[1]).state is JobState.SUCCEEDED


def claim_ahead(lab: Lab, jobs: Sequence[Job]) -> None:
    ClaimJob(lab.system, lab.kinds, "w", 45).ahead([ticket(job) for job in jobs])


def finish_together(lab: Lab, jobs: Sequence[Job]) -> None:
    ending = Ending(JobState.SUCCEEDED)
    lab.system.run(FINISH, columns_of([finish_of(job, ending, None) for job in jobs]))


def give_back(lab: Lab, jobs: Sequence[Job]) -> None:
    HandBackJobs(lab.system).unstarted([ticket(job) for job in jobs])


def release(lab: Lab, jobs: Sequence[Job]) -> None:
    HandBackJobs(lab.system).running([ticket(job) for job in jobs])


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        (claim_ahead, JobState.DISPATCHED, JobState.RUNNING),
        (finish_together, JobState.RUNNING, JobState.SUCCEEDED),
        (give_back, JobState.DISPATCHED, JobState.QUEUED),
        (release, JobState.RUNNING, JobState.QUEUED),
    ],
)
def test_who_takes_several_jobs_at_once_locks_them_in_the_order_of_their_ids(
    lab: Lab,
    databases: Databases,
    acme: Context,
    *,
    act: Callable[[Lab, Sequence[Job]], None],
    before: JobState,
    after: JobState,
) -> None:
    # As CancelBatch does, so that neither can wait for the other.
    first, *others = sorted((lab.submit(acme) for _ in range(5 * MANY)), key=lambda job: job.job_id)
    lab.sql("UPDATE jobs SET state = :before, attempt = 1", {"before": before})
    lock = "SELECT FROM jobs WHERE job_id = ANY(%s::uuid[]) FOR UPDATE"
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(databases.urls.admin) as holder,
        psycopg.connect(databases.urls.admin) as looker,
    ):
        # As in a ledger of some age: the planner goes by the jobs that are named.
        holder.execute(
            "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id,"
            " roles, correlation_id, state, finished_at) SELECT 'acme', gen_random_uuid(), 'old',"
            " 'default', '{}', 1, '', '{}', '', 'succeeded', now() FROM generate_series(1, 20000)"
        )
        holder.execute("ANALYZE jobs")
        holder.commit()
        holder.execute(lock, ([first.job_id],))
        acting = pool.submit(act, lab, [*reversed(others), first])
        await_value(
            lambda: holder.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ).fetchone(),
            lambda: "nobody waits for the first job",
        )
        looker.execute(f"{lock} NOWAIT", ([job.job_id for job in others],))
        looker.rollback()
        holder.rollback()
        acting.result()
    assert {lab.get(acme, job).state for job in (first, *others)} == {after}
