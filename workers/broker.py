"""Joins a worker: the use case that runs jobs, the actor before it, the middleware around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import redis
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
from core.jobs.take import TakeJobs
from core.jobs.worker import AnnounceWorker, new_worker_id
from core.platform.database import Database
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


def build_broker(
    settings: Settings,
    *,
    database: Database,
    system: SystemDatabase,
    client: redis.Redis,
    signals: JobSignals,
    kinds: Mapping[str, JobKind],
    registry: CollectorRegistry,
    close: Callable[[], None],
    leave: Callable[[], None],
) -> Broker:
    """Returns the broker of a worker process; its heartbeat beats already.

    `close` is called when the worker has stopped, `leave` ends a process that cannot stop.
    Dramatiq's retries, time and age limits stay off: the ledger knows better.
    """
    worker_id = new_worker_id()
    queue = JobQueue(client)
    hand_back = HandBackJobs(system)
    heartbeat = Heartbeat(
        system,
        lease_seconds=settings.job_lease_seconds,
        interval_seconds=settings.job_heartbeat_seconds,
    )
    run_here = RunAttempt(
        database, FinishJob(database, system), CountCrash(system), settings.job_lease_seconds
    )
    claim = ClaimJob(system, tuple(kinds), worker_id, settings.job_lease_seconds)
    run = RunJob(
        hand_back=hand_back,
        kinds=kinds,
        claim=claim,
        heartbeat=heartbeat,
        run_here=run_here,
        run_isolated=run_here,
        metrics=JobMetrics(registry),
    )

    broker: Broker = BlockingBroker(
        instead=_from_postgres(TakeJobs(system, kinds)),
        prepare=_claim_ahead(claim, heartbeat, hand_back),
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
            Presence(AnnounceWorker(system, queue), worker_id, kinds, settings.worker_queues),
            Drain(
                heartbeat,
                hand_back,
                claim,
                grace_seconds=settings.worker_drain_seconds,
                leave=leave,
            ),
        ],
    )
    declare_run_job(broker, run, queue=settings.worker_queues[0])
    for name in settings.worker_queues:
        broker.declare_queue(name)
    # What waits for its time waits in Postgres; a consumer for it here would poll for nothing.
    broker.delay_queues.clear()
    heartbeat.start(signals)
    return broker


def _from_postgres(take: TakeJobs) -> Fetch:
    """Returns how a consumer that has lost Redis comes by its messages."""
    return lambda queue, most: [
        job_message(queue, tenant_id=ticket.tenant_id, job_id=ticket.job_id, epoch=ticket.epoch)
        for ticket in take(queue, most)
    ]


def _claim_ahead(claim: ClaimJob, heartbeat: Heartbeat, hand_back: HandBackJobs) -> Prepare:
    """Returns how a consumer has the messages that it fetched at once claimed at once."""

    def prepare(found: Messages) -> None:
        claim.ahead([Ticket(**message.kwargs) for message in found])
        if heartbeat.draining:
            # The drain may have given up what was claimed before these were.
            hand_back.running(claim.give_up())

    return prepare
