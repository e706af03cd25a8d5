"""Joins a worker: the use case that runs jobs, the actor before it, the middleware around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import redis
import structlog
from dramatiq import Broker
from prometheus_client import CollectorRegistry

from core.config import Settings
from core.jobs.claim import ClaimJob
from core.jobs.crash import CountCrash
from core.jobs.finish import FinishJob
from core.jobs.hand_back import HandBackJobs
from core.jobs.heartbeat import Heartbeat
from core.jobs.kind import JobKind
from core.jobs.ledger import Ticket
from core.jobs.metrics import JobMetrics
from core.jobs.run import RunJob
from core.jobs.run_attempt import RunAttempt
from core.jobs.run_isolated import RunIsolated
from core.jobs.take import TakeJobs
from core.jobs.worker import AnnounceWorker, new_worker_id
from core.platform.database import Database
from core.platform.processes import ChildMain, ChildProcesses
from core.platform.pulse import Pulse
from core.platform.queue import NAMESPACE, JobQueue, job_message
from core.platform.signals import JobSignals
from core.platform.system_database import SystemDatabase
from workers.actors import declare_run_job
from workers.consumer import BlockingBroker, Fetch, Messages, Prepare
from workers.middleware.close import Close
from workers.middleware.drain import Drain
from workers.middleware.log_context import LogContext
from workers.middleware.pace import Pace
from workers.middleware.presence import Presence
from workers.middleware.watch import Watch

# What was claimed ahead and has not begun for so long waits behind a slow job.
LATE_SECONDS = 0.25


def build_broker(
    settings: Settings,
    *,
    database: Database,
    system: SystemDatabase,
    client: redis.Redis,
    signals: JobSignals,
    kinds: Mapping[str, JobKind],
    isolated: ChildMain,
    registry: CollectorRegistry,
    close: Callable[[], None],
    leave: Callable[[], None],
) -> Broker:
    """Returns the broker of a worker process; its heartbeat beats already.

    `isolated` is what the process of an isolated attempt runs. `close` is called when the worker
    has stopped, `leave` ends a process that cannot stop.
    Dramatiq's retries, time and age limits stay off: the ledger knows better.
    """
    worker_id = new_worker_id()
    pulse, processes = Pulse(), ChildProcesses(isolated)
    heartbeat = Heartbeat(
        system,
        lease_seconds=settings.job_lease_seconds,
        interval_seconds=settings.job_heartbeat_seconds,
        pulse=pulse,
    )

    claim = ClaimJob(system, kinds, worker_id, settings.job_lease_seconds)
    announce, hand_back = AnnounceWorker(system, JobQueue(client)), HandBackJobs(system)
    leave_at_once = _leaving(processes, leave)
    drain = Drain(heartbeat, hand_back, claim, settings.worker_drain_seconds, leave=leave_at_once)
    watch = Watch(settings, heartbeat, CountCrash(system), pulse, registry, leave=leave_at_once)
    broker = BlockingBroker(
        pulse=pulse,
        instead=_from_postgres(TakeJobs(system, kinds)),
        prepare=_claim_ahead(claim, heartbeat, hand_back),
        crowded=_release_late(claim, hand_back),
        client=client,
        namespace=NAMESPACE,
        # What happens before something is done in this order, what happens after in reverse.
        middleware=[
            # Told last that the worker has stopped, when nobody needs the node any more.
            Close(heartbeat.close, close),
            # Before the actor, which insists on it.
            LogContext(),
            # Before the first consumer, which takes its pace from the worker.
            Pace(poll_milliseconds=settings.worker_poll_milliseconds),
            # Nothing more is dispatched to this worker before it gives back what it has.
            Presence(announce, worker_id, kinds, settings.worker_queues),
            drain,
            watch,
        ],
    )
    run = _run_job(settings, database, system, kinds, heartbeat, processes, claim, registry)
    _declare(broker, run, settings.worker_queues)
    heartbeat.start(signals)
    return broker


def _run_job(  # noqa: PLR0917 - as many as there are things to join
    settings: Settings,
    database: Database,
    system: SystemDatabase,
    kinds: Mapping[str, JobKind],
    heartbeat: Heartbeat,
    processes: ChildProcesses,
    claim: ClaimJob,
    registry: CollectorRegistry,
) -> RunJob:
    lease_seconds, grace_seconds = settings.job_lease_seconds, settings.job_stop_grace_seconds
    crash = CountCrash(system)
    return RunJob(
        hand_back=HandBackJobs(system),
        kinds=kinds,
        claim=claim,
        heartbeat=heartbeat,
        run_here=RunAttempt(database, FinishJob(database, system), crash, lease_seconds),
        run_isolated=RunIsolated(processes, crash, lease_seconds, grace_seconds),
        metrics=JobMetrics(registry),
    )


def _claim_ahead(claim: ClaimJob, heartbeat: Heartbeat, hand_back: HandBackJobs) -> Prepare:
    """Returns how a consumer has the messages that it fetched at once claimed at once."""

    def prepare(found: Messages) -> None:
        claim.ahead([Ticket(**message.kwargs) for message in found])
        if heartbeat.draining:
            # The drain may have given up what was claimed before these were.
            hand_back.running(claim.give_up())

    return prepare


def _release_late(claim: ClaimJob, hand_back: HandBackJobs) -> Callable[[], None]:
    """Returns how a worker releases what it claimed behind quick jobs that were not quick."""

    def release() -> None:
        if late := claim.give_up(after_seconds=LATE_SECONDS):
            released = hand_back.running(late)
            structlog.get_logger().info("jobs_released_late", jobs=released)

    return release


def _leaving(processes: ChildProcesses, leave: Callable[[], None]) -> Callable[[], None]:
    def leave_at_once() -> None:
        # The supervisor would end them as well, but not everybody has one.
        processes.kill_all()
        leave()

    return leave_at_once


def _declare(broker: BlockingBroker, run: RunJob, queues: Sequence[str]) -> None:
    declare_run_job(broker, run, queue=queues[0], note=broker.note)
    for name in queues:
        broker.declare_queue(name)
    # What waits for its time waits in Postgres; a consumer for it here would poll for nothing.
    broker.delay_queues.clear()


def _from_postgres(take: TakeJobs) -> Fetch:
    """Returns how a consumer that has lost Redis comes by its messages."""
    return lambda queue, most: [
        job_message(queue, tenant_id=ticket.tenant_id, job_id=ticket.job_id, epoch=ticket.epoch)
        for ticket in take(queue, most)
    ]
