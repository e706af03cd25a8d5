from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import psycopg
import pytest

from core.config import Settings
from core.context import Context, Idempotency
from core.failures import RefusedError
from core.jobs.job import Job, JobState, Progress
from core.jobs.kind import Done, JobRun, Outcome
from core.jobs.wait import WaitQuery
from core.jobs.watch import WatchJob, WatchQuery
from core.platform.idempotency import AlreadyAnsweredError
from core.platform.signals import JobSignals
from core.reasons import Reason
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, open_lab, ticket


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def watch(lab: Lab, context: Context, job: Job, *, after: int = 0) -> Iterator[Job]:
    answer = lab.jobs.watch(context, WatchQuery(job.job_id, after))
    assert isinstance(answer, Ok)
    return answer.value


def cancelled(lab: Lab, context: Context, job: Job) -> Job:
    answer = lab.jobs.cancel(context, job.job_id)
    assert isinstance(answer, Ok)
    return answer.value


class Gate:
    """Is a kind of job that runs until it is let go, and tells that it runs."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.go = threading.Event()

    def __call__(self, run: JobRun) -> Outcome:
        self.running.set()
        while not self.go.wait(0.01):
            run.proceed()
        return Done({})


def test_watching_an_ended_job_shows_it_once(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    lab.runner()(ticket(job))
    assert [seen.state for seen in watch(lab, acme, job)] == [JobState.SUCCEEDED]


def test_watching_shows_each_change_with_a_greater_number_and_ends_with_the_job(
    lab: Lab, acme: Context
) -> None:
    gate = Gate()
    lab.kind("gate", gate)
    job = lab.submit(acme, "gate")
    run = lab.runner()
    seen: list[Job] = []

    def look() -> None:
        seen.extend(watch(lab, acme, job))

    with ThreadPoolExecutor(2) as pool:
        watching = pool.submit(look)
        await_value(lambda: seen or None)
        pool.submit(run, ticket(job))
        await_value(lambda: [s for s in seen if s.state is JobState.RUNNING] or None)
        gate.go.set()
        watching.result(20)
    assert [s.state for s in seen] == [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED]
    assert all(a.sequence < b.sequence for a, b in pairwise(seen))


def test_a_watcher_hears_of_a_change_long_before_its_sign_of_life(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    changes = watch(lab, acme, job)
    next(changes)
    threading.Timer(0.2, lab.runner(), [ticket(job)]).start()
    started = time.monotonic()
    assert next(changes).state is not JobState.QUEUED
    assert time.monotonic() - started < 5


def test_a_watch_resumes_after_the_last_change_seen(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    lab.runner()(ticket(job))
    ended = lab.get(acme, job)
    assert list(watch(lab, acme, job, after=ended.sequence)) == []
    assert list(watch(lab, acme, job, after=ended.sequence - 1)) == [ended]


def test_a_quiet_job_gives_a_sign_of_life(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    quick = WatchJob(lab.jobs.get, lab.signals, sign_of_life_seconds=0.1)
    answer = quick(acme, WatchQuery(job.job_id, job.sequence))
    assert isinstance(answer, Ok)
    assert [next(answer.value), next(answer.value)] == [job, job]


def test_a_watch_ends_with_its_deadline(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    quick = WatchJob(lab.jobs.get, lab.signals, sign_of_life_seconds=0.1)
    answer = quick(replace(acme, deadline=time.monotonic() + 0.3), WatchQuery(job.job_id))
    assert isinstance(answer, Ok)
    with pytest.raises(RefusedError) as refusal:
        list(answer.value)
    assert refusal.value.failure.reason is Reason.DEADLINE_EXCEEDED


def test_waiting_answers_when_the_job_has_ended(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    threading.Timer(0.2, lab.runner(), [ticket(job)]).start()
    started = time.monotonic()
    answer = lab.jobs.wait(acme, WaitQuery(job.job_id))
    assert isinstance(answer, Ok)
    assert answer.value.state is JobState.SUCCEEDED
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("seconds", "deadline", "wait"), [(0.5, 60.0, 0.5), (25.0, 2.0, 1.5), (0.0, 60.0, 0.0)]
)
def test_waiting_ends_in_time_for_the_answer(
    lab: Lab, acme: Context, seconds: float, deadline: float, wait: float
) -> None:
    job = lab.submit(acme)
    started = time.monotonic()
    answer = lab.jobs.wait(
        replace(acme, deadline=started + deadline), WaitQuery(job.job_id, seconds)
    )
    assert answer == Ok(job)
    assert wait - 0.05 < time.monotonic() - started < wait + 0.5


def test_waiters_find_out_by_themselves_when_nothing_can_be_heard(
    lab: Lab, acme: Context, databases: Databases
) -> None:
    deaf = JobSignals(databases.urls.system.replace("howdah_system", "nobody"))
    job = lab.submit(acme)
    threading.Timer(0.2, lab.runner(), [ticket(job)]).start()
    answer = replace(lab.jobs.wait, signals=deaf)(acme, WaitQuery(job.job_id, 10.0))
    assert isinstance(answer, Ok)
    assert answer.value.state is JobState.SUCCEEDED
    assert not deaf.hearing
    deaf.close()


def test_listening_comes_back_after_its_connection_was_cut(
    lab: Lab, acme: Context, databases: Databases
) -> None:
    job = lab.submit(acme)
    with lab.signals.waiter("acme", job.job_id):
        await_value(lambda: lab.signals.hearing or None)
        with psycopg.connect(databases.urls.admin, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'howdah job changes'"
            )
        await_value(lambda: None if lab.signals.hearing else True)
        await_value(lambda: lab.signals.hearing or None)
    threading.Timer(0.2, lab.runner(), [ticket(job)]).start()
    answer = lab.jobs.wait(acme, WaitQuery(job.job_id))
    assert isinstance(answer, Ok)
    assert answer.value.ended


def test_a_change_is_announced_only_while_somebody_listens(
    lab: Lab, acme: Context, databases: Databases
) -> None:
    with psycopg.connect(databases.urls.system, autocommit=True) as connection:
        connection.execute("LISTEN howdah_job_changed")
        lab.runner()(ticket(lab.submit(acme)))
        assert list(connection.notifies(timeout=0)) == []
        job = lab.submit(acme)
        with lab.signals.waiter("acme", job.job_id):
            await_value(lambda: lab.signals.hearing or None)
            lab.runner()(ticket(job))
        heard = list(connection.notifies(timeout=5, stop_after=2))
        assert {notice.payload for notice in heard} == {f"acme/{job.job_id}"}


def test_a_waiting_job_is_cancelled_at_once_and_never_run(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    for submitted in (lab.submit(acme), lab.submit(acme, delay_seconds=60)):
        ended = cancelled(lab, acme, submitted)
        assert (ended.state, ended.attempt) == (JobState.CANCELLED, 0)
        assert ended.finished_at is not None
        lab.runner()(ticket(submitted))
        assert lab.get(acme, submitted) == ended


def test_a_running_job_is_asked_to_stop_and_hears_it_long_before_its_heartbeat(
    lab: Lab, acme: Context
) -> None:
    gate = Gate()
    lab.kind("gate", gate)
    run = lab.runner(beats=True)
    job = lab.submit(acme, "gate")
    assert lab.signals.wait_until_hearing(5)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run, ticket(job))
        assert gate.running.wait(10)
        asked_at = time.monotonic()
        asked = cancelled(lab, acme, job)
        assert asked.state is JobState.RUNNING
        assert asked.cancel_requested_at is not None
        ended = lab.until(acme, job, JobState.CANCELLED)
        assert time.monotonic() - asked_at < 5
    assert ended.finished_at is not None


def test_a_cancelled_job_stops_at_the_next_heartbeat_when_nothing_can_be_heard(
    lab: Lab, acme: Context
) -> None:
    gate = Gate()
    lab.kind("gate", gate)
    run = lab.runner(beats=True, interval_seconds=0.2)
    lab.signals.close()
    job = lab.submit(acme, "gate")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run, ticket(job))
        assert gate.running.wait(10)
        cancelled(lab, acme, job)
        lab.until(acme, job, JobState.CANCELLED)


def test_success_wins_over_a_cancellation_that_the_handler_did_not_see(
    lab: Lab, acme: Context
) -> None:
    def stubborn(run: JobRun) -> Outcome:
        assert cancelled(lab, acme, job).job_id == run.job_id
        return Done({"won": True})

    lab.kind("stubborn", stubborn)
    job = lab.submit(acme, "stubborn")
    lab.runner()(ticket(job))
    assert lab.get(acme, job).state is JobState.SUCCEEDED
    assert cancelled(lab, acme, job).state is JobState.SUCCEEDED


def test_a_broken_attempt_of_a_cancelled_job_is_not_repeated(lab: Lab, acme: Context) -> None:
    def broken(_run: JobRun) -> Outcome:
        cancelled(lab, acme, job)
        raise ValueError

    lab.kind("broken", broken)
    job = lab.submit(acme, "broken")
    lab.runner()(ticket(job))
    assert lab.get(acme, job).state is JobState.CANCELLED


def test_cancelling_again_changes_nothing(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    first = cancelled(lab, acme, job)
    assert cancelled(lab, acme, job) == first


def test_a_cancelled_job_can_be_tried_again(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    cancelled(lab, acme, job)
    answer = lab.jobs.retry(acme, job.job_id)
    assert isinstance(answer, Ok)
    again = answer.value
    assert (again.state, again.cancel_requested_at, again.finished_at) == (
        JobState.QUEUED,
        None,
        None,
    )
    lab.runner()(ticket(again))
    assert lab.get(acme, job).state is JobState.SUCCEEDED


@pytest.mark.parametrize("state", ["failed", "dead", "cancelled", "expired", "quarantined"])
def test_every_end_but_success_can_be_tried_again_with_fresh_attempts(
    lab: Lab, acme: Context, state: str
) -> None:
    job = lab.submit(acme)
    lab.sql(
        "UPDATE jobs SET state = :state, attempt = 5, crash_count = 3, finished_at = now(),"
        " expires_at = now() WHERE job_id = :id",
        {"state": state, "id": job.job_id},
    )
    answer = lab.jobs.retry(acme, job.job_id)
    assert isinstance(answer, Ok)
    assert (answer.value.state, answer.value.attempt, answer.value.crash_count) == (
        JobState.QUEUED,
        0,
        0,
    )


@pytest.mark.parametrize("state", ["queued", "dispatched", "running", "succeeded"])
def test_a_job_under_way_or_done_cannot_be_tried_again(lab: Lab, acme: Context, state: str) -> None:
    job = lab.submit(acme)
    lab.sql("UPDATE jobs SET state = :state", {"state": state})
    answer = lab.jobs.retry(acme, job.job_id)
    assert isinstance(answer, Err)
    assert answer.failure.reason is Reason.JOB_NOT_RETRYABLE
    assert lab.get(acme, job).state == state


def test_a_repeated_cancel_with_the_same_key_gets_the_first_answer(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    keyed = replace(
        acme,
        idempotency=Idempotency("CancelJob", "k" * 16, b"f" * 32, lambda job: job.job_id.encode()),
    )
    assert isinstance(lab.jobs.cancel(keyed, job.job_id), Ok)
    with pytest.raises(AlreadyAnsweredError) as answered:
        lab.jobs.cancel(keyed, job.job_id)
    assert answered.value.response == job.job_id.encode()


def test_progress_is_written_at_most_once_a_second_and_at_each_new_phase(
    lab: Lab, acme: Context
) -> None:
    def busy(run: JobRun) -> Outcome:
        run.progress("warm-up", 1, 1)
        await_value(lambda: lab.get(acme, job).progress.phase == "warm-up" or None)
        until = time.monotonic() + 2.5
        done = 0
        while time.monotonic() < until:
            done += 1
            run.progress("rows", done, 0, f"{done} rows")
            time.sleep(0.001)
        run.progress("rows", 10_000, 10_000)
        return Done({})

    lab.kind("busy", busy)
    job = lab.submit(acme, "busy")
    before = job.sequence
    lab.runner(beats=True)(ticket(job))
    ended = lab.get(acme, job)
    assert ended.progress == Progress("rows", 10_000, 10_000)
    # Claimed, warm-up, rows at 0, 1 and 2 seconds, ended.
    assert 5 <= ended.sequence - before <= 7


def test_a_new_attempt_without_a_checkpoint_starts_its_progress_anew(
    lab: Lab, acme: Context
) -> None:
    seen: list[Progress] = []

    def half(run: JobRun) -> Outcome:
        seen.append(lab.get(acme, job).progress)
        run.progress("rows", 500, 1_000)
        raise ValueError

    lab.kind("half", half, first_backoff_seconds=0.0)
    job = lab.submit(acme, "half")
    run = lab.runner()
    run(ticket(job))
    assert lab.get(acme, job).progress == Progress("rows", 500, 1_000)
    run(ticket(lab.get(acme, job)))
    assert seen == [Progress(), Progress()]
