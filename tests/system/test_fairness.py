"""Has a tenant with few jobs meet one with thousands, on real worker processes.

Times are compared with the mean job of the same run, by the clock of Postgres, so that a slow
machine makes both sides slow.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.config import load_settings
from core.jobs.kind import JobKind
from core.platform.system_database import SystemDatabase
from howdah.jobs.v1 import jobs_pb2 as pb
from tests.conftest import Databases
from tests.jobs_worker import deaf
from tests.jobs_workers import Workers
from tests.rpc.conftest import RunningNode, an_idempotency_key, serving
from tests.servers import eventually
from workers.dispatcher import Dispatcher

KIND = "deaf"
JOB_SECONDS = 0.2
# Half of the places, which is the newcomer's share, are more than its jobs.
PROCESSES, THREADS = 2, 16
PLACES = PROCESSES * THREADS
LINE = 15_000
FEW = 10
ON_AN_IDLE_NODE = 20


@dataclass(frozen=True)
class Times:
    """Holds the seconds that jobs waited for their start, and that they took."""

    waits: list[float]
    durations: list[float]

    def p95_wait(self) -> float:
        return sorted(self.waits)[math.ceil(0.95 * len(self.waits)) - 1]

    def mean_duration(self) -> float:
        return sum(self.durations) / len(self.durations)


@pytest.fixture
def node(environment: dict[str, str], tmp_path: Path) -> Iterator[RunningNode]:
    workers = Workers(environment, tmp_path / "worker.log")
    try:
        for _ in range(PROCESSES):
            workers.start(threads=THREADS)
        with serving(load_settings(environment)) as running:
            # A dict that the use cases share: the kind of the workers is one of the node's now.
            kinds = running.node.kinds
            assert isinstance(kinds, dict)
            kinds[KIND] = JobKind(KIND, deaf, check_payload=lambda _payload: ())
            with dispatching(running):
                eventually(lambda: stats(running).places == PLACES)
                yield running
    finally:
        workers.close()
        print((tmp_path / "worker.log").read_text("utf-8")[-4_000:])


@contextmanager
def dispatching(running: RunningNode) -> Iterator[None]:
    dispatcher = Dispatcher(running.node.jobs, running.node.settings, sweep_files=lambda: None)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield
    finally:
        dispatcher.stop()
        thread.join()


def stats(running: RunningNode) -> pb.QueueStats:
    answer = running.operator.call(
        "/howdah.jobs.v1.JobsService/GetNodeQueueStats", pb.GetNodeQueueStatsRequest()
    )
    found = pb.GetNodeQueueStatsResponse.FromString(answer.messages[0])
    return next((queue for queue in found.queues if queue.queue == "default"), pb.QueueStats())


def submit(running: RunningNode) -> str:
    request = pb.SubmitJobRequest(spec=pb.JobSpec(kind=KIND), idempotency_key=an_idempotency_key())
    request.spec.payload.update({"seconds": JOB_SECONDS})
    answer = running.globex.call("/howdah.jobs.v1.JobsService/SubmitJob", request)
    assert answer.code == "OK", answer
    return pb.SubmitJobResponse.FromString(answer.messages[0]).job.job_id


def push_a_line(system: SystemDatabase) -> None:
    """Gives acme thousands of jobs in one statement."""
    with system.begin() as transaction:
        transaction.execute(
            "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id,"
            " roles, correlation_id) SELECT 'acme', gen_random_uuid(), :kind, 'default',"
            " jsonb_build_object('seconds', CAST(:seconds AS float8)), 1, 'k', '{}', 'c'"
            " FROM generate_series(1, :jobs)",
            {"kind": KIND, "seconds": JOB_SECONDS, "jobs": LINE},
        )
        transaction.execute("SELECT pg_notify('howdah_jobs', 'default')")


def ended(system: SystemDatabase, tenant_id: str, job_ids: list[str] | None = None) -> Times:
    """Returns the times of the tenant's jobs that have ended, or of those named."""
    with system.begin() as transaction:
        rows = transaction.all(
            "SELECT extract(epoch FROM started_at - created_at)::float8 AS wait,"
            " extract(epoch FROM finished_at - started_at)::float8 AS duration FROM jobs"
            " WHERE tenant_id = :tenant_id AND state = 'succeeded'"
            " AND (CAST(:job_ids AS uuid[]) IS NULL OR job_id = ANY(CAST(:job_ids AS uuid[])))",
            {"tenant_id": tenant_id, "job_ids": job_ids},
        )
    return Times([row["wait"] for row in rows], [row["duration"] for row in rows])


def all_ended(system: SystemDatabase, tenant_id: str, job_ids: list[str]) -> Times:
    """Waits until all of these jobs have ended well, and returns their times."""

    def look() -> Times | None:
        times = ended(system, tenant_id, job_ids)
        return times if len(times.waits) == len(job_ids) else None

    found: Times = eventually(look, 60.0)
    return found


def test_few_jobs_do_not_wait_behind_another_tenants_thousands(
    node: RunningNode, databases: Databases
) -> None:
    idle = Times([], [])
    for _ in range(ON_AN_IDLE_NODE):
        idle.waits.extend(all_ended(databases.system, "globex", [submit(node)]).waits)
    latency = idle.p95_wait()

    push_a_line(databases.system)
    # One tenant alone is given every place.
    eventually(lambda: stats(node).running == PLACES)

    few = all_ended(databases.system, "globex", [submit(node) for _ in range(FEW)])
    mean = ended(databases.system, "acme").mean_duration()
    print(f"latency {latency:.3f} s, mean job {mean:.3f} s, p95 wait {few.p95_wait():.3f} s")
    assert stats(node).waiting > LINE / 2, "the line was gone before it could be in the way"
    assert few.p95_wait() <= 2 * mean + latency
