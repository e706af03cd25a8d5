"""Submits jobs by their kind: later, with a priority, and once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from core.config import Settings
from core.context import Context
from core.failures import Failure, FieldViolation, RefusedError
from core.jobs.job import JobState
from core.jobs.kind import JobRun, Later, Outcome
from core.jobs.replay import ReplayCommand
from core.jobs.spec import JobSpec, Unique, UniquePolicy
from core.jobs.submit_batch import BatchOrder
from core.jobs.submit_one import Submitted
from core.reasons import Reason
from core.result import Err, Ok, Result
from tests.conftest import Databases, context_of
from tests.jobs_lab import Lab, await_value, echo, open_lab, ticket

EXISTING, REPLACE, REFUSE = UniquePolicy
LATER = Failure(Reason.STORE_UNAVAILABLE, "Later.")


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    def check(payload: Mapping[str, Any]) -> list[FieldViolation]:
        return [FieldViolation("wrong", "is not known")] if "wrong" in payload else []

    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kind("open", echo, check_payload=check)
        lab.kind("other", echo, check_payload=check)
        lab.kind("own", echo)
        yield lab


def submit(lab: Lab, context: Context, policy: UniquePolicy, **spec: Any) -> Result[Submitted]:
    values = {"kind": "open", "unique": Unique("one", policy), **spec}
    return lab.jobs.submit_one(context, JobSpec(**values))


def submitted(result: Result[Submitted]) -> Submitted:
    assert isinstance(result, Ok), result
    return result.value


def test_a_job_is_submitted_by_its_kind(lab: Lab, acme: Context) -> None:
    job = submitted(
        lab.jobs.submit_one(acme, JobSpec("open", {"a": [1, None]}, priority="bulk"))
    ).job

    assert (job.kind, job.state, job.priority) == ("open", JobState.QUEUED, "bulk")
    lab.runner()(ticket(job))
    assert lab.get(acme, job).result == {"a": [1, None]}


@pytest.mark.parametrize("kind", ["own", "nobody.knows"])
def test_only_kinds_that_are_open_to_callers_are_submitted(
    lab: Lab, acme: Context, kind: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_one(acme, JobSpec(kind))

    assert refused.value.failure.reason is Reason.JOB_KIND_UNKNOWN
    assert refused.value.failure.metadata == {"kind": kind}


def test_a_wrong_payload_is_refused_by_its_path(lab: Lab, acme: Context) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_one(acme, JobSpec("open", {"wrong": True}))

    assert [fault.field for fault in refused.value.failure.fields] == ["spec.payload.wrong"]


def test_a_payload_that_came_past_every_check_is_refused_before_its_handler(
    lab: Lab, acme: Context
) -> None:
    job = lab.submit(acme, "open", {"wrong": True})

    lab.runner()(ticket(job))

    ended = lab.get(acme, job)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert ended.error["reason"] == "FIELDS_INVALID"
    assert ended.error["fields"] == [{"field": "wrong", "description": "is not known"}]


def test_a_job_begins_at_the_time_it_is_for(lab: Lab, acme: Context) -> None:
    at = datetime.now(UTC) + timedelta(hours=2)
    for unique in (None, Unique("later", REFUSE)):
        job = submitted(lab.jobs.submit_one(acme, JobSpec("open", run_at=at, unique=unique))).job
        assert abs((job.run_at - at).total_seconds()) < 10
        lab.runner()(ticket(job))
        assert lab.get(acme, job).state is JobState.QUEUED


@pytest.mark.parametrize("unique", [None, Unique("past", REFUSE)])
def test_a_time_that_is_past_does_not_put_a_job_before_those_that_wait(
    lab: Lab, acme: Context, unique: Unique | None
) -> None:
    waiting = lab.submit(acme)
    past = datetime.now(UTC) - timedelta(days=1)

    job = submitted(lab.jobs.submit_one(acme, JobSpec("open", run_at=past, unique=unique))).job

    assert job.run_at > waiting.run_at


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"delay_seconds": -1.0}, "spec.delay"),
        ({"delay_seconds": 367 * 86_400.0}, "spec.delay"),
        ({"run_at": datetime(2999, 1, 1, tzinfo=UTC)}, "spec.run_time"),
        ({"run_at": datetime.now(UTC), "delay_seconds": 1.0}, "spec.run_time"),
        ({"expire_after_seconds": 0.0}, "spec.expire_after"),
        ({"delay_seconds": 9.0, "expire_after_seconds": 9.0}, "spec.expire_after"),
    ],
)
def test_times_must_make_sense(lab: Lab, acme: Context, spec: dict[str, Any], field: str) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_one(acme, JobSpec("open", **spec))

    assert field in [fault.field for fault in refused.value.failure.fields]


def test_a_second_job_with_the_key_is_the_first(lab: Lab, acme: Context) -> None:
    first = submitted(submit(lab, acme, EXISTING, payload={"a": 1}))
    second = submitted(submit(lab, acme, EXISTING, payload={"a": 2}))

    assert (first.existed, second.existed) == (False, True)
    assert second.job == first.job


def test_a_second_job_with_the_key_is_refused(lab: Lab, acme: Context) -> None:
    first = submitted(submit(lab, acme, EXISTING)).job

    second = submit(lab, acme, REFUSE)

    assert isinstance(second, Err)
    assert second.failure.reason is Reason.JOB_EXISTS
    assert second.failure.metadata == {
        "job_id": first.job_id,
        "kind": "open",
        "unique_key": "one",
    }


def test_a_key_belongs_to_one_tenant_and_one_kind(lab: Lab, acme: Context, globex: Context) -> None:
    found = [
        submitted(submit(lab, acme, REFUSE)),
        submitted(submit(lab, globex, REFUSE)),
        submitted(submit(lab, acme, REFUSE, kind="other")),
        submitted(submit(lab, acme, REFUSE, unique=Unique("two", REFUSE))),
    ]

    assert len({each.job.job_id for each in found}) == 4


def test_a_job_that_has_ended_frees_its_key(lab: Lab, acme: Context) -> None:
    first = submitted(submit(lab, acme, REFUSE)).job
    lab.runner()(ticket(first))

    assert not submitted(submit(lab, acme, REFUSE)).existed


def test_a_replaced_payload_starts_anew_for_whoever_wrote_it(lab: Lab, acme: Context) -> None:
    def once_more(run: JobRun) -> Outcome:
        with run.begin() as unit:
            run.save(unit, {"at": 1})
            unit.commit(None)
        return Later(0, LATER)

    lab.kind("open", once_more, check_payload=lambda _payload: ())
    first = submitted(submit(lab, acme, REPLACE, payload={"a": 1})).job
    lab.runner()(ticket(first))
    assert lab.get(acme, first).checkpoint == {"at": 1}
    another = context_of("acme")

    second = submitted(submit(lab, another, REPLACE, payload={"a": 2}))

    assert second.existed
    assert second.job.job_id == first.job_id
    assert second.job.payload == {"a": 2}
    assert (second.job.checkpoint, second.job.attempt, second.job.error) == (None, 0, None)
    assert second.job.sequence > first.sequence


def test_the_payload_of_a_job_that_runs_is_not_replaced(lab: Lab, acme: Context) -> None:
    first = submitted(submit(lab, acme, REPLACE, payload={"a": 1})).job
    lab.runner().claim(ticket(first))

    second = submit(lab, acme, REPLACE, payload={"a": 2})

    assert isinstance(second, Err)
    assert second.failure.reason is Reason.JOB_EXISTS
    assert lab.get(acme, first).payload == {"a": 1}


@pytest.mark.parametrize("policy", [EXISTING, REPLACE])
def test_of_many_at_once_one_is_written(lab: Lab, acme: Context, policy: UniquePolicy) -> None:
    start = threading.Barrier(12)

    def one(number: int) -> Submitted:
        start.wait()
        return submitted(submit(lab, acme, policy, payload={"number": number}))

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(one, range(12)))

    assert len({each.job.job_id for each in found}) == 1
    assert [each.existed for each in found].count(False) == 1


def test_a_retry_does_not_bring_a_second_job_with_the_key(lab: Lab, acme: Context) -> None:
    first = submitted(submit(lab, acme, REFUSE)).job
    lab.jobs.cancel(acme, first.job_id)
    second = submitted(submit(lab, acme, REFUSE)).job

    refused = lab.jobs.retry(acme, first.job_id)

    assert isinstance(refused, Err)
    assert refused.failure.reason is Reason.JOB_EXISTS
    lab.jobs.cancel(acme, second.job_id)
    assert isinstance(lab.jobs.retry(acme, first.job_id), Ok)


def test_a_retry_that_meets_a_new_job_with_the_key_is_refused(
    lab: Lab, acme: Context, databases: Databases
) -> None:
    first = submitted(submit(lab, acme, REFUSE)).job
    lab.jobs.cancel(acme, first.job_id)
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(databases.urls.admin, autocommit=True) as looker,
        databases.app.begin(acme) as unit,
    ):
        lab.jobs.submit(unit, kind="open", payload={})
        unit.execute("UPDATE jobs SET unique_key = 'one' WHERE state <> 'cancelled'")
        retry = pool.submit(lab.jobs.retry, acme, first.job_id)
        await_value(
            lambda: looker.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ).fetchone(),
            lambda: "the retry does not wait for the key",
        )
        unit.commit(None)

    with pytest.raises(RefusedError) as refused:
        retry.result()
    assert refused.value.failure.reason is Reason.JOB_EXISTS


def test_a_replay_leaves_what_has_lost_its_key(lab: Lab, acme: Context) -> None:
    dead = [submitted(submit(lab, acme, REFUSE)).job]
    for _ in range(2):
        lab.sql("UPDATE jobs SET state = 'dead', finished_at = now() WHERE state <> 'dead'")
        dead.append(submitted(submit(lab, acme, REFUSE)).job)
    lab.sql("UPDATE jobs SET state = 'dead', finished_at = now() WHERE state <> 'dead'")

    replayed = lab.jobs.replay(acme, ReplayCommand())

    assert isinstance(replayed, Ok)
    assert [job.job_id for job in replayed.value.jobs] == [dead[0].job_id]


def test_batches_take_their_keys_in_one_order(
    lab: Lab, acme: Context, databases: Databases
) -> None:
    batch = BatchOrder([JobSpec("open", unique=Unique(key, REFUSE)) for key in "cba"])
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(databases.urls.admin, autocommit=True) as looker,
        databases.app.begin(acme) as unit,
    ):
        lab.jobs.submit(unit, kind="open", payload={})
        unit.execute("UPDATE jobs SET unique_key = 'a'")
        waiting = pool.submit(lab.jobs.submit_batch, acme, batch)
        await_value(
            lambda: looker.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ).fetchone(),
            lambda: "the batch does not wait for the first key",
        )

        # What waits for the first has none of the others, so nobody can wait for it.
        hurried = replace(acme, deadline=time.monotonic() + 2)
        submitted(submit(lab, hurried, REFUSE, unique=Unique("c", REFUSE)))

    with pytest.raises(RefusedError) as refused:
        waiting.result()
    assert refused.value.failure.reason is Reason.JOB_EXISTS
