"""Joins the use cases of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.config import Settings
from core.jobs.cancel import CancelJob
from core.jobs.cancel_batch import CancelBatch
from core.jobs.dispatch import DispatchJobs
from core.jobs.explain import ExplainJob
from core.jobs.get_batch import GetBatch
from core.jobs.get_job import GetJob
from core.jobs.kind import JobKind
from core.jobs.list_jobs import ListJobs
from core.jobs.node_stats import GetNodeQueueStats
from core.jobs.pause import PauseTenant, ResumeTenant
from core.jobs.publish_kinds import PublishKinds
from core.jobs.queue_stats import GetQueueStats
from core.jobs.replay import ReplayDeadJobs
from core.jobs.rescue import RescueJobs
from core.jobs.retry import RetryJob
from core.jobs.spec import CheckSpecs
from core.jobs.stranded import WatchForStranded
from core.jobs.submit import SubmitJob
from core.jobs.submit_batch import SubmitBatch
from core.jobs.submit_chain import SubmitChain
from core.jobs.submit_one import SubmitOne
from core.jobs.sweep import SweepJobs
from core.jobs.tenant_share import SetTenantShare
from core.jobs.wait import WaitJob
from core.jobs.watch import WatchJob
from core.platform.database import Database
from core.platform.queue import JobQueue
from core.platform.signals import JobSignals
from core.platform.system_database import SystemDatabase


@dataclass(frozen=True, slots=True)
class Jobs:
    """Holds what callers, submitters and the dispatcher may do with jobs."""

    get: GetJob
    list: ListJobs
    watch: WatchJob
    wait: WaitJob
    cancel: CancelJob
    retry: RetryJob
    replay: ReplayDeadJobs
    explain: ExplainJob
    stats: GetQueueStats
    node_stats: GetNodeQueueStats
    share: SetTenantShare
    pause: PauseTenant
    resume: ResumeTenant
    submit: SubmitJob
    submit_one: SubmitOne
    submit_batch: SubmitBatch
    submit_chain: SubmitChain
    get_batch: GetBatch
    cancel_batch: CancelBatch
    publish_kinds: PublishKinds
    dispatch: DispatchJobs
    rescue: RescueJobs
    sweep: SweepJobs
    watch_for_stranded: WatchForStranded
    signals: JobSignals


def jobs_use_cases(  # noqa: PLR0917 - as many as there are things to join
    settings: Settings,
    database: Database,
    system: SystemDatabase,
    queue: JobQueue,
    signals: JobSignals,
    kinds: Mapping[str, JobKind],
) -> Jobs:
    """Returns the use cases, each with what it needs; `kinds` may still be filled afterwards."""
    get = GetJob(database)
    dispatch = DispatchJobs(system, queue, kinds, batch=settings.job_dispatch_batch)
    most_waiting = settings.max_waiting_jobs_per_tenant
    submit = SubmitJob(kinds, dispatch, most_waiting)
    check = CheckSpecs(kinds, settings.max_job_payload_bytes)
    return Jobs(
        get=get,
        list=ListJobs(database),
        watch=WatchJob(get, signals),
        wait=WaitJob(get, signals),
        cancel=CancelJob(database),
        retry=RetryJob(database),
        replay=ReplayDeadJobs(database),
        explain=ExplainJob(get, system, kinds),
        stats=GetQueueStats(system),
        node_stats=GetNodeQueueStats(system),
        share=SetTenantShare(system),
        pause=PauseTenant(system),
        resume=ResumeTenant(system),
        submit=submit,
        submit_one=SubmitOne(database, check, submit),
        submit_batch=SubmitBatch(database, check, settings.max_jobs_per_batch, most_waiting),
        submit_chain=SubmitChain(database, check, settings.max_jobs_per_chain, most_waiting),
        get_batch=GetBatch(database),
        cancel_batch=CancelBatch(database),
        publish_kinds=PublishKinds(
            system,
            kinds,
            max_waiting_jobs_per_tenant=most_waiting,
            max_payload_bytes=settings.max_job_payload_bytes,
        ),
        dispatch=dispatch,
        rescue=RescueJobs(system, unclaimed_seconds=settings.job_unclaimed_seconds),
        sweep=SweepJobs(
            system,
            job_retention_days=settings.job_retention_days,
            succeeded_job_retention_days=settings.succeeded_job_retention_days,
            idempotency_retention_hours=settings.idempotency_retention_hours,
        ),
        watch_for_stranded=WatchForStranded(system),
        signals=signals,
    )
