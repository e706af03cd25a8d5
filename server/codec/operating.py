"""Turns messages about the queues of the node into commands, and counts into messages."""

from __future__ import annotations

from core.jobs.node_stats import DEFAULT_TENANTS, LiveWorker, NodeQuery, NodeQueues, TenantLoad
from core.jobs.queue_stats import QueueStats
from core.jobs.stranded import StrandedKind
from core.jobs.tenant_share import NewShare, TenantShare
from howdah.jobs.v1 import jobs_pb2 as pb
from server.codec.common import timestamp


def node_query(request: pb.GetNodeQueueStatsRequest) -> NodeQuery:
    """Returns how many tenants are to be told one by one."""
    return NodeQuery(request.max_tenants or DEFAULT_TENANTS)


def new_share(request: pb.SetTenantShareRequest) -> NewShare:
    """Returns what is to change."""
    most = request.max_running_jobs if request.HasField("max_running_jobs") else None
    return NewShare(request.tenant_id, request.weight or None, most)


def tenant_id(request: pb.PauseTenantJobsRequest | pb.ResumeTenantJobsRequest) -> str:
    """Returns the id that is all there is to the request."""
    return request.tenant_id


def node_stats_response(found: NodeQueues) -> pb.GetNodeQueueStatsResponse:
    """Answers GetNodeQueueStats."""
    return pb.GetNodeQueueStatsResponse(
        queues=[queue_message(queue) for queue in found.queues],
        tenants=[_load(tenant) for tenant in found.tenants],
        others=_load(found.others),
        other_tenants=found.other_tenants,
        workers=[_worker(worker) for worker in found.workers],
        kinds_without_worker=[_stranded(kind) for kind in found.stranded],
    )


def share_response(share: TenantShare) -> pb.SetTenantShareResponse:
    """Answers SetTenantShare."""
    return pb.SetTenantShareResponse(share=_share(share))


def pause_response(share: TenantShare) -> pb.PauseTenantJobsResponse:
    """Answers PauseTenantJobs."""
    return pb.PauseTenantJobsResponse(share=_share(share))


def resume_response(share: TenantShare) -> pb.ResumeTenantJobsResponse:
    """Answers ResumeTenantJobs."""
    return pb.ResumeTenantJobsResponse(share=_share(share))


def queue_message(stats: QueueStats) -> pb.QueueStats:
    """Returns the message of one queue."""
    message = pb.QueueStats(
        queue=stats.queue,
        waiting=stats.waiting,
        delayed=stats.delayed,
        held=stats.held,
        dispatched=stats.dispatched,
        running=stats.running,
        ended_last_minute=sum(stats.ended.values()),
        workers=stats.workers,
        places=stats.places,
        kinds=stats.kinds,
        ended=[
            pb.EndedJobs(state=pb.JobState.Value(f"JOB_STATE_{state.name}"), jobs=jobs)
            for state, jobs in sorted(stats.ended.items())
        ],
    )
    message.oldest_wait.FromMilliseconds(int(stats.oldest_wait_seconds * 1000))
    return message


def _load(load: TenantLoad) -> pb.TenantLoad:
    message = pb.TenantLoad(
        tenant_id="" if load.share is None else load.share.tenant_id,
        waiting=load.waiting,
        delayed=load.delayed,
        held=load.held,
        dispatched=load.dispatched,
        running=load.running,
        ended_last_minute=load.ended_last_minute,
        share=None if load.share is None else _share(load.share),
    )
    message.oldest_wait.FromMilliseconds(int(load.oldest_wait_seconds * 1000))
    return message


def _share(share: TenantShare) -> pb.TenantShare:
    return pb.TenantShare(
        tenant_id=share.tenant_id,
        weight=share.weight,
        max_running_jobs=share.max_running_jobs,
        paused=share.paused,
    )


def _worker(worker: LiveWorker) -> pb.Worker:
    return pb.Worker(
        worker_id=worker.worker_id,
        host=worker.host,
        process_id=worker.process_id,
        start_time=timestamp(worker.started_at),
        seen_time=timestamp(worker.seen_at),
        queues=worker.queues,
        kinds=worker.kinds,
        versions=worker.versions,
        places=worker.places,
        busy=worker.busy,
    )


def _stranded(kind: StrandedKind) -> pb.KindWithoutWorker:
    message = pb.KindWithoutWorker(kind=kind.kind, waiting=kind.jobs)
    message.oldest_wait.FromMilliseconds(int(kind.oldest_seconds * 1000))
    return message
