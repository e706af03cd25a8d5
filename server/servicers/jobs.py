"""Answers `howdah.jobs.v1.JobsService`."""

from __future__ import annotations

from core.jobs.use_cases import Jobs
from howdah.jobs.v1 import jobs_pb2
from server.codec import jobs as codec
from server.codec import operating, submitting
from server.service import Service, Stream, Unary


def jobs_service(jobs: Jobs) -> Service:
    """Returns the service's methods, each joined to its use case."""
    return Service(
        jobs_pb2.DESCRIPTOR.services_by_name["JobsService"],
        {
            "SubmitJob": Unary(submitting.spec, jobs.submit_one, submitting.job_response),
            "SubmitBatch": Unary(
                submitting.batch_order, jobs.submit_batch, submitting.batch_response
            ),
            "SubmitChain": Unary(
                submitting.chain_order, jobs.submit_chain, submitting.chain_response
            ),
            "GetBatch": Unary(submitting.batch_id, jobs.get_batch, submitting.get_response),
            "CancelBatch": Unary(
                submitting.cancel_command, jobs.cancel_batch, submitting.cancel_response
            ),
            "GetJob": Unary(codec.job_id, jobs.get, codec.get_response),
            "ListJobs": Unary(codec.jobs_query, jobs.list, codec.list_response),
            "WatchJob": Stream(codec.watch_query, jobs.watch, codec.watch_response),
            "WaitJob": Unary(codec.wait_query, jobs.wait, codec.wait_response),
            "CancelJob": Unary(codec.job_id, jobs.cancel, codec.cancel_response),
            "RetryJob": Unary(codec.job_id, jobs.retry, codec.retry_response),
            "ReplayDeadJobs": Unary(codec.replay_command, jobs.replay, codec.replay_response),
            "ExplainJob": Unary(codec.job_id, jobs.explain, codec.explain_response),
            "GetQueueStats": Unary(codec.nothing, jobs.stats, codec.stats_response),
            "GetNodeQueueStats": Unary(
                operating.node_query, jobs.node_stats, operating.node_stats_response
            ),
            "SetTenantShare": Unary(operating.new_share, jobs.share, operating.share_response),
            "PauseTenantJobs": Unary(operating.tenant_id, jobs.pause, operating.pause_response),
            "ResumeTenantJobs": Unary(operating.tenant_id, jobs.resume, operating.resume_response),
        },
    )
