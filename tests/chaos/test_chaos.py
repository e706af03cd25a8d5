"""Proves that no accepted job is lost, doubled or stuck, whatever breaks while it is on its way.

`make chaos` runs this alone, `make chaos LONG=1` with five times the jobs and a lease as in
production. Another order of faults: `make chaos SEED=…`; a run prints its own, and leaves the
node's log and what the jobs did in `build/chaos.log` and `build/chaos.journal`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
import pytest

from core.platform.embedded import embedded_secrets_key
from core.platform.migrate import migrate
from howdah.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from howdah_client import Credential, SignedChannel, connect
from tests.chaos import journal
from tests.chaos.caller import Submitted, submit_all
from tests.chaos.faults import POSTGRES, REDIS, Faults, Pauses
from tests.chaos.report import BUILD, Report, summary
from tests.chaos.running import ChaosNode
from tests.chaos.servers import Network, TcpPostgres, TcpRedis
from tests.servers import eventually
from tests.system.conftest import short_directory

LONG = bool(os.environ.get("CHAOS_LONG"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
WAITING = ("held", "queued", "dispatched", "running")
# An operator's answer to jobs that were met by three kills.
LONGEST_REPLAYS = 5
# From the kill of a worker to its job running again.
RESCUE_P99_SECONDS = 60.0

CREATE_EFFECTS = """
CREATE TABLE effects (number integer NOT NULL, job_id uuid NOT NULL);
GRANT INSERT ON effects TO howdah_app;
"""


@dataclass(frozen=True)
class Size:
    """Says how much there is to do, and how long a lease is."""

    jobs: int
    seconds: float
    process_pauses: Pauses
    other_pauses: Pauses
    settings: dict[str, str]
    lease_seconds: int
    patience_seconds: float


SHORT_SIZE = Size(
    jobs=2_000,
    seconds=35.0,
    process_pauses=(1.5, 3.5),
    other_pauses=(0.5, 2.5),
    settings={
        "HOWDAH_JOB_LEASE_SECONDS": "4",
        "HOWDAH_JOB_HEARTBEAT_SECONDS": "1",
        "HOWDAH_JOB_RESCUE_INTERVAL_SECONDS": "0.5",
        "HOWDAH_JOB_UNCLAIMED_SECONDS": "2",
    },
    lease_seconds=4,
    patience_seconds=60.0,
)
# With the settings of production.
LONG_SIZE = Size(
    jobs=10_000,
    seconds=300.0,
    process_pauses=(2.0, 10.0),
    other_pauses=(0.5, 8.0),
    settings={},
    lease_seconds=45,
    patience_seconds=300.0,
)


@dataclass(frozen=True)
class Ground:
    """Is a node that reaches its servers over a network that can fail."""

    node: ChaosNode
    postgres: TcpPostgres
    faults: Faults
    journal: journal.Journal
    credential: Credential

    def connect(self) -> SignedChannel:
        return connect(self.node.grpc_address, self.credential, tenant="acme", attempts=3)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Asks Postgres itself, past the network."""
        with psycopg.connect(self.postgres.url("postgres")) as connection:
            return connection.execute(query.encode()).fetchall()

    def states(self) -> Counter[str]:
        rows = self.rows("SELECT state, count(*) FROM jobs GROUP BY state")
        return Counter({str(state): int(str(jobs)) for state, jobs in rows})


@pytest.fixture
def size() -> Size:
    return LONG_SIZE if LONG else SHORT_SIZE


@pytest.fixture
def ground(size: Size) -> Iterator[Ground]:
    directory = short_directory("chaos")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        postgres = TcpPostgres(directory / "pg")
        stack.callback(postgres.stop)
        redis = TcpRedis(directory / "redis")
        stack.callback(redis.kill)
        network = Network(directory, {POSTGRES: postgres.port, REDIS: redis.port})
        stack.callback(network.stop)
        migrate(postgres.url("howdah_migrator"))
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(CREATE_EFFECTS)
        port = network.ports[POSTGRES]
        node = ChaosNode(
            directory,
            {
                "HOWDAH_DATABASE_URL": postgres.url("howdah_app", port),
                "HOWDAH_SYSTEM_DATABASE_URL": postgres.url("howdah_system", port),
                "HOWDAH_REDIS_URL": f"redis://127.0.0.1:{network.ports[REDIS]}",
                "HOWDAH_SECRETS_KEY": embedded_secrets_key(directory),
                "HOWDAH_SERVER_PROCESSES": "2",
                "HOWDAH_WORKER_PROCESSES": "2",
                "HOWDAH_WEBHOOK_WORKER_PROCESSES": "0",
                journal.VARIABLE: str(directory / "journal"),
                **size.settings,
            },
        )
        stack.callback(keep, node.log, "chaos.log")
        stack.callback(keep, (directory / "journal").read_text, "chaos.journal")
        stack.callback(node.clear_away)
        kept = journal.Journal(directory / "journal")
        faults = Faults(node, kept, postgres, redis, network)
        yield Ground(node, postgres, faults, kept, credential(node))


def keep(read: Callable[[], str], name: str) -> None:
    """Leaves what a failed run is understood by."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / name).write_text(read(), "utf-8")


def credential(node: ChaosNode) -> Credential:
    created = node.run("tenants", "create", "acme", "--json")
    assert created.returncode == 0, created.stderr
    made = node.run("keys", "create", "--tenant", "acme", "--role", "admin", "--json")
    assert made.returncode == 0, made.stderr
    shown = json.loads(made.stdout)
    return Credential(shown["credential"]["key_id"], shown["secret"])


@pytest.mark.timeout(1_800)
def test_every_accepted_job_has_exactly_one_effect(ground: Ground, size: Size) -> None:
    print(f"seed {SEED}")
    started = time.monotonic()
    with ground.connect() as channel:
        with ground.faults.going_on(SEED, size.process_pauses, size.other_pauses):
            submitted = submit_all(channel, size.jobs, seed=SEED, seconds=size.seconds)
            eventually(ground.faults.all_sorts, size.patience_seconds)
        replayed = until_all_have_ended(ground, channel, size)
    seconds = time.monotonic() - started

    assert ground.states() == {"succeeded": size.jobs}
    assert effects(ground) == submitted.job_ids
    assert ground.rows("SELECT count(*) FROM effects") == [(size.jobs,)]

    attempts = ground.journal.attempts()
    rescued = journal.rescue_seconds(
        # What was quarantined waited for the operator.
        [attempt for attempt in attempts if submitted.job_ids[attempt.number] not in replayed],
        ground.faults.kills,
    )
    assert rescued, "no job was met by a kill"
    rescues = summary(rescued)
    report(size, ground, submitted, seconds, len(attempts), len(replayed), rescues)
    assert rescues["p99"] <= RESCUE_P99_SECONDS

    assert ground.node.stop() == 0
    assert ground.node.left_behind() == []


def until_all_have_ended(ground: Ground, channel: SignedChannel, size: Size) -> set[str]:
    """Waits, and replays what three crashes have quarantined; returns the ids of those jobs."""
    stub = jobs_pb2_grpc.JobsServiceStub(channel)
    replayed = set[str]()
    for _ in range(LONGEST_REPLAYS):
        eventually(
            lambda: not any(ground.states()[state] for state in WAITING), size.patience_seconds
        )
        if ground.states().keys() == {"succeeded"}:
            break
        wanted = jobs_pb2.ReplayDeadJobsRequest(max_jobs=1_000)
        replayed |= set(stub.ReplayDeadJobs(wanted, timeout=30).job_ids)
    return replayed


def effects(ground: Ground) -> dict[int, str]:
    rows = ground.rows("SELECT number, job_id::text FROM effects")
    return {int(str(number)): str(job_id) for number, job_id in rows}


def report(  # noqa: PLR0917 - as many as there is to report.
    size: Size,
    ground: Ground,
    submitted: Submitted,
    seconds: float,
    attempts: int,
    replayed: int,
    rescues: dict[str, float],
) -> None:
    Report(
        seed=SEED,
        jobs=size.jobs,
        seconds=round(seconds, 1),
        lease_seconds=size.lease_seconds,
        faults_survived=dict(ground.faults.survived),
        calls_refused=submitted.refusals,
        attempts=attempts,
        replayed=replayed,
        rescue_seconds=rescues,
    ).keep()
