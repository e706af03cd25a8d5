"""Builds the jobs part of a node on a test's own database, with kinds of the test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redis
from prometheus_client import CollectorRegistry

from core.config import Settings
from core.context import Context
from core.failures import RefusedError
from core.jobs.claim import ClaimJob
from core.jobs.crash import CountCrash
from core.jobs.finish import FinishJob
from core.jobs.hand_back import HandBackJobs
from core.jobs.heartbeat import Heartbeat
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, Handler, JobKind, JobRun
from core.jobs.ledger import Ticket, versions_of
from core.jobs.metrics import JobMetrics
from core.jobs.run import RunJob
from core.jobs.run_attempt import RunAttempt
from core.jobs.store import json_text
from core.jobs.use_cases import Jobs, jobs_use_cases
from core.platform.database import Database
from core.platform.queue import JobQueue
from core.platform.signals import JobSignals
from core.platform.system_database import SystemDatabase
from core.result import Ok

T = TypeVar("T")

PATIENCE_SECONDS = 60.0


@dataclass
class Lab:
    """Holds the use cases, and what they stand on."""

    settings: Settings
    database: Database
    system: SystemDatabase
    client: redis.Redis
    queue: JobQueue
    signals: JobSignals
    jobs: Jobs
    kinds: dict[str, JobKind]
    heartbeats: list[Heartbeat] = field(default_factory=list)

    def kind(self, name: str, handler: Handler, **limits: Any) -> None:
        """Makes a kind known."""
        self.kinds[name] = JobKind(name, handler, **limits)

    def worker_row(
        self,
        worker_id: str = "lab",
        *,
        slots: int = 4,
        queues: tuple[str, ...] = ("default", "bulk"),
        versions: Mapping[str, int] | None = None,
    ) -> None:
        """Has the dispatcher believe in a worker that knows these versions, or all kinds."""
        known = versions_of(self.kinds) if versions is None else versions
        with self.system.begin() as transaction:
            transaction.execute(
                "INSERT INTO workers (worker_id, kinds, versions, queues, slots)"
                " VALUES (:worker_id, :kinds, CAST(:versions AS jsonb), :queues, :slots)",
                {
                    "worker_id": worker_id,
                    "kinds": list(known),
                    "versions": json_text(known),
                    "queues": list(queues),
                    "slots": slots,
                },
            )

    def submit(
        self,
        context: Context,
        kind: str = "echo",
        payload: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Job:
        """Submits a job in a transaction of its own."""
        with self.database.begin(context) as unit:
            job = self.jobs.submit(unit, kind=kind, payload=payload or {}, **options)
            unit.commit(job)
            return job

    def runner(
        self, *, lease_seconds: float = 45, beats: bool = False, interval_seconds: float = 10
    ) -> RunJob:
        """Returns a worker's use case; with `beats`, its heartbeat runs."""
        heartbeat = Heartbeat(
            self.system, lease_seconds=lease_seconds, interval_seconds=interval_seconds
        )
        self.heartbeats.append(heartbeat)
        if beats:
            heartbeat.start(self.signals)
        run = RunAttempt(
            self.database,
            FinishJob(self.database, self.system),
            CountCrash(self.system),
            lease_seconds,
        )
        return RunJob(
            hand_back=HandBackJobs(self.system),
            kinds=self.kinds,
            claim=ClaimJob(self.system, self.kinds, f"lab-{len(self.heartbeats)}", lease_seconds),
            heartbeat=heartbeat,
            run_here=run,
            # In this process as well: what its own process does is seen with real workers.
            run_isolated=run,
            metrics=JobMetrics(CollectorRegistry()),
        )

    def get(self, context: Context, job: Job) -> Job:
        """Returns the job as the ledger has it."""
        found = self.jobs.get(context, job.job_id)
        assert isinstance(found, Ok)
        return found.value

    def until(self, context: Context, job: Job, *states: JobState) -> Job:
        """Waits until the job is in one of the states, also while Postgres is away."""

        def look() -> Job | None:
            try:
                now = self.get(context, job)
            except RefusedError:
                return None
            return now if now.state in states else None

        return await_value(look, lambda: f"{job.kind} is {self.get(context, job)}")

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Runs a statement as the system role."""
        with self.system.begin() as transaction:
            result = transaction.execute(statement, parameters)
            return list(result.mappings()) if result.returns_rows else []


@contextmanager
def open_lab(settings: Settings, database: Database, system: SystemDatabase) -> Iterator[Lab]:
    """Yields a lab with one kind, `echo`, which answers with its payload."""
    assert settings.redis_url is not None
    assert settings.system_database_url is not None
    client = redis.Redis.from_url(
        settings.redis_url.get_secret_value(), socket_timeout=1, retry=None
    )
    signals = JobSignals(settings.system_database_url.get_secret_value())
    queue = JobQueue(client)
    kinds: dict[str, JobKind] = {}
    jobs = jobs_use_cases(settings, database, system, queue, signals, kinds)
    lab = Lab(settings, database, system, client, queue, signals, jobs, kinds)
    lab.kind("echo", echo)
    try:
        yield lab
    finally:
        for heartbeat in lab.heartbeats:
            heartbeat.close()
        signals.close()
        client.close()


def echo(run: JobRun) -> Done:
    return Done(dict(run.payload))


def ticket(job: Job) -> Ticket:
    """Returns what a message about the job would carry."""
    return Ticket(job.tenant_id, job.job_id, job.epoch, job.queue)


def await_value(look: Callable[[], T | None], complaint: Callable[[], str] = str) -> T:
    """Looks until there is something, for at most a minute."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < give_up, complaint()
        time.sleep(0.01)
    return found
