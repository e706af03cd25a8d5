from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from core.config import Settings
from core.context import Context
from core.jobs.job import Job, JobState
from core.platform.unit_of_work import UnitOfWork
from core.result import Ok
from core.schedules.fire_schedules import LONGEST_PAUSE_SECONDS
from core.schedules.schedule import CatchUp, FireResult, Overlap
from core.schedules.sweep_fires import SweepFires
from core.schedules.use_cases import Schedules
from tests.conftest import Databases, Postgres
from tests.jobs_lab import await_value
from tests.schedules_lab import HOUR, RARELY, ScheduleLab, minutes_ago, open_schedule_lab
from workers.scheduler import Scheduler

SUBMITTED, OVERLAPPED, MISSED = FireResult.SUBMITTED, FireResult.OVERLAPPED, FireResult.MISSED


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[ScheduleLab]:
    with open_schedule_lab(settings, databases) as lab:
        yield lab


def refire(schedules: Schedules, **changes: Any) -> Schedules:
    """Returns the use cases with another one that fires."""
    return replace(schedules, fire=replace(schedules.fire, **changes))


def test_a_fire_starts_its_job_in_the_creators_name(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    lab.create(acme, payload={"rows": 3})
    lab.create(globex)
    due = lab.put_due(acme)
    assert lab.fire() == [SUBMITTED]
    (fire,) = lab.fires(acme)
    assert (fire.fire_time, fire.result, fire.manual) == (due, SUBMITTED, False)
    job = lab.job(acme, fire)
    assert (job.kind, job.payload, job.state) == ("echo", {"rows": 3}, JobState.QUEUED)
    assert (job.key_id, job.roles) == ("acme-key", frozenset({"admin"}))
    schedule = lab.get(acme)
    assert schedule.last_fire == fire
    assert schedule.next_fire_at is not None
    assert timedelta(0) < schedule.next_fire_at - due <= timedelta(minutes=1)
    assert lab.fires(globex) == []


def test_every_fire_has_a_correlation_id_of_its_own(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme, catch_up=CatchUp.ALL, overlap=Overlap.QUEUE)
    lab.put_due(acme, at=minutes_ago(4))
    lab.fire()
    ids = {lab.job(acme, fire).correlation_id for fire in lab.fires(acme)}
    assert len(ids) == 5
    assert acme.correlation_id not in ids


def test_nothing_that_is_due_means_sleeping_until_something_is(
    lab: ScheduleLab, acme: Context
) -> None:
    assert lab.schedules.fire(lambda *_: None) == LONGEST_PAUSE_SECONDS
    lab.create(acme)
    lab.put_due(acme, at=datetime.now(UTC) + timedelta(seconds=3))
    assert 0 < lab.schedules.fire(lambda *_: None) <= 3


def test_schedulers_at_the_same_time_make_each_fire_once(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    for number in range(15):
        for context in (acme, globex):
            lab.create(context, f"s-{number}", catch_up=CatchUp.ALL, overlap=Overlap.QUEUE)
            lab.put_due(context, f"s-{number}", at=minutes_ago(2))
    together = threading.Barrier(4)

    def scheduler(_number: int) -> list[FireResult]:
        together.wait(30)
        return lab.fire()

    with ThreadPoolExecutor(4) as schedulers:
        made = list(schedulers.map(scheduler, range(4)))
    # A minute may begin while they work.
    fires = lab.lab.sql("SELECT result, job_id FROM schedule_fires")
    assert len(fires) == sum(len(results) for results in made) >= 30 * 3
    assert {fire["result"] for fire in fires} == {SUBMITTED}
    jobs = lab.lab.sql("SELECT job_id FROM jobs")
    assert sorted(job["job_id"] for job in jobs) == sorted(fire["job_id"] for fire in fires)


def test_a_time_that_was_fired_is_never_fired_again(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme, cron=RARELY)
    due = lab.put_due(acme)
    assert lab.fire() == [SUBMITTED]
    # As when the clock was put back and the plan changed.
    lab.put_due(acme, at=due)
    assert lab.fire() == []
    assert len(lab.fires(acme)) == 1
    assert len(lab.lab.sql("SELECT FROM jobs")) == 1
    following = lab.get(acme).next_fire_at
    assert following is not None
    assert following > due


@pytest.mark.parametrize(
    ("plan", "results"),
    [
        ({"catch_up": CatchUp.SKIP}, [MISSED]),
        ({"catch_up": CatchUp.ONCE}, [MISSED, SUBMITTED]),
        ({"catch_up": CatchUp.ALL, "max_catch_up": 3}, [MISSED] + [SUBMITTED] * 3),
        ({"catch_up": CatchUp.ALL, "max_catch_up": 100}, [SUBMITTED] * 10),
    ],
)
def test_after_hours_away_the_latest_fires_are_made_that_the_plan_wants(
    plan: dict[str, Any], results: list[FireResult], lab: ScheduleLab, acme: Context
) -> None:
    last = minutes_ago(30)
    lab.create(acme, cron=f"{last.minute} * * * *", overlap=Overlap.QUEUE, **plan)
    due = lab.put_due(acme, at=last - 9 * HOUR)
    assert lab.fire() == results
    fires = lab.fires(acme)
    assert [fire.result for fire in fires] == results
    assert fires[0].fire_time == due
    made = [fire.fire_time for fire in fires if fire.result is SUBMITTED]
    assert made == [last - back * HOUR for back in reversed(range(len(made)))]
    assert lab.get(acme).next_fire_at == last + HOUR


def test_a_fire_is_skipped_while_the_job_of_an_earlier_one_goes_on(
    lab: ScheduleLab, acme: Context
) -> None:
    lab.create(acme, cron=RARELY)
    lab.put_due(acme)
    assert lab.fire() == [SUBMITTED]
    lab.put_due(acme)
    assert lab.fire() == [OVERLAPPED]
    assert lab.fires(acme)[-1].job_id is None
    # A job that was started by hand counts as well; the later of the two to end decides.
    first = lab.job(acme, lab.fires(acme)[0])
    assert isinstance(lab.schedules.run(acme, "sync"), Ok)
    lab.lab.sql("UPDATE jobs SET finished_at = now() WHERE job_id = :id", {"id": first.job_id})
    lab.put_due(acme)
    assert lab.fire() == [OVERLAPPED]
    lab.end_jobs()
    lab.put_due(acme)
    assert lab.fire() == [SUBMITTED]


def test_fires_that_queue_start_their_jobs_beside_earlier_ones(
    lab: ScheduleLab, acme: Context
) -> None:
    lab.create(acme, cron=RARELY, overlap=Overlap.QUEUE)
    for _ in range(3):
        lab.put_due(acme)
        assert lab.fire() == [SUBMITTED]
    assert len(lab.lab.sql("SELECT FROM jobs WHERE state = 'queued'")) == 3


def test_a_full_queue_holds_the_fire_and_loses_none(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    submit = replace(lab.lab.jobs.submit, max_waiting_jobs_per_tenant=1)
    whole = lab.schedules
    lab.schedules = refire(whole, submit=submit)
    lab.create(acme, cron=RARELY, catch_up=CatchUp.SKIP)
    lab.create(globex, cron=RARELY)
    lab.lab.submit(acme)
    due = lab.put_due(acme)
    lab.put_due(globex)
    assert lab.fire() == [SUBMITTED]
    assert lab.fires(acme) == []
    held = lab.get(acme)
    assert (held.held, held.next_fire_at) == (True, due)
    # Not tried again at once, nor counted as missed when it is.
    assert 0 < lab.schedules.fire(lambda *_: None) <= LONGEST_PAUSE_SECONDS
    lab.end_jobs()
    with lab.lab.database.begin(acme) as unit:
        unit.execute(
            "UPDATE schedules SET next_fire_at = next_fire_at - interval '1 hour', due_at = now()"
        )
        unit.commit(None)
    assert lab.fire() == [SUBMITTED]
    assert lab.results(acme) == [SUBMITTED]
    assert not lab.get(acme).held


def test_a_paused_tenants_fires_wait_as_jobs(lab: ScheduleLab, acme: Context) -> None:
    lab.lab.jobs.pause(acme, "acme")
    lab.create(acme)
    lab.put_due(acme)
    assert lab.fire() == [SUBMITTED]
    assert lab.job(acme, lab.fires(acme)[0]).state is JobState.QUEUED


def test_a_broken_fire_leaves_no_trace_and_stops_no_other(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    def submit(unit: UnitOfWork, *, kind: str, payload: Any) -> Job:
        job = lab.lab.jobs.submit(unit, kind=kind, payload=payload)
        assert payload != {"break": True}
        return job

    lab.schedules = refire(lab.schedules, submit=submit)
    lab.create(acme, payload={"break": True})
    lab.create(globex)
    due = lab.put_due(acme)
    lab.put_due(globex)
    assert lab.fire() == [SUBMITTED]
    assert lab.fires(acme) == []
    assert [job["tenant_id"] for job in lab.lab.sql("SELECT tenant_id FROM jobs")] == ["globex"]
    broken = lab.get(acme)
    assert (broken.held, broken.next_fire_at) == (True, due)


def test_old_fires_are_swept_but_the_last_and_those_that_go_on(
    lab: ScheduleLab, acme: Context
) -> None:
    lab.create(acme, cron=RARELY, overlap=Overlap.QUEUE)
    for _ in range(3):
        lab.put_due(acme)
        lab.fire()
    _ended, goes_on, last = lab.fires(acme)
    lab.lab.sql("UPDATE jobs SET finished_at = now() WHERE job_id <> :id", {"id": goes_on.job_id})
    # Which jobs have ended is noticed at the next fire.
    lab.put_due(acme)
    lab.fire()
    with lab.lab.database.begin(acme) as unit:
        unit.execute("UPDATE schedule_fires SET fired_at = fired_at - interval '31 days'")
        unit.commit(None)
    sweep = SweepFires(lab.lab.system, 30)
    assert sweep() == 2
    assert [fire.job_id for fire in lab.fires(acme)][:1] == [goes_on.job_id]
    assert lab.fires(acme)[-1].fire_time > last.fire_time
    assert sweep() == 0


@contextmanager
def scheduling(lab: ScheduleLab) -> Iterator[CollectorRegistry]:
    """Runs a scheduler until the block ends; yields what it counts into."""
    registry = CollectorRegistry()
    scheduler = Scheduler(lab.schedules, lab.lab.signals, registry)
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    try:
        yield registry
    finally:
        scheduler.stop()
        thread.join(10)
    assert not thread.is_alive()


@contextmanager
def cut_off(postgres: Postgres, databases: Databases) -> Iterator[None]:
    """Ends every connection to the test's database, and lets none begin until the block ends."""
    name = psycopg.conninfo.conninfo_to_dict(databases.urls.admin)["dbname"]
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_the_scheduler_fires_within_a_second_of_the_time(lab: ScheduleLab, acme: Context) -> None:
    with scheduling(lab) as registry:
        # It sleeps for seconds when it hears of this.
        lab.create(acme)
        due = lab.put_due(acme, at=datetime.now(UTC) + timedelta(seconds=1))
        lab.lab.sql("SELECT pg_notify('howdah_schedules', '')")
        fire = await_value(lambda: next(iter(lab.fires(acme)), None))
    assert fire.fire_time == due
    assert timedelta(0) <= fire.fired_at - due < timedelta(seconds=1)
    assert registry.get_sample_value("schedule_fires_total", {"result": "submitted"}) == 1
    assert registry.get_sample_value("schedule_fire_lateness_seconds_count") == 1


def test_what_is_due_while_postgres_is_away_is_fired_once_when_it_returns(
    lab: ScheduleLab, acme: Context, postgres: Postgres, databases: Databases
) -> None:
    lab.create(acme, cron=RARELY)
    with scheduling(lab) as registry:
        await_value(lambda: lab.lab.signals.wait_until_hearing(10) or None)
        due = lab.put_due(acme, at=datetime.now(UTC) + timedelta(seconds=1))
        with cut_off(postgres, databases):
            await_value(lambda: datetime.now(UTC) > due or None)
        await_value(
            lambda: registry.get_sample_value("schedule_fires_total", {"result": "submitted"})
        )
    assert [fire.fire_time for fire in lab.fires(acme)] == [due]
    assert len(lab.lab.sql("SELECT FROM jobs")) == 1
