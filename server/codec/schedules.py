"""Turns messages of schedules into commands and queries, and values into messages."""

from __future__ import annotations

from core.failures import RefusedError, field_invalid
from core.jobs.job import Job
from core.page import Page, PageRequest
from core.schedules.create_schedule import NewSchedule
from core.schedules.get_schedule import FoundSchedule
from core.schedules.preview_schedule import DEFAULT_FIRES, Preview, PreviewQuery
from core.schedules.schedule import DEFAULT_CATCH_UP, CatchUp, Fire, Overlap, Plan, Schedule
from core.schedules.update_schedule import ChangedSchedule
from howdah.schedules.v1 import schedules_pb2 as pb
from server.codec.common import timestamp
from server.codec.jobs import job_message
from server.codec.payload import payload

CATCH_UPS = {
    pb.CATCH_UP_UNSPECIFIED: CatchUp.ONCE,
    pb.CATCH_UP_SKIP: CatchUp.SKIP,
    pb.CATCH_UP_ONCE: CatchUp.ONCE,
    pb.CATCH_UP_ALL: CatchUp.ALL,
}
OVERLAPS = {
    pb.OVERLAP_UNSPECIFIED: Overlap.SKIP,
    pb.OVERLAP_SKIP: Overlap.SKIP,
    pb.OVERLAP_QUEUE: Overlap.QUEUE,
}


def new_schedule(request: pb.CreateScheduleRequest) -> NewSchedule:
    """Reads a command."""
    return NewSchedule(request.schedule_id, _plan(request.plan), request.paused)


def changed_schedule(request: pb.UpdateScheduleRequest) -> ChangedSchedule:
    """Reads a command."""
    return ChangedSchedule(request.schedule_id, _plan(request.plan))


def schedule_id(
    request: pb.GetScheduleRequest
    | pb.DeleteScheduleRequest
    | pb.PauseScheduleRequest
    | pb.ResumeScheduleRequest
    | pb.RunScheduleRequest,
) -> str:
    """Reads the id that is all there is to the request."""
    return request.schedule_id


def schedule_page(request: pb.ListSchedulesRequest) -> PageRequest:
    """Reads a query."""
    return PageRequest(request.page_size, request.page_token)


def preview_query(request: pb.PreviewScheduleRequest) -> PreviewQuery:
    """Reads a query. Refuses with FIELDS_INVALID what names both a schedule and an expression."""
    if request.schedule_id and (request.cron or request.time_zone):
        raise RefusedError(field_invalid("schedule_id", "must not be given together with cron"))
    if not request.schedule_id and not request.cron:
        raise RefusedError(field_invalid("cron", "is required, or schedule_id"))
    return PreviewQuery(
        request.schedule_id, request.cron, request.time_zone, request.count or DEFAULT_FIRES
    )


def schedule(value: Schedule) -> pb.Schedule:
    """Writes a schedule."""
    plan = value.plan
    message = pb.Schedule(
        schedule_id=value.schedule_id,
        plan=pb.SchedulePlan(
            cron=plan.cron,
            time_zone=plan.time_zone,
            kind=plan.kind,
            catch_up=pb.CatchUp.Value(f"CATCH_UP_{plan.catch_up.name}"),
            max_catch_up=plan.max_catch_up,
            overlap=pb.Overlap.Value(f"OVERLAP_{plan.overlap.name}"),
        ),
        paused=value.paused_at is not None,
        next_fire_time=timestamp(value.next_fire_at),
        held=value.held,
        last_fire=None if value.last_fire is None else fire(value.last_fire),
        key_id=value.key_id,
        create_time=timestamp(value.created_at),
        update_time=timestamp(value.updated_at),
    )
    message.plan.payload.update(dict(plan.payload))
    return message


def fire(value: Fire) -> pb.ScheduleFire:
    """Writes a fire."""
    return pb.ScheduleFire(
        fire_time=timestamp(value.fire_time),
        result=pb.FireResult.Value(f"FIRE_RESULT_{value.result.name}"),
        manual=value.manual,
        job_id=value.job_id or "",
        create_time=timestamp(value.fired_at),
    )


def created(value: Schedule) -> pb.CreateScheduleResponse:
    """Writes an answer."""
    return pb.CreateScheduleResponse(schedule=schedule(value))


def found(value: FoundSchedule) -> pb.GetScheduleResponse:
    """Writes an answer."""
    return pb.GetScheduleResponse(
        schedule=schedule(value.schedule), fires=[fire(each) for each in value.fires]
    )


def schedules(page: Page[Schedule]) -> pb.ListSchedulesResponse:
    """Writes a page."""
    return pb.ListSchedulesResponse(
        schedules=[schedule(item) for item in page.items], next_page_token=page.next_token
    )


def updated(value: Schedule) -> pb.UpdateScheduleResponse:
    """Writes an answer."""
    return pb.UpdateScheduleResponse(schedule=schedule(value))


def deleted(_value: None) -> pb.DeleteScheduleResponse:
    """Writes an answer."""
    return pb.DeleteScheduleResponse()


def paused(value: Schedule) -> pb.PauseScheduleResponse:
    """Writes an answer."""
    return pb.PauseScheduleResponse(schedule=schedule(value))


def resumed(value: Schedule) -> pb.ResumeScheduleResponse:
    """Writes an answer."""
    return pb.ResumeScheduleResponse(schedule=schedule(value))


def run(value: Job) -> pb.RunScheduleResponse:
    """Writes an answer."""
    return pb.RunScheduleResponse(job=job_message(value))


def preview(value: Preview) -> pb.PreviewScheduleResponse:
    """Writes an answer."""
    message = pb.PreviewScheduleResponse(cron=value.cron, time_zone=value.time_zone)
    for moment in value.fire_times:
        message.fire_times.add().FromDatetime(moment)
    return message


def _plan(message: pb.SchedulePlan) -> Plan:
    return Plan(
        cron=message.cron,
        kind=message.kind,
        payload=payload(message.payload, "plan.payload"),
        time_zone=message.time_zone,
        catch_up=CATCH_UPS[message.catch_up],
        max_catch_up=message.max_catch_up or DEFAULT_CATCH_UP,
        overlap=OVERLAPS[message.overlap],
    )
