from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from core.config import Settings
from core.context import Context
from core.jobs import ended, store
from core.jobs.job import JobState
from core.jobs.ledger import WORKER_GONE_SECONDS
from core.jobs.node_stats import MOST_WORKERS, STATS, NodeQuery, NodeQueues
from core.jobs.replay import ReplayCommand
from core.jobs.stranded import MOST_KINDS, WAITING, WatchForStranded, waiting
from core.jobs.tenant_share import NewShare
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, echo, open_lab, ticket


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def node(lab: Lab, context: Context, most_tenants: int = 10) -> NodeQueues:
    answer = lab.jobs.node_stats(context, NodeQuery(most_tenants))
    assert isinstance(answer, Ok)
    return answer.value


def many(lab: Lab, tenant: str, state: JobState, jobs: int, *, kind: str = "echo") -> None:
    ended = state in {JobState.SUCCEEDED, JobState.DEAD}
    lab.sql(
        "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id, roles,"
        " correlation_id, state, run_at, finished_at, lease_until, worker_id) SELECT :tenant,"
        " gen_random_uuid(), :kind, 'default', '{}', 1, 'k', '{}', 'c', CAST(:state AS text),"
        " now() - make_interval(secs => number), CASE WHEN :ended THEN"
        " now() - make_interval(secs => number) END, CASE WHEN :state = 'running' THEN"
        " now() + interval '1 hour' END, CASE WHEN :state = 'running' THEN 'lab' END"
        " FROM generate_series(1, :jobs) AS number",
        {"tenant": tenant, "kind": kind, "state": state, "jobs": jobs, "ended": ended},
    )


def test_the_queues_of_the_node_are_counted_over_all_tenants(
    lab: Lab, acme: Context, globex: Context
) -> None:
    lab.kind("heavy", echo, queue="bulk")
    lab.worker_row(slots=4, queues=("default",))
    done = lab.submit(acme)
    lab.runner()(ticket(done))
    many(lab, "acme", JobState.QUEUED, 3)
    many(lab, "globex", JobState.QUEUED, 2)
    many(lab, "globex", JobState.RUNNING, 2)
    many(lab, "globex", JobState.DEAD, 5)
    lab.submit(globex, "heavy", delay_seconds=60)

    found = node(lab, acme)

    bulk, default = found.queues
    assert (bulk.queue, bulk.waiting, bulk.delayed, bulk.workers) == ("bulk", 0, 1, 0)
    assert (default.waiting, default.running, default.workers, default.places) == (5, 2, 1, 4)
    assert default.ended == {JobState.SUCCEEDED: 1, JobState.DEAD: 5}
    assert list(default.kinds) == ["echo", "heavy"]
    assert 3 <= default.oldest_wait_seconds < 30
    theirs, ours = found.tenants
    assert theirs.share is not None
    assert ours.share is not None
    assert (theirs.share.tenant_id, theirs.waiting, theirs.running) == ("globex", 2, 2)
    assert (theirs.delayed, theirs.ended_last_minute) == (1, 5)
    assert (ours.share.tenant_id, ours.waiting, ours.ended_last_minute) == ("acme", 3, 1)
    assert (found.other_tenants, found.others.waiting) == (0, 0)
    (worker,) = found.workers
    assert (worker.worker_id, worker.places, worker.busy) == ("lab", 4, 2)
    assert worker.seen_at >= worker.started_at


def test_beyond_the_busiest_tenants_there_are_only_sums(lab: Lab, acme: Context) -> None:
    lab.sql(
        "INSERT INTO tenants (tenant_id, display_name, time_zone, currency)"
        " SELECT 't' || number, 'T', 'UTC', 'EUR' FROM generate_series(1, 5) AS number"
    )
    for number in range(1, 6):
        many(lab, f"t{number}", JobState.QUEUED, number)
    found = node(lab, acme, most_tenants=2)
    told = [load.share.tenant_id for load in found.tenants if load.share is not None]
    assert told == ["t5", "t4"]
    assert (found.other_tenants, found.others.waiting) == (3, 1 + 2 + 3)
    assert 3 <= found.others.oldest_wait_seconds < 30
    assert found.others.share is None


def test_a_node_with_nothing_to_do_says_so(lab: Lab, acme: Context) -> None:
    found = node(lab, acme)
    assert (found.queues, found.tenants, found.workers, found.stranded) == ([], [], [], [])
    assert (found.other_tenants, found.others.running) == (0, 0)


def test_a_worker_that_is_silent_is_told_no_more(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    lab.sql(
        "UPDATE workers SET seen_at = now() - make_interval(secs => :gone)",
        {"gone": WORKER_GONE_SECONDS + 1},
    )
    assert node(lab, acme).workers == []


def test_a_tenant_is_given_another_share_and_what_is_not_named_stays(
    lab: Lab, acme: Context
) -> None:
    def shared(command: NewShare) -> tuple[int, int]:
        answer = lab.jobs.share(acme, command)
        assert isinstance(answer, Ok)
        return answer.value.weight, answer.value.max_running_jobs

    assert shared(NewShare("acme")) == (1, 0)
    assert shared(NewShare("acme", weight=5)) == (5, 0)
    assert shared(NewShare("acme", max_running_jobs=7)) == (5, 7)
    assert shared(NewShare("acme", max_running_jobs=0)) == (5, 0)
    assert isinstance(lab.jobs.share(acme, NewShare("nobody", weight=2)), Err)


def test_kinds_that_no_worker_knows_are_told_and_warned_of_once_a_minute(
    lab: Lab, acme: Context
) -> None:
    lab.worker_row()
    many(lab, "acme", JobState.QUEUED, 2)
    many(lab, "acme", JobState.QUEUED, WORKER_GONE_SECONDS + 5, kind="coming.soon")
    many(lab, "globex", JobState.QUEUED, 3, kind="just.now")
    longest, shorter = node(lab, acme).stranded
    assert (longest.kind, longest.jobs) == ("coming.soon", WORKER_GONE_SECONDS + 5)
    assert WORKER_GONE_SECONDS + 5 <= longest.oldest_seconds < WORKER_GONE_SECONDS + 60
    assert (shorter.kind, shorter.jobs) == ("just.now", 3)

    watch = WatchForStranded(lab.system)
    with capture_logs() as lines:
        for _ in range(3):
            watch()
    # A job that just came may be waiting for a worker that starts.
    assert [(line["event"], line["kind"]) for line in lines] == [
        ("jobs_without_worker", "coming.soon")
    ]


def test_jobs_of_a_paused_tenant_raise_no_alert(lab: Lab, acme: Context) -> None:
    many(lab, "acme", JobState.QUEUED, WORKER_GONE_SECONDS + 5, kind="coming.soon")
    lab.jobs.pause(acme, "acme")
    with lab.system.begin() as transaction:
        assert waiting(transaction) == []
    assert WatchForStranded(lab.system)() == []
    assert node(lab, acme).stranded == []


def test_the_kinds_that_no_worker_knows_are_bounded(lab: Lab, acme: Context) -> None:
    for number in range(MOST_KINDS + 3):
        many(lab, "acme", JobState.QUEUED, 1, kind=f"kind.{number:02}")
    found = node(lab, acme).stranded
    assert len(found) == MOST_KINDS + 1
    assert (found[-1].kind, found[-1].jobs) == ("others", 3)


@pytest.mark.parametrize("analyzed", [True, False])
def test_dead_jobs_are_found_without_reading_those_that_succeeded(
    lab: Lab, databases: Databases, acme: Context, analyzed: bool
) -> None:
    many(lab, "acme", JobState.SUCCEEDED, 20_000)
    many(lab, "acme", JobState.DEAD, 3)
    if analyzed:
        with psycopg.connect(databases.urls.admin, autocommit=True) as connection:
            connection.execute("ANALYZE jobs")
    # As often as it takes until the driver and Postgres keep the plan.
    for _ in range(12):
        with databases.app.begin(acme) as unit:
            listed = store.list_newest(
                unit, state=JobState.DEAD, kind="", batch_id="", before=None, limit=51
            )
            replayable = ended.list_oldest_ended(
                unit, states=ReplayCommand().states, kind="", reason="", limit=1_001
            )
            read = unit.one(
                "SELECT seq_tup_read + idx_tup_fetch AS jobs FROM pg_stat_xact_user_tables"
                " WHERE relname = 'jobs'"
            )
        assert [len(listed), len(replayable)] == [3, 3]
        assert read is not None
        # Some of what the session read before is counted with it.
        assert read["jobs"] < 1_000


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if plan.get("Relation Name") == "jobs":
        yield plan["Node Type"], plan.get("Index Name", "")
    for part in plan.get("Plans", ()):
        yield from scans(part)


@pytest.mark.parametrize("analyzed", [True, False])
@pytest.mark.parametrize("statement", [STATS, WAITING], ids=["stats", "waiting"])
def test_counting_does_not_read_the_jobs_that_have_ended(
    lab: Lab, databases: Databases, statement: str, analyzed: bool
) -> None:
    many(lab, "acme", JobState.SUCCEEDED, 60_000)
    many(lab, "acme", JobState.QUEUED, 6_000)
    if analyzed:
        with psycopg.connect(databases.urls.admin, autocommit=True) as connection:
            connection.execute("ANALYZE jobs")
    (row,) = lab.sql(
        f"EXPLAIN (FORMAT json) {statement}",
        {"gone": WORKER_GONE_SECONDS, "most_tenants": 10, "most_workers": MOST_WORKERS},
    )
    found = set(scans(row["QUERY PLAN"][0]["Plan"]))
    assert found
    assert "Seq Scan" not in {node_type for node_type, _ in found}
