"""Has workers of two releases side by side, of which only one knows a kind or its version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.config import Settings
from core.context import Context
from core.jobs.claim import ClaimJob
from core.jobs.job import JobState
from core.jobs.kind import JobKind
from core.jobs.metrics import RescueMetrics
from core.jobs.node_stats import NodeQuery
from core.jobs.rescue import Rescued
from core.jobs.run import RunJob
from core.jobs.store import json_text
from core.jobs.stranded import WatchForStranded
from core.jobs.take import TakeJobs
from core.jobs.worker import AnnounceWorker, Worker
from core.result import Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, echo, open_lab, ticket
from tests.jobs_redis import OwnRedis
from tests.jobs_worker import worker_kinds
from tests.jobs_workers import Workers, dispatching


@pytest.fixture
def own_redis(environment: dict[str, str], tmp_path: Path) -> Iterator[OwnRedis]:
    directory = tmp_path / "redis"
    directory.mkdir()
    own = OwnRedis(directory)
    environment["HOWDAH_REDIS_URL"] = own.url
    yield own
    own.stop()


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(environment, tmp_path / "worker.log")
    yield workers
    workers.close()
    print(workers.log()[-8_000:])


@pytest.fixture
def lab(settings: Settings, databases: Databases, environment: dict[str, str]) -> Iterator[Lab]:
    # Nothing but the worker that cannot run a job may queue it again.
    patient = settings.model_copy(
        update={
            "redis_url": SecretStr(environment["HOWDAH_REDIS_URL"]),
            "job_dispatch_interval_seconds": 0.1,
            "job_unclaimed_seconds": 600.0,
        }
    )
    with open_lab(patient, databases.app, databases.system) as lab:
        lab.kinds.update(worker_kinds())
        yield lab


def knowing(lab: Lab, *kinds: JobKind) -> RunJob:
    """Returns a worker's use case that knows just these kinds."""
    known = {kind.name: kind for kind in kinds}
    return replace(lab.runner(), kinds=known, claim=ClaimJob(lab.system, known, "old", 45))


@pytest.mark.parametrize("known", ["echo", "new"])
def test_a_worker_queues_a_job_again_that_it_is_too_old_for(
    lab: Lab, acme: Context, known: str
) -> None:
    lab.kind("new", echo, version=2)
    lab.worker_row()
    job = lab.submit(acme, "new", {"a": 1})
    lab.until(acme, job, JobState.DISPATCHED, JobState.QUEUED)
    lab.sql("UPDATE jobs SET state = 'dispatched', dispatched_at = now()")
    old = knowing(lab, JobKind(known, echo))
    with capture_logs() as lines:
        old(ticket(job))
    left = lab.get(acme, job)
    assert (left.state, left.attempt, left.crash_count) == (JobState.QUEUED, 0, 0)
    assert [line["event"] for line in lines] == ["job_left_to_another_worker"]
    # A while later, so that it does not go round and round; a second message changes nothing.
    assert left.run_at > job.run_at
    old(ticket(job))
    assert lab.get(acme, job) == left
    lab.sql("UPDATE jobs SET run_at = now()")
    lab.runner()(ticket(job))
    assert lab.get(acme, job).state is JobState.SUCCEEDED


def test_a_worker_runs_what_an_earlier_version_of_its_kind_was_submitted_for(
    lab: Lab, acme: Context
) -> None:
    job = lab.submit(acme)
    knowing(lab, JobKind("echo", echo, version=2))(ticket(job))
    assert lab.get(acme, job).state is JobState.SUCCEEDED


@pytest.mark.parametrize("announced", [{"new": 1}, {}], ids=["announced", "of_an_early_release"])
def test_a_job_of_a_later_version_than_any_worker_runs_waits_and_raises_an_alert(
    lab: Lab, acme: Context, announced: dict[str, int]
) -> None:
    lab.kind("new", echo)
    lab.worker_row("old", versions={"new": 1})
    lab.sql("UPDATE workers SET versions = CAST(:it AS jsonb)", {"it": json_text(announced)})
    early = lab.submit(acme, "new", delay_seconds=3_600)
    lab.kind("new", echo, version=2)
    late = lab.submit(acme, "new")
    # Due for so long that it is not just waiting for a worker that starts.
    lab.sql("UPDATE jobs SET run_at = now() - interval '1 minute'")
    assert lab.jobs.dispatch() == (1, False)
    assert lab.get(acme, early).state is JobState.DISPATCHED
    assert lab.get(acme, late).state is JobState.QUEUED

    explained = lab.jobs.explain(acme, late.job_id)
    assert isinstance(explained, Ok)
    assert explained.value.sentence == (
        "The live workers of the queue 'default' are too old for version 2 of kind 'new'."
    )
    with capture_logs() as lines:
        warned = WatchForStranded(lab.system)()
    told = lab.jobs.node_stats(acme, NodeQuery())
    assert isinstance(told, Ok)
    for stranded in (warned, told.value.stranded):
        assert [(kind.kind, kind.jobs) for kind in stranded] == [("new", 1)]
    assert [(line["event"], line["kind"]) for line in lines] == [("jobs_without_worker", "new")]


def test_a_job_of_a_later_version_is_handed_out_as_soon_as_one_worker_runs_it(
    lab: Lab, acme: Context
) -> None:
    lab.kind("new", echo, version=2)
    lab.worker_row("old", versions={"new": 1})
    waiting = lab.submit(acme, "new")
    assert lab.jobs.dispatch() == (0, False)
    AnnounceWorker(lab.system, lab.queue).announce(Worker("w-2", {"new": 2}, ("default",), 2))
    assert lab.jobs.dispatch() == (1, False)
    assert lab.get(acme, waiting).state is JobState.DISPATCHED
    # Both now go by what one of the two runs, the submitter too.
    assert lab.submit(acme, "new").state is JobState.DISPATCHED
    told = lab.jobs.node_stats(acme, NodeQuery())
    assert isinstance(told, Ok)
    assert told.value.stranded == []
    assert [worker.versions for worker in told.value.workers] == [{"new": 1}, {"new": 2}]


def test_a_worker_that_has_lost_redis_takes_no_job_of_a_later_version(
    lab: Lab, acme: Context
) -> None:
    lab.kind("new", echo, version=2)
    job = lab.submit(acme, "new")
    assert TakeJobs(lab.system, {"new": JobKind("new", echo)})("default", 4) == []
    assert lab.get(acme, job).state is JobState.QUEUED
    (taken,) = TakeJobs(lab.system, lab.kinds)("default", 4)
    assert taken.job_id == job.job_id


def test_a_message_at_the_wrong_worker_reaches_the_right_one(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    with dispatching(lab):
        workers.start(kinds="deaf")
        (row,) = await_value(lambda: lab.sql("SELECT kinds, versions FROM workers") or None)
        assert row == {"kinds": ["deaf"], "versions": {"deaf": 1}}
        # The dispatcher believes in a worker that knows the kind, so it sends a message.
        lab.sql("INSERT INTO workers VALUES ('new', '{count}', '{default}', 1)")
        job = lab.submit(
            acme, "count", {"chunks": 1, "seconds": 0.0, "pid_file": str(tmp_path / "pid")}
        )
        await_value(lambda: "job_left_to_another_worker" in workers.log() or None, workers.log)
        workers.start(kinds="count,deaf")
        ended = lab.until(acme, job, JobState.SUCCEEDED)
    assert (ended.attempt, ended.crash_count) == (1, 0)


def test_a_worker_without_redis_leaves_the_kinds_that_it_does_not_know(
    own_redis: OwnRedis, lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    workers.start(kinds="deaf")
    await_value(lambda: lab.sql("SELECT FROM workers") or None)
    own_redis.stop()
    foreign = lab.submit(
        acme, "count", {"chunks": 1, "seconds": 0.0, "pid_file": str(tmp_path / "pid")}
    )
    known = lab.submit(acme, "deaf", {"seconds": 0.0})
    lab.until(acme, known, JobState.SUCCEEDED)
    waiting = lab.get(acme, foreign)
    assert (waiting.state, waiting.attempt) == (JobState.QUEUED, 0)
    workers.start(kinds="count")
    assert lab.until(acme, foreign, JobState.SUCCEEDED).attempt == 1


def test_what_a_dispatcher_rescues_is_counted() -> None:
    registry = CollectorRegistry()
    metrics = RescueMetrics(registry)
    for _ in range(2):
        metrics.observe(Rescued(unclaimed=1, requeued=2, quarantined=3, expired=4))
    counted = {
        name: registry.get_sample_value(f"howdah_jobs_{name}_total")
        for name in ("unclaimed", "requeued", "quarantined", "expired")
    }
    assert counted == {"unclaimed": 2, "requeued": 4, "quarantined": 6, "expired": 8}
