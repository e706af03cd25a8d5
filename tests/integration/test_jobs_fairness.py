from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.config import Settings
from core.context import Context
from core.jobs.job import JobState
from core.jobs.ledger import Capacity, Ticket
from core.jobs.pick import AGED_SECONDS, pick
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, echo, open_lab, ticket

KINDS = {"echo": 1, "other": 1}


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def waiting(
    lab: Lab,
    tenant_id: str,
    jobs: int,
    *,
    priority: str = "default",
    kind: str = "echo",
    seconds: float = 1,
) -> None:
    """Has so many jobs wait, for so long already."""
    lab.sql(
        "INSERT INTO jobs (tenant_id, job_id, kind, queue, priority, payload, run_at, max_attempts,"
        " key_id, roles, correlation_id) SELECT :tenant_id, gen_random_uuid(), :kind, 'default',"
        " :priority, '{}', now() - make_interval(secs => :seconds) + number * interval"
        " '1 microsecond', 1, 'k', '{}', 'c' FROM generate_series(1, :jobs) AS number",
        {
            "tenant_id": tenant_id,
            "jobs": jobs,
            "kind": kind,
            "priority": priority,
            "seconds": seconds,
        },
    )


def picked(lab: Lab, most: int, **caps: int) -> list[Ticket]:
    with lab.system.begin() as transaction:
        return pick(transaction, Capacity("default", most, KINDS), caps, most=most)


def tenants(tickets: list[Ticket]) -> Counter[str]:
    return Counter(ticket.tenant_id for ticket in tickets)


def classes(lab: Lab, tickets: list[Ticket]) -> Counter[str]:
    rows = lab.sql(
        "SELECT priority FROM jobs WHERE job_id = ANY(CAST(:ids AS uuid[]))",
        {"ids": [ticket.job_id for ticket in tickets]},
    )
    return Counter(str(row["priority"]) for row in rows)


def end_one(lab: Lab, tenant_id: str) -> None:
    lab.sql(
        "UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE job_id = (SELECT job_id"
        " FROM jobs WHERE tenant_id = :tenant_id AND state = 'dispatched' LIMIT 1)",
        {"tenant_id": tenant_id},
    )


def test_ten_jobs_go_before_the_rest_of_fifteen_thousand(lab: Lab) -> None:
    slots = 8
    waiting(lab, "acme", 15_000, seconds=600)
    # Running, and in Redis for the workers to take next.
    assert tenants(picked(lab, 3 * slots)) == {"acme": 3 * slots}
    waiting(lab, "globex", 10)
    started = time.monotonic()
    # A place at a time, as a busy node has them.
    dispatched: list[str] = []
    for _ in range(2 * slots):
        end_one(lab, "acme")
        dispatched += tenants(picked(lab, 1))
    assert dispatched.count("globex") == 10
    # Whoever reads 15,000 rows for each of them takes many times as long.
    assert time.monotonic() - started < 5


def test_an_idle_node_gives_one_tenant_everything_and_shares_when_another_comes(lab: Lab) -> None:
    waiting(lab, "acme", 100)
    lab.sql("UPDATE tenants SET max_running_jobs = 2")
    assert tenants(picked(lab, 8)) == {"acme": 8}
    waiting(lab, "globex", 100)
    # One job's length later the first eight are over.
    active = Counter(acme=8)
    for _ in range(8):
        end_one(lab, "acme")
        active["acme"] -= 1
        active += tenants(picked(lab, 1))
    assert active == {"acme": 4, "globex": 4}


def test_what_is_beyond_a_tenants_cap_comes_after_everything_that_is_not(lab: Lab) -> None:
    lab.sql("UPDATE tenants SET max_running_jobs = 2 WHERE tenant_id = 'acme'")
    waiting(lab, "acme", 20)
    waiting(lab, "globex", 5)
    assert tenants(picked(lab, 6)) == {"acme": 2, "globex": 4}
    assert tenants(picked(lab, 6)) == {"acme": 5, "globex": 1}


def test_shares_follow_the_weights(lab: Lab) -> None:
    lab.sql("UPDATE tenants SET job_weight = 3 WHERE tenant_id = 'acme'")
    waiting(lab, "acme", 20)
    waiting(lab, "globex", 20)
    assert tenants(picked(lab, 12)) == {"acme": 9, "globex": 3}


def test_the_higher_class_comes_first_and_no_class_is_kept_waiting_for_it(lab: Lab) -> None:
    for priority in ("bulk", "default", "interactive"):
        waiting(lab, "acme", 100, priority=priority)
    assert classes(lab, picked(lab, 3)) == {"interactive": 3}
    assert classes(lab, picked(lab, 39)) == {"interactive": 29, "default": 8, "bulk": 2}


def test_any_class_takes_all_places_where_the_others_want_none(lab: Lab) -> None:
    waiting(lab, "acme", 10, priority="bulk")
    assert classes(lab, picked(lab, 8)) == {"bulk": 8}


def test_a_tenants_urgent_jobs_do_not_push_out_another_tenants(lab: Lab) -> None:
    waiting(lab, "acme", 100, priority="interactive")
    waiting(lab, "globex", 5)
    assert tenants(picked(lab, 25))["globex"] == 5


def test_a_line_that_has_waited_long_has_the_next_turn_but_only_one(lab: Lab) -> None:
    waiting(lab, "acme", 100, priority="interactive")
    waiting(lab, "acme", 100, priority="bulk", seconds=AGED_SECONDS + 1)
    assert classes(lab, picked(lab, 1)) == {"bulk": 1}
    assert classes(lab, picked(lab, 3)) == {"interactive": 3}


def test_a_kind_has_no_more_active_jobs_than_it_may_have(lab: Lab, acme: Context) -> None:
    lab.kind("other", echo, max_active=3)
    lab.worker_row(slots=16)
    # The submitter's own try does not count, so it leaves these to the dispatchers.
    assert lab.submit(acme, "other").state is JobState.QUEUED
    waiting(lab, "globex", 10, kind="other")
    waiting(lab, "globex", 4)
    with ThreadPoolExecutor(4) as pool:
        assert (
            sum(dispatched for dispatched, _more in pool.map(lambda _: lab.jobs.dispatch(), "abcd"))
            == 7
        )
    rows = lab.sql(
        "SELECT count(*) AS jobs FROM jobs WHERE state = 'dispatched' AND kind = 'other'"
    )
    assert rows[0]["jobs"] == 3
    lab.sql("UPDATE jobs SET state = 'succeeded' WHERE state = 'dispatched' AND kind = 'other'")
    assert len(picked(lab, 16, other=3)) == 3


def test_a_paused_tenant_begins_nothing_until_it_is_resumed(
    lab: Lab, acme: Context, globex: Context
) -> None:
    handed_over = lab.submit(acme)
    assert isinstance(lab.jobs.pause(acme, "acme"), Ok)
    lab.worker_row()
    lab.submit(acme)
    lab.submit(globex)
    assert lab.jobs.dispatch()[0] == 1
    # Also not by a message that is on its way already.
    lab.runner()(ticket(handed_over))
    assert lab.get(acme, handed_over).attempt == 0
    assert isinstance(lab.jobs.resume(acme, "acme"), Ok)
    assert lab.jobs.dispatch()[0] == 2
    lab.runner()(ticket(handed_over))
    assert lab.get(acme, handed_over).state is JobState.SUCCEEDED


def test_a_tenant_that_is_not_there_cannot_be_paused(lab: Lab, acme: Context) -> None:
    assert isinstance(lab.jobs.pause(acme, "nobody"), Err)
    assert isinstance(lab.jobs.resume(acme, "nobody"), Err)
