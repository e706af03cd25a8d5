"""Turns messages about submitting jobs into specs, and batches and chains into messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from core.jobs.batch import Batch
from core.jobs.cancel_batch import CancelBatchCommand
from core.jobs.job import Job
from core.jobs.spec import JobSpec, Unique, UniquePolicy
from core.jobs.submit_batch import BatchOrder, SubmittedBatch
from core.jobs.submit_one import Submitted
from howdah.jobs.v1 import jobs_pb2 as pb
from server.codec import common
from server.codec.jobs import job_message
from server.codec.payload import payload

PRIORITIES = {
    pb.JOB_PRIORITY_UNSPECIFIED: "",
    pb.JOB_PRIORITY_INTERACTIVE: "interactive",
    pb.JOB_PRIORITY_DEFAULT: "default",
    pb.JOB_PRIORITY_BULK: "bulk",
}
POLICIES = {
    pb.UNIQUE_POLICY_RETURN_EXISTING: UniquePolicy.RETURN_EXISTING,
    pb.UNIQUE_POLICY_REPLACE_PAYLOAD: UniquePolicy.REPLACE_PAYLOAD,
    pb.UNIQUE_POLICY_REFUSE: UniquePolicy.REFUSE,
}


def spec(request: pb.SubmitJobRequest) -> JobSpec:
    """Returns the one spec of a request."""
    return _spec(request.spec, "spec")


def batch_order(request: pb.SubmitBatchRequest) -> BatchOrder:
    """Returns the jobs of a batch, and the one that follows them."""
    callback = _spec(request.callback, "callback") if request.HasField("callback") else None
    return BatchOrder(_specs(request.jobs), callback)


def chain_order(request: pb.SubmitChainRequest) -> Sequence[JobSpec]:
    """Returns the steps of a chain."""
    return _specs(request.jobs)


def batch_id(request: pb.GetBatchRequest) -> str:
    """Returns the one thing that the request names."""
    return request.batch_id


def cancel_command(request: pb.CancelBatchRequest) -> CancelBatchCommand:
    """Returns the batch, and whether its callback goes too."""
    return CancelBatchCommand(request.batch_id, request.with_callback)


def job_response(submitted: Submitted) -> pb.SubmitJobResponse:
    """Answers SubmitJob."""
    return pb.SubmitJobResponse(job=job_message(submitted.job), existed=submitted.existed)


def batch_response(submitted: SubmittedBatch) -> pb.SubmitBatchResponse:
    """Answers SubmitBatch."""
    return pb.SubmitBatchResponse(batch=_batch(submitted.batch), job_ids=submitted.job_ids)


def chain_response(jobs: Sequence[Job]) -> pb.SubmitChainResponse:
    """Answers SubmitChain."""
    return pb.SubmitChainResponse(jobs=[job_message(job) for job in jobs])


def get_response(batch: Batch) -> pb.GetBatchResponse:
    """Answers GetBatch."""
    return pb.GetBatchResponse(batch=_batch(batch))


def cancel_response(batch: Batch) -> pb.CancelBatchResponse:
    """Answers CancelBatch."""
    return pb.CancelBatchResponse(batch=_batch(batch))


def _specs(messages: Sequence[pb.JobSpec]) -> list[JobSpec]:
    return [_spec(message, f"jobs[{number}]") for number, message in enumerate(messages)]


def _spec(message: pb.JobSpec, path: str) -> JobSpec:
    at = message.run_time if message.HasField("run_time") else None
    after = message.expire_after if message.HasField("expire_after") else None
    return JobSpec(
        kind=message.kind,
        payload=payload(message.payload, f"{path}.payload"),
        delay_seconds=_seconds(message.delay),
        run_at=None if at is None else common.time_of(at, f"{path}.run_time"),
        expire_after_seconds=None if after is None else _seconds(after),
        priority=PRIORITIES[message.priority],
        unique=Unique(message.unique.key, POLICIES[message.unique.policy])
        if message.HasField("unique")
        else None,
    )


def _seconds(duration: Duration) -> float:
    return timedelta(seconds=duration.seconds, microseconds=duration.nanos / 1_000).total_seconds()


def _batch(batch: Batch) -> pb.Batch:
    return pb.Batch(
        batch_id=batch.batch_id,
        total=batch.total,
        open=batch.open,
        succeeded=batch.succeeded,
        failed=batch.failed,
        dead=batch.dead,
        cancelled=batch.cancelled,
        expired=batch.expired,
        quarantined=batch.quarantined,
        callback_job_id=batch.callback_job_id or "",
        create_time=common.timestamp(batch.created_at),
        finish_time=common.timestamp(batch.finished_at),
    )
