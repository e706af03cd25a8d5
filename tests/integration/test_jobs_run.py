from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from core.config import Settings
from core.context import Context
from core.failures import Failure, RefusedError
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobRun, JobStoppedError, Later, Outcome, Refused
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, open_lab, ticket

WRONG = Failure(Reason.IMPORT_FILE_UNREADABLE, "The file is no table.")
AWAY = Failure(Reason.FILE_STORE_UNAVAILABLE, "The store is away.")


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def write_note(unit: UnitOfWork, name: str) -> None:
    unit.execute(
        "INSERT INTO products (tenant_id, sku, name) VALUES (:tenant_id, :sku, '')",
        {"tenant_id": unit.context.tenant_id, "sku": name},
    )


def notes(lab: Lab, context: Context) -> list[str]:
    return [row["sku"] for row in lab.database.read(context, "SELECT sku FROM products", {})]


def crash(lab: Lab, job: Job) -> None:
    """Does to the ledger what a worker that died a while ago leaves behind."""
    lab.sql(
        "UPDATE jobs SET state = 'running', epoch = epoch + 1, attempt = attempt + 1,"
        " started_at = now(), lease_until = now() - interval '1 second' WHERE job_id = :job_id",
        {"job_id": job.job_id},
    )


def test_a_job_runs_and_its_result_stays(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme, payload={"answer": 42})
    lab.runner()(ticket(job))
    ended = lab.get(acme, job)
    assert (ended.state, ended.result, ended.attempt) == (JobState.SUCCEEDED, {"answer": 42}, 1)
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.error is None


def test_an_attempt_acts_for_the_tenant_and_the_key_that_submitted(lab: Lab, acme: Context) -> None:
    seen: list[Context] = []

    def look(run: JobRun) -> Outcome:
        seen.append(run.context)
        return Done({"directory": run.directory.is_dir()})

    lab.kind("look", look)
    job = lab.submit(acme, "look")
    lab.runner()(ticket(job))
    assert lab.get(acme, job).result == {"directory": True}
    assert (seen[0].tenant_id, seen[0].correlation_id) == ("acme", acme.correlation_id)
    assert (seen[0].principal.key_id, seen[0].principal.roles) == (
        acme.principal.key_id,
        acme.principal.roles,
    )


def test_a_message_with_an_old_epoch_starts_nothing(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    lab.runner()(replace(ticket(job), epoch=7))
    assert lab.get(acme, job) == job


def test_a_message_of_another_tenant_starts_nothing(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    lab.runner()(replace(ticket(job), tenant_id="globex"))
    assert lab.get(acme, job) == job


def test_many_workers_with_the_same_message_run_the_job_once(lab: Lab, acme: Context) -> None:
    lab.kind("note", lambda _run: Done({}, write=lambda unit: write_note(unit, "ran")))
    job = lab.submit(acme, "note")
    runners = [lab.runner() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: run(ticket(job)), runners))
    assert lab.get(acme, job).epoch == 1
    assert lab.get(acme, job).state is JobState.SUCCEEDED
    assert notes(lab, acme) == ["ran"]


def test_an_attempt_that_was_overtaken_writes_nothing(lab: Lab, acme: Context) -> None:
    def slow(run: JobRun) -> Outcome:
        lab.sql("UPDATE jobs SET epoch = epoch + 1 WHERE job_id = :id", {"id": run.job_id})
        return Done({"late": True}, write=lambda unit: write_note(unit, "late"))

    lab.kind("slow", slow)
    job = lab.submit(acme, "slow")
    lab.runner()(ticket(job))
    assert (lab.get(acme, job).state, lab.get(acme, job).result) == (JobState.RUNNING, None)
    assert notes(lab, acme) == []


def test_a_checkpoint_of_an_overtaken_attempt_takes_its_writes_with_it(
    lab: Lab, acme: Context
) -> None:
    stopped: list[BaseException] = []

    def chunk(run: JobRun) -> Outcome:
        lab.sql("UPDATE jobs SET epoch = epoch + 1 WHERE job_id = :id", {"id": run.job_id})
        try:
            with run.begin() as unit:
                write_note(unit, "chunk")
                run.save(unit, {"chunk": 1})
                unit.commit(None)
        except JobStoppedError as stop:
            stopped.append(stop)
            raise
        raise AssertionError

    lab.kind("chunk", chunk)
    job = lab.submit(acme, "chunk")
    lab.runner()(ticket(job))
    assert stopped
    assert notes(lab, acme) == []
    assert lab.get(acme, job).checkpoint is None


def test_the_next_attempt_goes_on_from_the_checkpoint(lab: Lab, acme: Context) -> None:
    seen: list[object] = []

    def chunks(run: JobRun) -> Outcome:
        seen.append(run.checkpoint)
        if run.checkpoint is None:
            with run.begin() as unit:
                run.save(unit, {"rows": 500})
                unit.commit(None)
            raise ValueError
        return Done({})

    lab.kind("chunks", chunks, first_backoff_seconds=0.0)
    job = lab.submit(acme, "chunks")
    run = lab.runner()
    run(ticket(job))
    run(ticket(lab.get(acme, job)))
    assert seen == [None, {"rows": 500}]
    assert lab.get(acme, job).state is JobState.SUCCEEDED


def test_a_broken_job_is_tried_again_until_it_is_dead(lab: Lab, acme: Context) -> None:
    def broken(_run: JobRun) -> Outcome:
        raise ValueError("with a secret in it")

    lab.kind("broken", broken, max_attempts=3, first_backoff_seconds=0.0)
    job = lab.submit(acme, "broken")
    run = lab.runner()
    states = []
    for _ in range(3):
        run(ticket(lab.get(acme, job)))
        states.append(lab.get(acme, job).state)
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.DEAD]
    ended = lab.get(acme, job)
    assert ended.error is not None
    assert ended.error["reason"] == "JOB_BROKEN"
    assert ended.error["correlation_id"] == acme.correlation_id
    assert "secret" not in str(ended.error)
    assert ended.finished_at is not None


def test_a_retry_waits_for_its_backoff(lab: Lab, acme: Context) -> None:
    lab.kind("later", lambda _run: Later(3_600, AWAY))
    job = lab.submit(acme, "later")
    run = lab.runner()
    run(ticket(job))
    waiting = lab.get(acme, job)
    assert (waiting.state, waiting.attempt) == (JobState.QUEUED, 1)
    assert (waiting.run_at - waiting.created_at).total_seconds() > 3_500
    run(ticket(waiting))
    assert lab.get(acme, job) == waiting


def test_a_refusal_ends_the_job_and_says_why(lab: Lab, acme: Context) -> None:
    lab.kind("refused", lambda _run: Refused(WRONG))
    job = lab.submit(acme, "refused")
    lab.runner()(ticket(job))
    ended = lab.get(acme, job)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert ended.error["reason"] == "IMPORT_FILE_UNREADABLE"


def test_business_writes_that_are_refused_leave_nothing_behind(lab: Lab, acme: Context) -> None:
    def write(unit: UnitOfWork) -> None:
        write_note(unit, "half")
        raise RefusedError(WRONG)

    lab.kind("half", lambda _run: Done({"done": True}, write=write))
    job = lab.submit(acme, "half")
    lab.runner()(ticket(job))
    ended = lab.get(acme, job)
    assert (ended.state, ended.result) == (JobState.FAILED, None)
    assert notes(lab, acme) == []


def test_a_result_that_cannot_be_written_breaks_the_attempt(lab: Lab, acme: Context) -> None:
    lab.kind("odd", lambda _run: Done({"bytes": b"\x00"}), max_attempts=1)
    job = lab.submit(acme, "odd")
    lab.runner()(ticket(job))
    assert lab.get(acme, job).state is JobState.DEAD


def test_an_attempt_beyond_its_time_limit_ends_at_the_next_step(lab: Lab, acme: Context) -> None:
    def endless(run: JobRun) -> Outcome:
        while True:
            time.sleep(0.01)
            run.proceed()

    lab.kind("endless", endless, time_limit_seconds=0.1, max_attempts=1)
    job = lab.submit(acme, "endless")
    lab.runner()(ticket(job))
    ended = lab.get(acme, job)
    assert ended.state is JobState.DEAD
    assert ended.error is not None
    assert ended.error["reason"] == "JOB_TIMED_OUT"


def test_a_worker_without_heartbeat_stops_its_job_before_the_lease_ends(
    lab: Lab, acme: Context
) -> None:
    stopped_after: list[float] = []

    def long(run: JobRun) -> Outcome:
        started = time.monotonic()
        try:
            while True:
                time.sleep(0.01)
                run.proceed()
        finally:
            stopped_after.append(time.monotonic() - started)

    lab.kind("long", long)
    job = lab.submit(acme, "long")
    lab.runner(lease_seconds=3)(ticket(job))
    assert 1.5 < stopped_after[0] < 3
    assert lab.get(acme, job).state is JobState.RUNNING
    await_value(lambda: lab.jobs.rescue().requeued or None)


def test_a_heartbeat_keeps_a_job_for_as_long_as_it_runs(lab: Lab, acme: Context) -> None:
    def long(run: JobRun) -> Outcome:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            time.sleep(0.01)
            run.proceed()
            assert lab.jobs.rescue().requeued == 0
        return Done({})

    lab.kind("long", long)
    job = lab.submit(acme, "long")
    lab.runner(lease_seconds=2, beats=True, interval_seconds=0.3)(ticket(job))
    assert lab.get(acme, job).state is JobState.SUCCEEDED


def test_one_job_that_locks_its_row_does_not_cost_the_others_their_lease(
    lab: Lab, acme: Context
) -> None:
    locked, others_done = threading.Event(), threading.Event()

    def locking(run: JobRun) -> Outcome:
        with run.begin() as unit:
            run.save(unit, {"chunk": 1})
            locked.set()
            assert others_done.wait(20)
            unit.commit(None)
        run.proceed()
        return Done({})

    def other(run: JobRun) -> Outcome:
        assert locked.wait(20)
        until = time.monotonic() + 3
        while time.monotonic() < until:
            time.sleep(0.01)
            run.proceed()
        others_done.set()
        return Done({})

    lab.kind("locking", locking)
    lab.kind("other", other)
    jobs = [lab.submit(acme, "locking"), lab.submit(acme, "other")]
    run = lab.runner(lease_seconds=2, beats=True, interval_seconds=0.3)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, map(ticket, jobs)))
    assert [lab.get(acme, job).state for job in jobs] == [JobState.SUCCEEDED] * 2


def test_a_crashed_job_is_queued_again_and_its_attempt_given_back(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    crash(lab, job)
    assert lab.jobs.rescue().requeued == 1
    rescued = lab.get(acme, job)
    assert (rescued.state, rescued.crash_count, rescued.attempt) == (JobState.QUEUED, 1, 0)
    assert rescued.error is not None
    assert rescued.error["reason"] == "WORKER_CRASHED"
    assert rescued.error["correlation_id"] == acme.correlation_id


def test_the_third_crash_quarantines_the_job(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    with capture_logs() as lines:
        for _ in range(3):
            assert lab.get(acme, job).state is JobState.QUEUED
            crash(lab, job)
            lab.jobs.rescue()
    ended = lab.get(acme, job)
    assert (ended.state, ended.crash_count) == (JobState.QUARANTINED, 3)
    (line,) = (line for line in lines if line["event"] == "job_quarantined")
    assert (line["tenant_id"], line["job_id"], line["kind"]) == ("acme", job.job_id, "echo")
    assert ended.finished_at is not None


def test_a_crashed_job_that_was_cancelled_is_not_run_again(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme)
    crash(lab, job)
    lab.jobs.cancel(acme, job.job_id)
    lab.jobs.rescue()
    assert lab.get(acme, job).state is JobState.CANCELLED


def test_a_job_that_nobody_started_in_time_expires_unrun(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme, expire_after_seconds=0.05)
    time.sleep(0.1)
    lab.runner()(ticket(job))
    assert lab.jobs.rescue().expired == 1
    ended = lab.get(acme, job)
    assert (ended.state, ended.attempt) == (JobState.EXPIRED, 0)
    assert ended.error is not None
    assert ended.error["reason"] == "JOB_EXPIRED"


def test_a_draining_worker_gives_a_message_back(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    job = lab.submit(acme)
    assert lab.get(acme, job).state is JobState.DISPATCHED
    run = lab.runner()
    run.heartbeat.drain()
    run(ticket(job))
    assert (lab.get(acme, job).state, lab.get(acme, job).epoch) == (JobState.QUEUED, 0)


def test_a_drained_attempt_keeps_its_last_checkpoint_and_does_not_count(
    lab: Lab, acme: Context
) -> None:
    saved: list[int] = []

    def chunks(job_run: JobRun) -> Outcome:
        for chunk in range(10):
            if chunk == 3:
                run.heartbeat.drain()
            with job_run.begin() as unit:
                job_run.save(unit, {"chunk": chunk})
                unit.commit(None)
            saved.append(chunk)
        return Done({})

    lab.kind("chunks", chunks)
    run = lab.runner()
    job = lab.submit(acme, "chunks")
    run(ticket(job))
    given_back = lab.get(acme, job)
    assert (given_back.state, given_back.attempt) == (JobState.QUEUED, 0)
    assert given_back.checkpoint == {"chunk": 3}
    assert saved == [0, 1, 2, 3]


def test_an_attempt_that_is_released_can_write_no_more(lab: Lab, acme: Context) -> None:
    released_jobs: list[int] = []

    def deaf(_run: JobRun) -> Outcome:
        released_jobs.append(run.hand_back.running(run.heartbeat.tickets()))
        return Done({}, write=lambda unit: write_note(unit, "too late"))

    lab.kind("deaf", deaf)
    run = lab.runner()
    job = lab.submit(acme, "deaf")
    run(ticket(job))
    assert released_jobs == [1]
    released = lab.get(acme, job)
    assert (released.state, released.attempt) == (JobState.QUEUED, 0)
    assert notes(lab, acme) == []
