from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from howdah.schedules.v1 import schedules_pb2 as pb
from tests.rpc.conftest import Answer, Caller, RunningNode, an_idempotency_key

SERVICE = "/howdah.schedules.v1.SchedulesService"
PAYLOAD = {"start_date": "2026-01-01", "end_date": "2026-02-01"}


def plan(**changes: Any) -> pb.SchedulePlan:
    payload = changes.pop("payload", PAYLOAD)
    made = pb.SchedulePlan(**{"cron": "30 2 * * *", "kind": "documents.workbook", **changes})
    made.payload.update(payload)
    return made


def create(caller: Caller, schedule_id: str, **changes: Any) -> Answer:
    request = pb.CreateScheduleRequest(schedule_id=schedule_id, plan=plan(**changes))
    return caller.call(f"{SERVICE}/CreateSchedule", request)


def created(caller: Caller, schedule_id: str = "", **changes: Any) -> pb.Schedule:
    answer = create(caller, schedule_id or f"s-{uuid.uuid4()}", **changes)
    assert answer.code == "OK", answer
    return pb.CreateScheduleResponse.FromString(answer.messages[0]).schedule


def get(caller: Caller, schedule_id: str) -> pb.GetScheduleResponse:
    request = pb.GetScheduleRequest(schedule_id=schedule_id)
    answer = caller.call(f"{SERVICE}/GetSchedule", request)
    assert answer.code == "OK", answer
    return pb.GetScheduleResponse.FromString(answer.messages[0])


def test_a_schedule_is_told_with_everything_the_contract_promises(running: RunningNode) -> None:
    payload = {**PAYLOAD, "title": "Słonie"}
    made = created(running.acme, "nightly", time_zone="Europe/Berlin", payload=payload)
    told = get(running.viewer, "nightly")
    assert told.schedule == made
    assert not told.fires
    assert MessageToDict(made.plan, preserving_proto_field_name=True) == {
        "cron": "30 2 * * *",
        "time_zone": "Europe/Berlin",
        "kind": "documents.workbook",
        "payload": payload,
        "catch_up": "CATCH_UP_ONCE",
        "max_catch_up": 10,
        "overlap": "OVERLAP_SKIP",
    }
    assert made.key_id == running.acme.key.key_id
    assert made.next_fire_time.seconds > made.create_time.seconds == made.update_time.seconds
    assert (made.paused, made.held, made.HasField("last_fire")) == (False, False, False)


def test_a_repeat_with_the_same_key_creates_one_schedule(running: RunningNode) -> None:
    request = pb.CreateScheduleRequest(
        schedule_id="once", plan=plan(), idempotency_key=an_idempotency_key()
    )
    answers = [running.acme.call(f"{SERVICE}/CreateSchedule", request) for _ in range(2)]
    assert [answer.code for answer in answers] == ["OK", "OK"]
    assert answers[0].messages == answers[1].messages
    again = create(running.acme, "once")
    assert (again.code, again.reason) == ("ALREADY_EXISTS", "RESOURCE_EXISTS")
    assert again.metadata["resource_name"] == "once"


@pytest.mark.parametrize(
    ("changes", "reason", "fields"),
    [
        ({"kind": "documents.workboook"}, "JOB_KIND_UNKNOWN", []),
        ({"cron": "0 3 * *"}, "FIELDS_INVALID", ["plan.cron"]),
        ({"cron": ""}, "FIELDS_INVALID", ["plan.cron"]),
        ({"time_zone": "Europe/Nowhere"}, "FIELDS_INVALID", ["plan.time_zone"]),
        ({"max_catch_up": 101}, "FIELDS_INVALID", ["plan.max_catch_up"]),
        ({"overlap": 99}, "FIELDS_INVALID", ["plan.overlap"]),
        ({"payload": {"a": float("nan")}}, "FIELDS_INVALID", ["plan.payload"]),
        (
            {"payload": {"a": [{"b\x00": 1}]}},
            "FIELDS_INVALID",
            ["plan.payload.fields['a'].list_value.values[0].struct_value.fields['b\\x00']"],
        ),
        ({"payload": {"a": "x" * 70_000}}, "FIELDS_INVALID", ["plan.payload"]),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(
    changes: dict[str, Any], reason: str, fields: list[str], running: RunningNode
) -> None:
    answer = create(running.acme, "wrong", **changes)
    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", reason)
    assert list(answer.fields) == fields


def test_a_schedule_is_listed_changed_paused_resumed_and_deleted(running: RunningNode) -> None:
    globex = running.globex
    for number in range(3):
        created(globex, f"list-{number}")
    listed, token = [], ""
    while True:
        request = pb.ListSchedulesRequest(page_size=2, page_token=token)
        answer = globex.call(f"{SERVICE}/ListSchedules", request)
        page = pb.ListSchedulesResponse.FromString(answer.messages[0])
        listed += [schedule.schedule_id for schedule in page.schedules]
        token = page.next_page_token
        if not token:
            break
    assert listed == ["list-0", "list-1", "list-2"]

    changed = globex.call(
        f"{SERVICE}/UpdateSchedule",
        pb.UpdateScheduleRequest(schedule_id="list-0", plan=plan(overlap=pb.OVERLAP_QUEUE)),
    )
    told = pb.UpdateScheduleResponse.FromString(changed.messages[0]).schedule
    assert told.plan.overlap == pb.OVERLAP_QUEUE
    paused = globex.call(f"{SERVICE}/PauseSchedule", pb.PauseScheduleRequest(schedule_id="list-0"))
    told = pb.PauseScheduleResponse.FromString(paused.messages[0]).schedule
    assert (told.paused, told.HasField("next_fire_time")) == (True, False)
    resumed = globex.call(
        f"{SERVICE}/ResumeSchedule", pb.ResumeScheduleRequest(schedule_id="list-0")
    )
    told = pb.ResumeScheduleResponse.FromString(resumed.messages[0]).schedule
    assert (told.paused, told.HasField("next_fire_time")) == (False, True)
    gone = pb.DeleteScheduleRequest(schedule_id="list-0")
    codes = [globex.call(f"{SERVICE}/DeleteSchedule", gone).code for _ in range(2)]
    assert codes == ["OK", "NOT_FOUND"]


def test_a_job_is_started_now_and_once_for_a_key(running: RunningNode) -> None:
    schedule_id = created(running.acme).schedule_id
    request = pb.RunScheduleRequest(schedule_id=schedule_id)
    refused = running.acme.call(f"{SERVICE}/RunSchedule", request)
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_MISSING")
    request.idempotency_key = an_idempotency_key()
    answers = [running.acme.call(f"{SERVICE}/RunSchedule", request) for _ in range(2)]
    jobs = [pb.RunScheduleResponse.FromString(answer.messages[0]).job for answer in answers]
    assert jobs[0].job_id == jobs[1].job_id
    assert jobs[0].kind == "documents.workbook"
    told = get(running.acme, schedule_id)
    (fire,) = told.fires
    assert (fire.job_id, fire.manual) == (jobs[0].job_id, True)
    assert fire.result == pb.FIRE_RESULT_SUBMITTED
    assert told.schedule.last_fire == fire
    assert fire.fire_time.seconds <= fire.create_time.seconds


def preview(caller: Caller, **query: Any) -> Answer:
    return caller.call(f"{SERVICE}/PreviewSchedule", pb.PreviewScheduleRequest(**query))


def test_a_preview_is_of_a_schedule_or_of_an_expression(running: RunningNode) -> None:
    schedule_id = created(running.acme, time_zone="Asia/Kolkata").schedule_id
    answer = preview(running.viewer, schedule_id=schedule_id, count=2)
    told = pb.PreviewScheduleResponse.FromString(answer.messages[0])
    assert (told.cron, told.time_zone, len(told.fire_times)) == ("30 2 * * *", "Asia/Kolkata", 2)
    assert {time.ToJsonString()[11:] for time in told.fire_times} == {"21:00:00Z"}
    answer = preview(running.viewer, cron="0 0 * * MON", time_zone="Europe/Berlin")
    told = pb.PreviewScheduleResponse.FromString(answer.messages[0])
    assert len(told.fire_times) == 10
    assert {time.ToDatetime().weekday() for time in told.fire_times} == {6}  # Sunday in UTC
    for query, field in (
        ({"schedule_id": schedule_id, "cron": "* * * * *"}, "schedule_id"),
        ({}, "cron"),
        ({"cron": "x"}, "cron"),
        ({"cron": "* * * * *", "count": 101}, "count"),
    ):
        answer = preview(running.viewer, **query)
        assert (answer.reason, answer.fields) == ("FIELDS_INVALID", (field,))
