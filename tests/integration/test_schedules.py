from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.config import Settings
from core.context import Context
from core.failures import Failure, RefusedError
from core.page import PageRequest
from core.platform.signals import SCHEDULES_CHANGED
from core.reasons import Reason
from core.result import Err, Ok
from core.schedules.create_schedule import NewSchedule
from core.schedules.preview_schedule import Preview, PreviewQuery
from core.schedules.schedule import CatchUp, FireResult, Overlap, Plan
from core.schedules.update_schedule import ChangedSchedule
from core.schedules.use_cases import schedules_use_cases
from tests.conftest import Databases
from tests.jobs_lab import await_value, echo
from tests.schedules_lab import EVERY_MINUTE, ScheduleLab, minutes_ago, open_schedule_lab

NIGHTLY = "30 3 * * *"


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[ScheduleLab]:
    with open_schedule_lab(settings, databases) as lab:
        yield lab


def failure_of(call: Callable[[], Any]) -> Failure:
    """Returns why a use case refuses, whichever way it does."""
    try:
        result = call()
    except RefusedError as refusal:
        return refusal.failure
    assert isinstance(result, Err), result
    return result.failure


def test_a_new_schedule_has_every_default_and_the_time_of_its_next_fire(
    lab: ScheduleLab, acme: Context
) -> None:
    made = lab.create(acme, cron=NIGHTLY, payload={"rows": 3})
    assert made.plan == Plan(NIGHTLY, "echo", {"rows": 3}, "UTC", CatchUp.ONCE, 10, Overlap.SKIP)
    assert made.next_fire_at is not None
    assert made.next_fire_at > datetime.now(UTC)
    assert f"{made.next_fire_at:%H:%M:%S}" == "03:30:00"
    assert (made.paused_at, made.held, made.last_fire) == (None, False, None)
    assert (made.key_id, made.roles) == ("acme-key", frozenset({"admin"}))
    assert lab.get(acme) == made


def test_its_hours_are_those_of_its_time_zone(lab: ScheduleLab, acme: Context) -> None:
    made = lab.create(acme, cron=NIGHTLY, time_zone="Asia/Kolkata")
    assert made.next_fire_at is not None
    assert f"{made.next_fire_at.astimezone(UTC):%H:%M}" == "22:00"


@pytest.mark.parametrize(
    ("plan", "reason", "fields"),
    [
        ({"kind": "nothing"}, Reason.JOB_KIND_UNKNOWN, []),
        ({"kind": "inner"}, Reason.JOB_KIND_UNKNOWN, []),
        ({"cron": "61 * * * *"}, Reason.FIELDS_INVALID, ["plan.cron"]),
        ({"cron": "* * */20 * 1L"}, Reason.FIELDS_INVALID, ["plan.cron"]),
        (
            {"cron": "@daily", "payload": {"wrong": 1}},
            Reason.FIELDS_INVALID,
            ["plan.cron", "plan.payload.wrong"],
        ),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(
    plan: dict[str, Any], reason: Reason, fields: list[str], lab: ScheduleLab, acme: Context
) -> None:
    # Only the node's own methods start what does not check its payload.
    lab.lab.kind("inner", echo)
    lab.create(acme, "there")
    wanted = Plan(**{"cron": EVERY_MINUTE, "kind": "echo", **plan})
    for call in (
        lambda: lab.schedules.create(acme, NewSchedule("sync", wanted)),
        lambda: lab.schedules.update(acme, ChangedSchedule("there", wanted)),
    ):
        failure = failure_of(call)
        assert failure.reason is reason
        assert [violation.field for violation in failure.fields] == fields
    assert lab.get(acme, "there").plan.cron == EVERY_MINUTE


def test_an_id_is_taken_once_by_each_tenant(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    lab.create(acme)
    lab.create(globex)
    wanted = NewSchedule("sync", Plan(NIGHTLY, "echo"))
    assert failure_of(lambda: lab.schedules.create(acme, wanted)).reason is Reason.RESOURCE_EXISTS
    assert lab.get(acme).plan.cron == EVERY_MINUTE


def test_a_tenant_has_so_many_schedules_and_no_more(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    settings = lab.lab.settings.model_copy(update={"max_schedules_per_tenant": 2})
    lab.schedules = schedules_use_cases(
        settings, lab.lab.database, lab.lab.system, lab.lab.kinds, lab.lab.jobs.submit
    )
    for schedule_id in ("first", "second"):
        lab.create(acme, schedule_id)
    wanted = NewSchedule("third", Plan(NIGHTLY, "echo"))
    failure = failure_of(lambda: lab.schedules.create(acme, wanted))
    assert failure.reason is Reason.TENANT_LIMIT_REACHED
    assert failure.metadata == {"max_schedules_per_tenant": "2"}
    lab.create(globex)
    assert isinstance(lab.schedules.delete(acme, "first"), Ok)
    lab.create(acme, "third")


def test_of_many_that_are_created_at_once_no_more_than_allowed_are(
    lab: ScheduleLab, acme: Context
) -> None:
    settings = lab.lab.settings.model_copy(update={"max_schedules_per_tenant": 2})
    lab.schedules = schedules_use_cases(
        settings, lab.lab.database, lab.lab.system, lab.lab.kinds, lab.lab.jobs.submit
    )
    start = threading.Barrier(8)

    def create(number: int) -> bool:
        start.wait()
        plan = Plan(NIGHTLY, "echo")
        return isinstance(lab.schedules.create(acme, NewSchedule(f"s{number}", plan)), Ok)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 2


def test_another_tenants_schedule_is_not_there(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    lab.create(acme)
    use = lab.schedules
    changed = ChangedSchedule("sync", Plan(NIGHTLY, "echo"))
    for call in (
        lambda: use.get(globex, "sync"),
        lambda: use.update(globex, changed),
        lambda: use.delete(globex, "sync"),
        lambda: use.pause(globex, "sync"),
        lambda: use.resume(globex, "sync"),
        lambda: use.run(globex, "sync"),
        lambda: use.preview(globex, PreviewQuery("sync")),
    ):
        assert failure_of(call).reason is Reason.RESOURCE_NOT_FOUND
    assert lab.get(acme).next_fire_at is not None


def test_schedules_are_listed_by_id_a_page_at_a_time(
    lab: ScheduleLab, acme: Context, globex: Context
) -> None:
    for schedule_id in ("b", "c", "a"):
        lab.create(acme, schedule_id)
    lab.create(globex, "d")
    first = lab.schedules.list(acme, PageRequest(2))
    assert isinstance(first, Ok)
    assert [schedule.schedule_id for schedule in first.value.items] == ["a", "b"]
    rest = lab.schedules.list(acme, PageRequest(2, first.value.next_token))
    assert isinstance(rest, Ok)
    assert [schedule.schedule_id for schedule in rest.value.items] == ["c"]
    assert not rest.value.next_token


def test_another_plan_replaces_the_old_one_as_a_whole(lab: ScheduleLab, acme: Context) -> None:
    before = lab.create(acme, time_zone="Asia/Kolkata", payload={"a": 1}, overlap=Overlap.QUEUE)
    lab.put_due(acme, at=minutes_ago(10))
    changed = lab.schedules.update(acme, ChangedSchedule("sync", Plan(NIGHTLY, "echo")))
    assert isinstance(changed, Ok)
    assert changed.value.plan == Plan(NIGHTLY, "echo", {}, "UTC")
    assert changed.value.created_at == before.created_at < changed.value.updated_at
    # What was due by the old plan is not made up for.
    assert lab.fire() == []


def test_a_paused_schedule_stays_paused_under_another_plan(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme, paused=True)
    changed = lab.schedules.update(acme, ChangedSchedule("sync", Plan(NIGHTLY, "echo")))
    assert isinstance(changed, Ok)
    assert changed.value.paused_at is not None
    assert changed.value.next_fire_at is None


def test_a_paused_schedule_does_not_fire_nor_make_up_for_it(
    lab: ScheduleLab, acme: Context
) -> None:
    lab.create(acme, catch_up=CatchUp.ALL)
    lab.put_due(acme, at=minutes_ago(10))
    paused = lab.schedules.pause(acme, "sync")
    assert isinstance(paused, Ok)
    assert (paused.value.next_fire_at, paused.value.held) == (None, False)
    assert lab.schedules.pause(acme, "sync") == paused
    assert lab.fire() == []
    resumed = lab.schedules.resume(acme, "sync")
    assert isinstance(resumed, Ok)
    assert resumed.value.next_fire_at is not None
    assert resumed.value.next_fire_at > datetime.now(UTC)
    assert lab.schedules.resume(acme, "sync") == resumed
    assert lab.fire() == []


def test_a_deleted_schedule_leaves_its_jobs_alone(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme)
    lab.put_due(acme)
    lab.fire()
    job = lab.job(acme, lab.fires(acme)[0])
    assert isinstance(lab.schedules.delete(acme, "sync"), Ok)
    assert failure_of(lambda: lab.schedules.get(acme, "sync")).reason is Reason.RESOURCE_NOT_FOUND
    assert lab.lab.get(acme, job).state is job.state
    assert lab.lab.sql("SELECT FROM schedule_fires") == []


def test_a_job_is_started_now_in_the_callers_name(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme, paused=True, payload={"rows": 3})
    caller = replace(acme, principal=replace(acme.principal, key_id="somebody"))
    started = [lab.schedules.run(caller, "sync") for _ in range(2)]
    jobs = [result.value for result in started if isinstance(result, Ok)]
    assert [job.payload for job in jobs] == [{"rows": 3}] * 2
    assert {job.key_id for job in jobs} == {"somebody"}
    fires = lab.fires(acme)
    assert [fire.job_id for fire in fires] == [job.job_id for job in jobs]
    assert [(fire.result, fire.manual) for fire in fires] == [(FireResult.SUBMITTED, True)] * 2
    assert lab.get(acme).next_fire_at is None


def test_a_schedule_whose_kind_is_gone_starts_nothing(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme)
    lab.put_due(acme)
    del lab.lab.kinds["echo"]
    assert failure_of(lambda: lab.schedules.run(acme, "sync")).reason is Reason.JOB_KIND_UNKNOWN
    # Another release may know it.
    assert lab.fire() == []
    assert lab.fires(acme) == []


def preview(lab: ScheduleLab, context: Context, query: PreviewQuery) -> Preview:
    answer = lab.schedules.preview(context, query)
    assert isinstance(answer, Ok)
    return answer.value


def test_a_preview_tells_the_next_fires(lab: ScheduleLab, acme: Context) -> None:
    lab.create(acme, cron=NIGHTLY, time_zone="Asia/Kolkata", paused=True)
    told = preview(lab, acme, PreviewQuery("sync", most=3))
    assert (told.cron, told.time_zone) == (NIGHTLY, "Asia/Kolkata")
    assert [f"{moment:%H:%M}" for moment in told.fire_times] == ["22:00"] * 3
    days = [moment.date() for moment in told.fire_times]
    assert days == sorted(set(days))
    assert told.fire_times[0] > datetime.now(UTC)
    told = preview(lab, acme, PreviewQuery(cron="0 0 29 2 *", most=1_000))
    assert (told.time_zone, len(told.fire_times)) == ("UTC", 100)
    failure = failure_of(lambda: lab.schedules.preview(acme, PreviewQuery(cron="x")))
    assert [violation.field for violation in failure.fields] == ["cron"]


def test_schedulers_hear_of_what_was_made_changed_or_resumed(
    lab: ScheduleLab, acme: Context
) -> None:
    heard: list[float] = []
    lab.lab.signals.hear(SCHEDULES_CHANGED, lambda _nothing: heard.append(time.monotonic()))
    # Told once when listening begins.
    await_value(lambda: heard or None)
    for change in (
        lambda: lab.create(acme),
        lambda: lab.schedules.update(acme, ChangedSchedule("sync", Plan(NIGHTLY, "echo"))),
        lambda: lab.schedules.pause(acme, "sync"),
        lambda: lab.schedules.resume(acme, "sync"),
    ):
        heard.clear()
        change()
        if lab.get(acme).next_fire_at is not None:
            await_value(lambda: heard or None)
