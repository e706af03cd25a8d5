from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.failures import Failure
from core.jobs.ending import (
    JOB_BROKEN,
    Crashed,
    Ending,
    broken,
    ending_of,
    ending_of_refusal,
    ending_of_stop,
)
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobKind, Later, Refused, Retry
from core.jobs.lease import StopReason
from core.reasons import Reason

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KIND = JobKind("test.kind", lambda _run: Done({}), first_backoff_seconds=2.0, time_limit_seconds=9)
BUSY = Failure(Reason.FILE_STORE_UNAVAILABLE, "The store is away.", retry_after_ms=3_000)
WRONG = Failure(Reason.IMPORT_FILE_UNREADABLE, "The file is no table.")


def a_job(*, attempt: int = 1, max_attempts: int = 3) -> Job:
    return Job(
        tenant_id="acme",
        job_id="0",
        kind=KIND.name,
        queue="default",
        state=JobState.RUNNING,
        payload={},
        attempt=attempt,
        max_attempts=max_attempts,
        crash_count=0,
        epoch=1,
        sequence=1,
        key_id="key",
        roles=frozenset(),
        correlation_id="c",
        created_at=NOW,
        run_at=NOW,
    )


def test_done_succeeds_with_its_result_and_file() -> None:
    ending = ending_of(Done({"rows": 3}, file_id="f"), a_job())
    assert (ending.state, ending.result, ending.file_id) == (JobState.SUCCEEDED, {"rows": 3}, "f")


def test_refused_fails_even_with_attempts_left() -> None:
    ending = ending_of(Refused(WRONG), a_job())
    assert (ending.state, ending.failure) == (JobState.FAILED, WRONG)


def test_later_is_queued_again_after_its_while() -> None:
    ending = ending_of(Later(7.5, BUSY), a_job())
    assert (ending.state, ending.delay_seconds) == (JobState.QUEUED, 7.5)


def test_later_in_the_last_attempt_is_dead() -> None:
    assert ending_of(Later(7.5, BUSY), a_job(attempt=3)).state is JobState.DEAD


def test_a_broken_attempt_waits_for_its_backoff() -> None:
    ending = broken(JOB_BROKEN, a_job(attempt=2), KIND, random=lambda: 1.0)
    assert (ending.state, ending.delay_seconds) == (JobState.QUEUED, 4.0)


def test_the_last_broken_attempt_is_dead() -> None:
    assert broken(JOB_BROKEN, a_job(attempt=3), KIND).state is JobState.DEAD


def test_a_failure_that_can_pass_is_tried_again_no_sooner_than_it_says() -> None:
    ending = ending_of_refusal(BUSY, a_job(), replace(KIND, first_backoff_seconds=0.0))
    assert (ending.state, ending.delay_seconds) == (JobState.QUEUED, 3.0)


def test_a_raised_failure_that_cannot_pass_fails() -> None:
    assert ending_of_refusal(WRONG, a_job(), KIND).state is JobState.FAILED


@pytest.mark.parametrize("attempt", [1, 3])
def test_a_drained_attempt_does_not_count(attempt: int) -> None:
    ending = ending_of_stop(StopReason.DRAINING, a_job(attempt=attempt), KIND, saved=False)
    assert isinstance(ending, Ending)
    assert (ending.state, ending.counts, ending.delay_seconds) == (JobState.QUEUED, False, 0.0)


def test_a_cancelled_attempt_is_cancelled() -> None:
    ending = ending_of_stop(StopReason.CANCELLED, a_job(), KIND, saved=False)
    assert isinstance(ending, Ending)
    assert ending.state is JobState.CANCELLED


def test_an_attempt_that_took_too_long_broke_and_says_so() -> None:
    ending = ending_of_stop(StopReason.TIMED_OUT, a_job(attempt=3), KIND, saved=False)
    assert isinstance(ending, Ending)
    assert ending.failure is not None
    assert (ending.state, ending.failure.reason) == (JobState.DEAD, Reason.JOB_TIMED_OUT)


def test_an_attempt_whose_worker_ran_out_of_memory_yields_where_it_got_further() -> None:
    ending = ending_of_stop(StopReason.OUT_OF_MEMORY, a_job(), KIND, saved=True)
    assert isinstance(ending, Ending)
    assert (ending.state, ending.counts) == (JobState.QUEUED, False)
    crashed = ending_of_stop(StopReason.OUT_OF_MEMORY, a_job(), KIND, saved=False)
    assert isinstance(crashed, Crashed)
    assert crashed.failure.reason is Reason.JOB_OUT_OF_MEMORY


def test_an_attempt_that_lost_its_lease_writes_nothing() -> None:
    assert ending_of_stop(StopReason.LEASE_LOST, a_job(), KIND, saved=False) is None


def test_what_a_kind_says_of_an_exception_holds_for_those_derived_from_it() -> None:
    kind = replace(KIND, retries={OSError: Retry(first_backoff_seconds=30.0)})

    def wait(fault: Exception) -> float:
        return broken(JOB_BROKEN, a_job(), kind, fault=fault, random=lambda: 1.0).delay_seconds

    assert wait(ConnectionResetError()) == 30.0
    assert wait(ValueError()) == 2.0


def test_the_nearest_base_of_an_exception_decides() -> None:
    retries: dict[Reason | type[Exception], Retry] = {
        Exception: Retry(first_backoff_seconds=5.0),
        LookupError: Retry(first_backoff_seconds=7.0, longest_backoff_seconds=6.0),
    }
    kind = replace(KIND, retries=retries)
    ending = broken(JOB_BROKEN, a_job(), kind, fault=KeyError(), random=lambda: 1.0)
    assert ending.delay_seconds == 6.0


@pytest.mark.parametrize(("most", "state"), [(1, JobState.DEAD), (9, JobState.QUEUED)])
def test_a_kind_may_try_less_often_after_a_reason_but_not_more(most: int, state: JobState) -> None:
    kind = replace(KIND, retries={Reason.FILE_STORE_UNAVAILABLE: Retry(max_attempts=most)})
    assert ending_of_refusal(BUSY, a_job(), kind).state is state
    assert ending_of_refusal(BUSY, a_job(attempt=3), kind).state is JobState.DEAD


def test_a_reason_that_cannot_pass_is_tried_again_where_the_kind_says_so() -> None:
    kind = replace(KIND, retries={Reason.IMPORT_FILE_UNREADABLE: Retry(max_attempts=2)})
    assert ending_of_refusal(WRONG, a_job(), kind).state is JobState.QUEUED
    assert ending_of_refusal(WRONG, a_job(attempt=2), kind).state is JobState.DEAD
    assert ending_of(Refused(WRONG), a_job()).state is JobState.FAILED
