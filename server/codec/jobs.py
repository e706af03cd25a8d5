"""Turns job messages into queries and jobs into messages."""

from __future__ import annotations

from core.failures import FieldViolation, RefusedError, fields_invalid
from core.jobs.explain import Explanation
from core.jobs.job import Job, JobState
from core.jobs.list_jobs import JobsQuery
from core.jobs.queue_stats import TenantQueues
from core.jobs.replay import MOST_JOBS, ReplayCommand, Replayed
from core.jobs.wait import LONGEST_WAIT_SECONDS, WaitQuery
from core.jobs.watch import WatchQuery
from core.page import Page, PageRequest
from howdah.jobs.v1 import jobs_pb2
from server.codec import common, operating


def job_message(job: Job) -> jobs_pb2.Job:
    """Returns the message of a job."""
    message = jobs_pb2.Job(
        job_id=job.job_id,
        kind=job.kind,
        state=jobs_pb2.JobState.Value(f"JOB_STATE_{job.state.name}"),
        progress=jobs_pb2.JobProgress(
            phase=job.progress.phase,
            done=job.progress.done,
            total=job.progress.total,
            message=job.progress.message,
        ),
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        crash_count=job.crash_count,
        file_id=job.file_id or "",
        correlation_id=job.correlation_id,
        create_time=common.timestamp(job.created_at),
        start_time=common.timestamp(job.started_at),
        finish_time=common.timestamp(job.finished_at),
        cancel_requested=job.cancel_requested_at is not None,
        sequence=job.sequence,
        batch_id=job.batch_id or "",
        next_job_id=job.next_job_id or "",
        unique_key=job.unique_key or "",
        priority=jobs_pb2.JobPriority.Value(f"JOB_PRIORITY_{job.priority.upper()}"),
    )
    if job.state is JobState.QUEUED:
        message.run_time.FromDatetime(job.run_at)
    if job.result is not None:
        message.result.update(dict(job.result))
    if job.error is not None:
        message.error.CopyFrom(common.error(job.error))
    return message


def job_id(
    request: jobs_pb2.GetJobRequest
    | jobs_pb2.CancelJobRequest
    | jobs_pb2.RetryJobRequest
    | jobs_pb2.ExplainJobRequest,
) -> str:
    """Returns the one thing that a request about one job names."""
    return request.job_id


def jobs_query(request: jobs_pb2.ListJobsRequest) -> JobsQuery:
    """Returns the filters and the page asked for."""
    state = _state(request.state)
    page = PageRequest(request.page_size, request.page_token)
    return JobsQuery(state, request.kind, request.batch_id, page)


def watch_query(request: jobs_pb2.WatchJobRequest) -> WatchQuery:
    """Returns the job to follow and the last change seen."""
    return WatchQuery(request.job_id, request.after_sequence)


def wait_query(request: jobs_pb2.WaitJobRequest) -> WaitQuery:
    """Returns the job to wait for and for how long."""
    if not request.HasField("timeout"):
        return WaitQuery(request.job_id, LONGEST_WAIT_SECONDS)
    return WaitQuery(request.job_id, request.timeout.ToNanoseconds() / 1_000_000_000)


def get_response(job: Job) -> jobs_pb2.GetJobResponse:
    """Answers GetJob."""
    return jobs_pb2.GetJobResponse(job=job_message(job))


def list_response(page: Page[Job]) -> jobs_pb2.ListJobsResponse:
    """Answers ListJobs."""
    return jobs_pb2.ListJobsResponse(
        jobs=[job_message(job) for job in page.items], next_page_token=page.next_token
    )


def watch_response(job: Job) -> jobs_pb2.WatchJobResponse:
    """Answers WatchJob with one change."""
    return jobs_pb2.WatchJobResponse(job=job_message(job))


def wait_response(job: Job) -> jobs_pb2.WaitJobResponse:
    """Answers WaitJob."""
    return jobs_pb2.WaitJobResponse(job=job_message(job))


def cancel_response(job: Job) -> jobs_pb2.CancelJobResponse:
    """Answers CancelJob."""
    return jobs_pb2.CancelJobResponse(job=job_message(job))


def retry_response(job: Job) -> jobs_pb2.RetryJobResponse:
    """Answers RetryJob."""
    return jobs_pb2.RetryJobResponse(job=job_message(job))


def replay_command(request: jobs_pb2.ReplayDeadJobsRequest) -> ReplayCommand:
    """Returns the filter; raises RefusedError for a state that is not replayed."""
    state = _state(request.state)
    if state not in {None, JobState.DEAD, JobState.QUARANTINED}:
        raise RefusedError(
            fields_invalid([FieldViolation("state", "must be DEAD or QUARANTINED, or not given")])
        )
    return ReplayCommand(
        state, request.kind, request.reason, request.max_jobs or MOST_JOBS, request.dry_run
    )


def nothing(_request: jobs_pb2.GetQueueStatsRequest) -> None:
    """Returns nothing: the caller's tenant is all that is asked about."""


def replay_response(replayed: Replayed) -> jobs_pb2.ReplayDeadJobsResponse:
    """Answers ReplayDeadJobs."""
    return jobs_pb2.ReplayDeadJobsResponse(
        job_ids=[job.job_id for job in replayed.jobs], more=replayed.more
    )


def explain_response(explanation: Explanation) -> jobs_pb2.ExplainJobResponse:
    """Answers ExplainJob."""
    return jobs_pb2.ExplainJobResponse(
        job=job_message(explanation.job), explanation=explanation.sentence
    )


def stats_response(stats: TenantQueues) -> jobs_pb2.GetQueueStatsResponse:
    """Answers GetQueueStats."""
    return jobs_pb2.GetQueueStatsResponse(
        queues=[operating.queue_message(queue) for queue in stats.queues], paused=stats.paused
    )


def _state(state: jobs_pb2.JobState.ValueType) -> JobState | None:
    if state == jobs_pb2.JOB_STATE_UNSPECIFIED:
        return None
    return JobState[jobs_pb2.JobState.Name(state).removeprefix("JOB_STATE_")]
