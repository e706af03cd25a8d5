from __future__ import annotations

import threading

import pytest
from google.protobuf.json_format import MessageToDict

from core.context import Context
from core.jobs.job import Job
from howdah.jobs.v1 import jobs_pb2
from tests.conftest import context_of
from tests.rpc.conftest import Caller, RunningNode, an_idempotency_key

SERVICE = "/howdah.jobs.v1.JobsService"
END = {
    "result": '{"rows_in": 69659, "note": {"first": "row"}}',
    "error": '{"code": "INTERNAL", "reason": "JOB_BROKEN", "message": "It broke.",'
    ' "retryable": true, "retry_after_ms": 0, "fields": [{"field": "a", "description": "b"}],'
    ' "metadata": {"k": "v"}, "correlation_id": "c"}',
}


@pytest.fixture
def acme() -> Context:
    return context_of("acme")


def submitted(running: RunningNode, context: Context) -> Job:
    # Not for now, so that it stays where a test puts it.
    with running.node.database.begin(context) as unit:
        job = running.node.jobs.submit(
            unit, kind="records.import", payload={}, delay_seconds=3_600.0
        )
        unit.commit(job)
        return job


def move(running: RunningNode, job: Job, change: str, **values: object) -> None:
    with running.node.system.begin() as transaction:
        transaction.execute(
            f"UPDATE jobs SET {change}, sequence = sequence + 1 WHERE job_id = :id",
            {"id": job.job_id, **values},
        )
        transaction.execute(
            "SELECT pg_notify('howdah_job_changed', :key)", {"key": f"acme/{job.job_id}"}
        )


def get(caller: Caller, job: Job) -> jobs_pb2.Job:
    answer = caller.call(f"{SERVICE}/GetJob", jobs_pb2.GetJobRequest(job_id=job.job_id))
    assert answer.code == "OK", answer
    return jobs_pb2.GetJobResponse.FromString(answer.messages[0]).job


def test_a_job_is_told_with_everything_the_contract_promises(
    running: RunningNode, acme: Context
) -> None:
    job = submitted(running, acme)
    move(
        running,
        job,
        "state = 'dead', attempt = 2, crash_count = 1, started_at = now(), finished_at = now(),"
        " result = CAST(:result AS jsonb), error = CAST(:error AS jsonb),"
        """ progress = '{"phase": "rows", "done": 3, "total": 9, "message": "m"}'""",
        **END,
    )
    told = get(running.acme, job)
    assert (told.job_id, told.kind) == (job.job_id, "records.import")
    assert told.state == jobs_pb2.JOB_STATE_DEAD
    assert (told.attempt, told.crash_count, told.sequence) == (2, 1, 2)
    assert (told.progress.phase, told.progress.done, told.progress.total) == ("rows", 3, 9)
    assert MessageToDict(told.result) == {"rows_in": 69659, "note": {"first": "row"}}
    assert (told.error.reason, told.error.fields[0].field) == ("JOB_BROKEN", "a")
    assert told.correlation_id == acme.correlation_id
    assert told.HasField("start_time")
    assert told.HasField("finish_time")
    assert not told.HasField("run_time")


def test_a_waiting_job_says_when_it_may_run(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    told = get(running.acme, job)
    assert told.state == jobs_pb2.JOB_STATE_QUEUED
    assert told.run_time.ToSeconds() - told.create_time.ToSeconds() >= 3_599
    assert not told.HasField("finish_time")


def test_a_list_is_filtered_by_state(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    move(running, job, "state = 'quarantined', finished_at = now()")
    answer = running.acme.call(
        f"{SERVICE}/ListJobs", jobs_pb2.ListJobsRequest(state=jobs_pb2.JOB_STATE_QUARANTINED)
    )
    listed = jobs_pb2.ListJobsResponse.FromString(answer.messages[0])
    assert [found.job_id for found in listed.jobs] == [job.job_id]


def test_a_watch_streams_the_changes_and_ends_with_the_job(
    running: RunningNode, acme: Context
) -> None:
    job = submitted(running, acme)
    steps = (
        "state = 'running', epoch = 1, started_at = now()",
        "state = 'succeeded', finished_at = now()",
    )
    for number, step in enumerate(steps, start=1):
        threading.Timer(0.4 * number, move, [running, job, step]).start()
    answer = running.acme.call(f"{SERVICE}/WatchJob", jobs_pb2.WatchJobRequest(job_id=job.job_id))
    changes = [jobs_pb2.WatchJobResponse.FromString(message).job for message in answer.messages]
    assert [change.state for change in changes] == [
        jobs_pb2.JOB_STATE_QUEUED,
        jobs_pb2.JOB_STATE_RUNNING,
        jobs_pb2.JOB_STATE_SUCCEEDED,
    ]
    assert [change.sequence for change in changes] == [1, 2, 3]


def test_watching_an_unknown_job_is_refused_before_the_first_change(running: RunningNode) -> None:
    answer = running.acme.call(
        f"{SERVICE}/WatchJob",
        jobs_pb2.WatchJobRequest(job_id="018f0000-0000-7000-8000-000000000000"),
    )
    assert (answer.code, answer.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")


def test_a_wait_without_time_answers_at_once(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    request = jobs_pb2.WaitJobRequest(job_id=job.job_id)
    request.timeout.FromMilliseconds(0)
    answer = running.acme.call(f"{SERVICE}/WaitJob", request)
    told = jobs_pb2.WaitJobResponse.FromString(answer.messages[0]).job
    assert told.state == jobs_pb2.JOB_STATE_QUEUED


def test_a_job_is_cancelled_and_tried_again(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    key = an_idempotency_key()
    cancel = jobs_pb2.CancelJobRequest(job_id=job.job_id, idempotency_key=key)
    for _ in range(2):
        answer = running.acme.call(f"{SERVICE}/CancelJob", cancel)
        told = jobs_pb2.CancelJobResponse.FromString(answer.messages[0]).job
        assert (told.state, told.cancel_requested) == (jobs_pb2.JOB_STATE_CANCELLED, True)
    answer = running.acme.call(f"{SERVICE}/RetryJob", jobs_pb2.RetryJobRequest(job_id=job.job_id))
    told = jobs_pb2.RetryJobResponse.FromString(answer.messages[0]).job
    assert (told.state, told.cancel_requested) == (jobs_pb2.JOB_STATE_QUEUED, False)
    answer = running.acme.call(f"{SERVICE}/RetryJob", jobs_pb2.RetryJobRequest(job_id=job.job_id))
    assert (answer.code, answer.reason) == ("FAILED_PRECONDITION", "JOB_NOT_RETRYABLE")


def test_a_key_that_only_reads_steers_no_job(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    answer = running.viewer.call(
        f"{SERVICE}/CancelJob", jobs_pb2.CancelJobRequest(job_id=job.job_id)
    )
    assert (answer.code, answer.reason) == ("PERMISSION_DENIED", "PERMISSION_MISSING")
    assert get(running.viewer, job).state == jobs_pb2.JOB_STATE_QUEUED


def test_dead_jobs_are_replayed_after_a_dry_run(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    move(running, job, "state = 'dead', finished_at = now(), kind = 'only.here'")
    for dry_run, state in ((True, jobs_pb2.JOB_STATE_DEAD), (False, jobs_pb2.JOB_STATE_QUEUED)):
        request = jobs_pb2.ReplayDeadJobsRequest(kind="only.here", dry_run=dry_run)
        answer = running.acme.call(f"{SERVICE}/ReplayDeadJobs", request)
        told = jobs_pb2.ReplayDeadJobsResponse.FromString(answer.messages[0])
        assert (list(told.job_ids), told.more) == ([job.job_id], False)
        assert get(running.acme, job).state == state
    request = jobs_pb2.ReplayDeadJobsRequest(state=jobs_pb2.JOB_STATE_RUNNING)
    answer = running.acme.call(f"{SERVICE}/ReplayDeadJobs", request)
    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "FIELDS_INVALID")


def test_a_job_is_explained_and_its_queue_counted(running: RunningNode, acme: Context) -> None:
    job = submitted(running, acme)
    answer = running.viewer.call(
        f"{SERVICE}/ExplainJob", jobs_pb2.ExplainJobRequest(job_id=job.job_id)
    )
    explained = jobs_pb2.ExplainJobResponse.FromString(answer.messages[0])
    assert explained.job.job_id == job.job_id
    assert explained.explanation.startswith("Not before ")
    answer = running.viewer.call(f"{SERVICE}/GetQueueStats", jobs_pb2.GetQueueStatsRequest())
    stats = jobs_pb2.GetQueueStatsResponse.FromString(answer.messages[0])
    assert any(queue.delayed for queue in stats.queues)
    assert not stats.paused
