"""Runs chains: each step begins in the transaction that ends the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from core.config import Settings
from core.context import Context
from core.failures import Failure, RefusedError, envelope
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobRun, Refused
from core.jobs.spec import JobSpec, Unique, UniquePolicy
from core.platform.signals import JOBS_WAITING
from core.reasons import Reason
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import PATIENCE_SECONDS, Lab, await_value, open_lab, ticket


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kind("step", step, check_payload=lambda _payload: ())
        yield lab


def step(run: JobRun) -> Done | Refused:
    """Adds its letter to what the step before it came to."""
    if run.payload.get("refuse"):
        return Refused(Failure(Reason.JOB_BROKEN, "No."))
    before = run.previous.result if isinstance(run.previous, Job) else None
    return Done({"word": (before or {"word": ""})["word"] + run.payload.get("letter", "")})


def chain(lab: Lab, context: Context, *payloads: dict[str, Any], **more: Any) -> Sequence[Job]:
    result = lab.jobs.submit_chain(
        context, [JobSpec("step", payload, **more) for payload in payloads]
    )
    assert isinstance(result, Ok)
    return result.value


def states(lab: Lab, context: Context, jobs: Sequence[Job]) -> list[str]:
    return [lab.get(context, job).state.value for job in jobs]


def run(lab: Lab, context: Context, job: Job) -> Job:
    lab.runner()(ticket(lab.get(context, job)))
    return lab.get(context, job)


def test_each_step_runs_after_the_one_before_and_reads_its_result(lab: Lab, acme: Context) -> None:
    steps = chain(lab, acme, *({"letter": letter} for letter in "abc"))
    assert states(lab, acme, steps) == ["queued", "held", "held"]

    for position, job in enumerate(steps):
        assert run(lab, acme, job).state is JobState.SUCCEEDED
        assert states(lab, acme, steps)[position + 1 : position + 2] in ([], ["queued"])

    assert lab.get(acme, steps[-1]).result == {"word": "abc"}
    assert [job.next_job_id for job in steps] == [steps[1].job_id, steps[2].job_id, None]


def test_a_held_step_cannot_be_started_by_any_message(lab: Lab, acme: Context) -> None:
    _first, second = chain(lab, acme, {}, {})

    assert run(lab, acme, second).state is JobState.HELD
    lab.worker_row()
    assert lab.jobs.dispatch()[0] == 1


def test_the_dispatchers_hear_of_the_step_that_may_begin(lab: Lab, acme: Context) -> None:
    first, _second = chain(lab, acme, {}, {})
    heard: list[str] = []
    lab.signals.hear(JOBS_WAITING, heard.append)
    assert lab.signals.wait_until_hearing(PATIENCE_SECONDS)

    run(lab, acme, first)

    await_value(lambda: True if "default" in heard else None, lambda: "was not announced")


def test_a_step_that_fails_holds_the_rest_until_it_is_tried_again(lab: Lab, acme: Context) -> None:
    steps = chain(lab, acme, {"refuse": True}, {"letter": "b"})

    assert run(lab, acme, steps[0]).state is JobState.FAILED
    assert states(lab, acme, steps) == ["failed", "held"]
    explained = lab.jobs.explain(acme, steps[1].job_id)
    assert isinstance(explained, Ok)
    assert "which is failed, is tried again and succeeds" in explained.value.sentence

    lab.sql("UPDATE jobs SET payload = '{\"letter\": \"a\"}' WHERE state = 'failed'")
    lab.jobs.retry(acme, steps[0].job_id)
    run(lab, acme, steps[0])
    assert run(lab, acme, steps[1]).result == {"word": "ab"}


def test_cancelling_a_step_cancels_what_is_behind_it_and_retrying_it_holds_it_again(
    lab: Lab, acme: Context
) -> None:
    steps = chain(lab, acme, {"letter": "a"}, {"letter": "b"}, {"letter": "c"})

    lab.jobs.cancel(acme, steps[0].job_id)

    assert states(lab, acme, steps) == ["cancelled"] * 3
    broken = lab.get(acme, steps[2])
    assert broken.error == envelope(
        Failure(Reason.JOB_CHAIN_BROKEN, "The job before this one was cancelled or is gone."),
        broken.correlation_id,
    )

    lab.jobs.retry(acme, steps[0].job_id)
    assert states(lab, acme, steps) == ["queued", "held", "held"]
    assert lab.get(acme, steps[2]).error is None
    for job in steps:
        run(lab, acme, job)
    assert lab.get(acme, steps[2]).result == {"word": "abc"}


def test_a_held_step_that_is_cancelled_leaves_the_one_before_it(lab: Lab, acme: Context) -> None:
    steps = chain(lab, acme, {}, {}, {})

    lab.jobs.cancel(acme, steps[1].job_id)
    run(lab, acme, steps[0])

    assert states(lab, acme, steps) == ["succeeded", "cancelled", "cancelled"]
    # Whoever retries the middle by hand has asked for it: it need not wait for anything.
    lab.jobs.retry(acme, steps[1].job_id)
    assert states(lab, acme, steps) == ["succeeded", "queued", "held"]


def test_a_chain_is_not_set_going_again_where_a_step_has_lost_its_unique_key(
    lab: Lab, acme: Context
) -> None:
    spec = JobSpec("step", unique=Unique("one", UniquePolicy.REFUSE))
    result = lab.jobs.submit_chain(acme, [JobSpec("step"), spec])
    assert isinstance(result, Ok)
    first, second = result.value
    lab.jobs.cancel(acme, first.job_id)
    lab.jobs.submit_one(acme, spec)

    with pytest.raises(RefusedError) as refused:
        lab.jobs.retry(acme, first.job_id)

    assert refused.value.failure.reason is Reason.JOB_EXISTS
    assert states(lab, acme, [first, second]) == ["cancelled", "cancelled"]


def test_every_other_bad_end_holds_the_rest(lab: Lab, acme: Context) -> None:
    crashed, expired = chain(lab, acme, {}, {}), chain(lab, acme, {}, {})
    lab.sql(
        "UPDATE jobs SET state = 'running', lease_until = now() - interval '1 s', crash_count = 2,"
        " attempt = 1 WHERE job_id = CAST(:id AS uuid)",
        {"id": crashed[0].job_id},
    )
    lab.sql(
        "UPDATE jobs SET expires_at = now() - interval '1 s' WHERE job_id = CAST(:id AS uuid)",
        {"id": expired[0].job_id},
    )

    lab.jobs.rescue()

    assert states(lab, acme, crashed) == ["quarantined", "held"]
    assert states(lab, acme, expired) == ["expired", "held"]


def test_a_delay_and_an_expiry_begin_when_the_step_is_let_go(lab: Lab, acme: Context) -> None:
    first, second = chain(lab, acme, {}, {}, delay_seconds=600.0, expire_after_seconds=3600.0)
    assert first.expires_at is not None
    assert second.expires_at is None
    lab.sql("UPDATE jobs SET run_at = now() WHERE state = 'queued'")

    run(lab, acme, first)

    second = lab.get(acme, second)
    ended = lab.get(acme, first).finished_at
    assert ended is not None
    assert second.expires_at is not None
    assert 599 <= (second.run_at - ended).total_seconds() <= 660
    assert 3599 <= (second.expires_at - ended).total_seconds() <= 3660


def test_a_step_whose_predecessor_was_swept_away_is_ended_with_all_behind_it(
    lab: Lab, acme: Context
) -> None:
    steps = chain(lab, acme, {"refuse": True}, {}, {})
    run(lab, acme, steps[0])
    lab.sql("UPDATE jobs SET finished_at = now() - interval '31 days' WHERE state = 'failed'")

    swept = lab.jobs.sweep()

    assert (swept.jobs, swept.orphans) == (1, 1)
    assert states(lab, acme, steps[1:]) == ["cancelled", "cancelled"]
    error = lab.get(acme, steps[1]).error
    assert error is not None
    assert error["reason"] == "JOB_CHAIN_BROKEN"
    assert lab.jobs.sweep().orphans == 0


def test_what_waits_for_something_that_is_there_is_no_orphan(lab: Lab, acme: Context) -> None:
    steps = chain(lab, acme, {}, {})

    assert lab.jobs.sweep().orphans == 0
    assert states(lab, acme, steps) == ["queued", "held"]


def test_held_jobs_count_as_waiting_and_a_chain_is_submitted_whole_or_not_at_all(
    lab: Lab, acme: Context
) -> None:
    lab.sql("DELETE FROM jobs")
    most = lab.settings.max_waiting_jobs_per_tenant
    lab.sql(
        "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id, roles,"
        " correlation_id, state) SELECT 'acme', gen_random_uuid(), 'step', 'default', '{}', 5, '',"
        " '{}', '', 'held' FROM generate_series(1, :count)",
        {"count": most - 2},
    )

    with pytest.raises(RefusedError) as refused:
        chain(lab, acme, {}, {}, {})
    assert refused.value.failure.reason is Reason.TENANT_QUEUE_FULL
    assert lab.sql("SELECT count(*) AS jobs FROM jobs")[0]["jobs"] == most - 2
    assert len(chain(lab, acme, {}, {})) == 2


def test_a_chain_has_a_greatest_length(lab: Lab, acme: Context) -> None:
    result = lab.jobs.submit_chain(acme, [JobSpec("step")] * 101)

    assert isinstance(result, Err)
    assert [fault.field for fault in result.failure.fields] == ["jobs"]


def test_a_chain_with_a_key_that_is_taken_is_refused_whole(lab: Lab, acme: Context) -> None:
    unique = Unique("one", UniquePolicy.REFUSE)
    lab.jobs.submit_one(acme, JobSpec("step", unique=unique))

    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_chain(acme, [JobSpec("step"), JobSpec("step", unique=unique)])

    assert refused.value.failure.reason is Reason.JOB_EXISTS
    assert lab.sql("SELECT count(*) AS jobs FROM jobs")[0]["jobs"] == 1


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (UniquePolicy.REFUSE, UniquePolicy.REFUSE, "jobs[1].unique.key"),
        (UniquePolicy.RETURN_EXISTING, UniquePolicy.REFUSE, "jobs[0].unique.policy"),
    ],
)
def test_keys_within_a_chain_must_make_sense(
    lab: Lab, acme: Context, first: UniquePolicy, second: UniquePolicy, field: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_chain(
            acme,
            [JobSpec("step", unique=Unique("one", policy)) for policy in (first, second)],
        )

    assert field in [fault.field for fault in refused.value.failure.fields]
