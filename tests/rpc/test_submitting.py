"""Submits jobs, batches and chains by their contract."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from google.protobuf.message import Message

from howdah.jobs.v1 import jobs_pb2 as pb
from tests.conftest import DatabaseUrls
from tests.rpc.conftest import Answer, Caller, RunningNode, an_idempotency_key

SERVICE = "/howdah.jobs.v1.JobsService"
KIND = "documents.workbook"


def spec(title: str = "", **values: Any) -> pb.JobSpec:
    message = pb.JobSpec(kind=KIND, **values)
    message.payload.update({"period": "last_month", "title": title})
    # Not for now, so that it stays where a test puts it.
    if not message.HasField("delay") and not message.HasField("run_time"):
        message.delay.FromSeconds(3_600)
    return message


def call(caller: Caller, method: str, request: Message) -> Answer:
    return caller.call(f"{SERVICE}/{method}", request)


def job_of(answer: Answer) -> pb.SubmitJobResponse:
    assert answer.code == "OK", answer
    return pb.SubmitJobResponse.FromString(answer.messages[0])


def submit(caller: Caller, wanted: pb.JobSpec, key: str = "") -> Answer:
    request = pb.SubmitJobRequest(spec=wanted, idempotency_key=key or an_idempotency_key())
    return call(caller, "SubmitJob", request)


def count(urls: DatabaseUrls, title: str) -> int:
    with psycopg.connect(urls.admin) as connection:
        row = connection.execute(
            "SELECT count(*) FROM jobs WHERE payload->>'title' = %s", (title,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_submitted_job_is_told_with_everything_that_was_asked_for(running: RunningNode) -> None:
    wanted = spec("Sales", priority=pb.JOB_PRIORITY_BULK)
    wanted.unique.key = "told"
    wanted.unique.policy = pb.UNIQUE_POLICY_REFUSE
    wanted.payload.update({"currency": "EUR"})

    answer = job_of(submit(running.acme, wanted))

    job = answer.job
    assert not answer.existed
    assert (job.kind, job.state, job.priority) == (
        KIND,
        pb.JOB_STATE_QUEUED,
        pb.JOB_PRIORITY_BULK,
    )
    assert job.unique_key == "told"
    wait = job.run_time.ToDatetime(UTC) - job.create_time.ToDatetime(UTC)
    assert 3_590 < wait.total_seconds() < 3_610
    refused = submit(running.acme, wanted)
    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "JOB_EXISTS")
    assert refused.metadata == {"kind": KIND, "unique_key": "told", "job_id": job.job_id}
    wanted.unique.policy = pb.UNIQUE_POLICY_RETURN_EXISTING
    again = job_of(submit(running.acme, wanted))
    assert (again.existed, again.job.job_id) == (True, job.job_id)


def test_a_job_may_begin_at_a_time(running: RunningNode) -> None:
    at = datetime(2026, 12, 24, 18, tzinfo=UTC)
    wanted = spec()
    wanted.ClearField("delay")
    wanted.run_time.FromDatetime(at)
    now = datetime.now(UTC)

    job = job_of(submit(running.acme, wanted)).job

    found = job.run_time.ToDatetime(UTC)
    assert abs((found - max(at, now)).total_seconds()) < 30


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"kind": ""}, ("spec.kind",)),
        ({"kind": "x" * 101}, ("spec.kind",)),
        ({"unique": pb.Unique(key="a")}, ("spec.unique.policy",)),
        ({"unique": pb.Unique(policy=pb.UNIQUE_POLICY_REFUSE)}, ("spec.unique.key",)),
    ],
)
def test_the_rules_of_a_spec_are_checked(
    running: RunningNode, change: dict[str, Any], fields: tuple[str, ...]
) -> None:
    wanted = spec()
    wanted.MergeFrom(pb.JobSpec(**change))
    if "kind" in change:
        wanted.kind = change["kind"]

    answer = submit(running.acme, wanted)

    assert (answer.code, answer.fields) == ("INVALID_ARGUMENT", fields)


def test_numbers_that_json_does_not_have_are_refused(running: RunningNode) -> None:
    wanted = spec()
    wanted.payload["list"] = [1, {"deep": float("nan")}]

    answer = submit(running.acme, wanted)

    assert (answer.reason, answer.fields) == ("FIELDS_INVALID", ("spec.payload",))


def test_what_the_kind_does_not_read_is_refused_by_its_path(running: RunningNode) -> None:
    wanted = spec()
    wanted.payload.update({"period": "last_century", "colour": "blue"})

    answer = submit(running.acme, wanted)

    assert answer.reason == "FIELDS_INVALID"
    assert set(answer.fields) == {"spec.payload.period", "spec.payload.colour"}


def test_a_kind_that_callers_may_not_submit_is_refused(running: RunningNode) -> None:
    wanted = spec()
    wanted.kind = "webhooks.deliver"

    answer = submit(running.acme, wanted)

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "JOB_KIND_UNKNOWN")


def test_a_batch_is_submitted_followed_listed_and_cancelled(running: RunningNode) -> None:
    request = pb.SubmitBatchRequest(
        jobs=[spec(), spec()], callback=spec(), idempotency_key=an_idempotency_key()
    )

    answer = call(running.acme, "SubmitBatch", request)
    again = call(running.acme, "SubmitBatch", request)

    assert answer.code == "OK", answer
    assert again.messages == answer.messages
    submitted = pb.SubmitBatchResponse.FromString(answer.messages[0])
    batch = submitted.batch
    assert (batch.total, batch.open, len(submitted.job_ids)) == (2, 2, 2)

    listed = call(running.acme, "ListJobs", pb.ListJobsRequest(batch_id=batch.batch_id))
    jobs = pb.ListJobsResponse.FromString(listed.messages[0]).jobs
    assert [job.job_id for job in jobs] == [*reversed(submitted.job_ids)]
    assert {job.batch_id for job in jobs} == {batch.batch_id}
    callback = pb.GetJobResponse.FromString(
        call(running.acme, "GetJob", pb.GetJobRequest(job_id=batch.callback_job_id)).messages[0]
    ).job
    assert callback.state == pb.JOB_STATE_HELD

    cancelled = call(
        running.acme,
        "CancelBatch",
        pb.CancelBatchRequest(batch_id=batch.batch_id, with_callback=True),
    )
    now = pb.CancelBatchResponse.FromString(cancelled.messages[0]).batch
    assert (now.open, now.cancelled) == (0, 2)
    found = call(running.acme, "GetBatch", pb.GetBatchRequest(batch_id=batch.batch_id))
    assert pb.GetBatchResponse.FromString(found.messages[0]).batch == now
    assert now.HasField("finish_time")


def test_a_chain_is_submitted_with_its_steps_in_order(running: RunningNode) -> None:
    request = pb.SubmitChainRequest(
        jobs=[spec("one"), spec("two"), spec("three")], idempotency_key=an_idempotency_key()
    )

    answer = call(running.acme, "SubmitChain", request)

    jobs = pb.SubmitChainResponse.FromString(answer.messages[0]).jobs
    assert [job.state for job in jobs] == [
        pb.JOB_STATE_QUEUED,
        pb.JOB_STATE_HELD,
        pb.JOB_STATE_HELD,
    ]
    assert [job.next_job_id for job in jobs] == [jobs[1].job_id, jobs[2].job_id, ""]
    explained = call(running.acme, "ExplainJob", pb.ExplainJobRequest(job_id=jobs[1].job_id))
    told = pb.ExplainJobResponse.FromString(explained.messages[0]).explanation
    assert told == f"It waits until job {jobs[0].job_id}, which is queued, has succeeded."


@pytest.mark.parametrize(
    "request_",
    [pb.SubmitBatchRequest(), pb.SubmitChainRequest()],
    ids=["SubmitBatch", "SubmitChain"],
)
def test_what_is_empty_is_refused(running: RunningNode, request_: Any) -> None:
    request_.idempotency_key = an_idempotency_key()
    method = type(request_).__name__.removesuffix("Request")

    answer = call(running.acme, method, request_)

    assert (answer.code, answer.fields) == ("INVALID_ARGUMENT", ("jobs",))


def test_of_twenty_callers_with_one_key_at_once_one_starts_a_job(
    running: RunningNode, urls: DatabaseUrls
) -> None:
    key, start = an_idempotency_key(), threading.Barrier(20)

    def one(_number: int) -> pb.SubmitJobResponse:
        start.wait()
        return job_of(submit(running.acme, spec("crowd"), key))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))

    assert len({answer.job.job_id for answer in answers}) == 1
    assert count(urls, "crowd") == 1


def test_one_key_starts_no_job_of_another_kind_or_payload(
    running: RunningNode, urls: DatabaseUrls
) -> None:
    key = an_idempotency_key()
    first = job_of(submit(running.acme, spec("kept"), key)).job

    for other in (spec("changed"), spec("kept", priority=pb.JOB_PRIORITY_BULK)):
        answer = submit(running.acme, other, key)
        assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED")
    assert job_of(submit(running.acme, spec("kept"), key)).job.job_id == first.job_id
    assert (count(urls, "kept"), count(urls, "changed")) == (1, 0)


@pytest.mark.parametrize("method", ["SubmitJob", "SubmitBatch", "SubmitChain"])
def test_a_job_is_not_started_without_a_key(running: RunningNode, method: str) -> None:
    request: Any = getattr(pb, f"{method}Request")()
    if method == "SubmitJob":
        request.spec.CopyFrom(spec())
    else:
        request.jobs.append(spec())

    answer = call(running.acme, method, request)

    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_MISSING")
