from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core.config import Settings
from core.context import Context
from core.jobs.crash import CountCrash
from core.jobs.ending import timed_out
from core.jobs.heartbeat import Heartbeat
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobRun, Outcome
from core.jobs.lease import StopReason
from core.jobs.ledger import Ticket
from tests.conftest import Databases
from tests.jobs_lab import Lab, open_lab, ticket

FAILURE = timed_out(5)


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def begun(lab: Lab, context: Context, job: Job) -> Ticket:
    """Claims the job as a worker would; returns what its lease is for."""
    claim = lab.runner().claim(ticket(lab.get(context, job)))
    assert claim is not None
    return ticket(claim.job)


def due_now(lab: Lab, job: Job) -> None:
    lab.sql("UPDATE jobs SET run_at = now() WHERE job_id = :id", {"id": job.job_id})


def test_a_counted_crash_gives_the_attempt_back_and_the_third_quarantines(
    lab: Lab, acme: Context
) -> None:
    job, count = lab.submit(acme), CountCrash(lab.system)
    for crashes, state in ((1, JobState.QUEUED), (2, JobState.QUEUED), (3, JobState.QUARANTINED)):
        due_now(lab, job)
        assert count(begun(lab, acme, job), FAILURE) is state
        crashed = lab.get(acme, job)
        assert (crashed.state, crashed.crash_count, crashed.attempt) == (state, crashes, 0)
        assert crashed.error is not None
        assert crashed.error["reason"] == "JOB_TIMED_OUT"
        assert crashed.error["correlation_id"] == job.correlation_id


def test_a_crash_of_an_attempt_that_was_overtaken_is_not_counted(lab: Lab, acme: Context) -> None:
    job, count = lab.submit(acme), CountCrash(lab.system)
    first = begun(lab, acme, job)
    assert count(first, FAILURE) is JobState.QUEUED
    due_now(lab, job)
    begun(lab, acme, job)
    assert count(first, FAILURE) is None
    running = lab.get(acme, job)
    assert (running.state, running.crash_count) == (JobState.RUNNING, 1)


def test_a_crash_of_a_cancelled_job_ends_it(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    held = begun(lab, acme, job)
    lab.jobs.cancel(acme, job.job_id)
    assert CountCrash(lab.system)(held, FAILURE) is JobState.CANCELLED
    ended = lab.get(acme, job)
    assert (ended.state, ended.error) == (JobState.CANCELLED, None)
    assert ended.finished_at is not None


def test_a_handler_that_finds_no_memory_is_a_crash_and_not_a_broken_attempt(
    lab: Lab, acme: Context
) -> None:
    def greedy(_run: JobRun) -> Outcome:
        raise MemoryError

    lab.kind("greedy", greedy)
    job = lab.submit(acme, "greedy")
    lab.runner()(ticket(job))
    crashed = lab.get(acme, job)
    assert (crashed.state, crashed.crash_count, crashed.attempt) == (JobState.QUEUED, 1, 0)
    assert crashed.error is not None
    assert crashed.error["reason"] == "JOB_OUT_OF_MEMORY"


@pytest.mark.parametrize("saves", [True, False])
def test_a_job_whose_worker_is_full_counts_a_crash_unless_it_got_further(
    lab: Lab, acme: Context, saves: bool
) -> None:
    def work(run: JobRun) -> Outcome:
        lab.heartbeats[-1].drain(StopReason.OUT_OF_MEMORY)
        if saves:
            with run.begin() as unit:
                run.save(unit, {"step": 1})
                unit.commit(None)
        run.proceed()
        return Done({})

    lab.kind("work", work)
    job = lab.submit(acme, "work")
    lab.runner()(ticket(job))
    left = lab.get(acme, job)
    assert (left.state, left.attempt) == (JobState.QUEUED, 0)
    assert left.crash_count == (0 if saves else 1)
    assert left.checkpoint == ({"step": 1} if saves else None)


def test_an_overdue_attempt_is_given_up_and_is_neither_renewed_nor_released(
    lab: Lab, acme: Context
) -> None:
    heartbeat = Heartbeat(lab.system, lease_seconds=45, interval_seconds=10)
    job, since = lab.submit(acme), time.monotonic() - 20
    with (
        heartbeat.hold(job, since=since, limit_seconds=10) as overdue,
        heartbeat.hold(lab.submit(acme), since=since, limit_seconds=30) as other,
    ):
        assert heartbeat.abandon_overdue(15) == []
        assert heartbeat.abandon_overdue(5) == [overdue]
        assert heartbeat.abandon_overdue(5) == []
        assert overdue.stop_reason is StopReason.LEASE_LOST
        assert heartbeat.tickets() == heartbeat.releasable() == [other.ticket]
        assert heartbeat.has_abandoned
    assert heartbeat.wait_until_idle(0)
