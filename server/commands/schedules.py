"""Manages the schedules of one tenant."""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import typer
from google.protobuf.json_format import Parse, ParseError

from howdah.schedules.v1 import schedules_pb2 as pb
from server.commands.direct import ask, running_node
from server.commands.output import moment, print_json, print_table
from server.commands.schedule_facts import next_of, result_of, show, show_fires
from server.servicers.schedules import schedules_service

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Manage schedules, which start jobs by cron."
)


class CatchUp(StrEnum):
    """Lists the policies as they are typed."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """Lists the policies as they are typed."""

    SKIP = "skip"
    QUEUE = "queue"


SCHEDULE_ID = typer.Argument(help="Id of the schedule, such as nightly-sync.")
TENANT = typer.Option(
    ..., "--tenant", envvar="HOWDAH_TENANT", help="Tenant that the schedule belongs to."
)
JSON = typer.Option(False, "--json", help="Print JSON for programs.")
CRON = typer.Option(None, "--cron", help="Minute, hour, day, month, weekday: '30 3 * * *'.")
TIME_ZONE = typer.Option(None, "--time-zone", help="IANA name; the tenant's where not given.")
KIND = typer.Option(None, "--kind", help="Kind of job, such as documents.workbook.")
PAYLOAD = typer.Option(None, "--payload", help="What the job is given, a JSON object.")
CATCH_UP = typer.Option(None, "--catch-up", help="Of missed fires, make none, the last, or all.")
MAX_CATCH_UP = typer.Option(None, "--max-catch-up", help="With all: at most so many.")
OVERLAP = typer.Option(None, "--overlap", help="While an earlier job goes on: skip, or queue.")


@app.command()
def create(
    schedule_id: str = SCHEDULE_ID,
    tenant: str = TENANT,
    cron: str = typer.Option(
        ..., "--cron", help="'30 3 * * *': minute, hour, day, month, weekday."
    ),
    kind: str = typer.Option(..., "--kind", help="Kind of job, such as documents.workbook."),
    time_zone: str | None = TIME_ZONE,
    payload: str | None = PAYLOAD,
    catch_up: CatchUp | None = CATCH_UP,
    max_catch_up: int | None = MAX_CATCH_UP,
    overlap: Overlap | None = OVERLAP,
    paused: bool = typer.Option(False, "--paused", help="Create it paused."),
    as_json: bool = JSON,
) -> None:
    """Create a schedule; its jobs run in the operator's name."""
    plan = _changed(
        pb.SchedulePlan(), cron, kind, time_zone, payload, catch_up, max_catch_up, overlap
    )
    request = pb.CreateScheduleRequest(schedule_id=schedule_id, plan=plan, paused=paused)
    show(_ask("CreateSchedule", request, tenant), as_json=as_json)


@app.command("list")
def list_schedules(
    tenant: str = TENANT,
    page_size: int = typer.Option(50, help="Greatest number of schedules, up to 500."),
    page_token: str = typer.Option("", help="Where the page before ended."),
    as_json: bool = JSON,
) -> None:
    """List schedules by id."""
    request = pb.ListSchedulesRequest(page_size=page_size, page_token=page_token)
    response = _ask("ListSchedules", request, tenant)
    if as_json:
        print_json(response)
        return
    print_table(
        ("SCHEDULE", "CRON", "TIME ZONE", "KIND", "NEXT (UTC)", "LAST (UTC)", "LAST CAME TO"),
        [
            (
                schedule.schedule_id,
                schedule.plan.cron,
                schedule.plan.time_zone,
                schedule.plan.kind,
                next_of(schedule),
                moment(schedule.last_fire.fire_time),
                result_of(schedule.last_fire),
            )
            for schedule in response.schedules
        ],
        "The tenant has no schedules.",
        response.next_page_token,
    )


@app.command()
def get(schedule_id: str = SCHEDULE_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Show one schedule and its latest fires."""
    request = pb.GetScheduleRequest(schedule_id=schedule_id)
    response = _ask("GetSchedule", request, tenant)
    show(response, as_json=as_json)
    if not as_json:
        show_fires(response.fires)


@app.command()
def update(
    schedule_id: str = SCHEDULE_ID,
    tenant: str = TENANT,
    cron: str | None = CRON,
    kind: str | None = KIND,
    time_zone: str | None = TIME_ZONE,
    payload: str | None = PAYLOAD,
    catch_up: CatchUp | None = CATCH_UP,
    max_catch_up: int | None = MAX_CATCH_UP,
    overlap: Overlap | None = OVERLAP,
    as_json: bool = JSON,
) -> None:
    """Change what is given of a schedule's plan; the rest stays."""
    before = _ask("GetSchedule", pb.GetScheduleRequest(schedule_id=schedule_id), tenant)
    plan = _changed(
        before.schedule.plan, cron, kind, time_zone, payload, catch_up, max_catch_up, overlap
    )
    request = pb.UpdateScheduleRequest(schedule_id=schedule_id, plan=plan)
    show(_ask("UpdateSchedule", request, tenant), as_json=as_json)


@app.command()
def delete(schedule_id: str = SCHEDULE_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Delete a schedule; jobs that it started go on."""
    request = pb.DeleteScheduleRequest(schedule_id=schedule_id)
    response = _ask("DeleteSchedule", request, tenant)
    if as_json:
        print_json(response)
    else:
        typer.echo(f"Deleted schedule {schedule_id}.")


@app.command()
def pause(schedule_id: str = SCHEDULE_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Keep a schedule from firing."""
    request = pb.PauseScheduleRequest(schedule_id=schedule_id)
    show(_ask("PauseSchedule", request, tenant), as_json=as_json)


@app.command()
def resume(schedule_id: str = SCHEDULE_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Let a paused schedule fire again."""
    request = pb.ResumeScheduleRequest(schedule_id=schedule_id)
    show(_ask("ResumeSchedule", request, tenant), as_json=as_json)


@app.command()
def run(schedule_id: str = SCHEDULE_ID, tenant: str = TENANT, as_json: bool = JSON) -> None:
    """Start the job of a schedule now; follow it with `howdah jobs watch`."""
    request = pb.RunScheduleRequest(schedule_id=schedule_id)
    response = _ask("RunSchedule", request, tenant)
    if as_json:
        print_json(response)
    else:
        typer.echo(response.job.job_id)


@app.command()
def preview(
    schedule_id: str = typer.Argument("", help="Id of a schedule; or else name --cron."),
    tenant: str = TENANT,
    cron: str = typer.Option("", "--cron", help="Expression to look at."),
    time_zone: str = typer.Option("", "--time-zone", help="IANA name; the tenant's by default."),
    count: int = typer.Option(10, help="How many times, up to 100."),
    as_json: bool = JSON,
) -> None:
    """Tell when a schedule or an expression fires next."""
    request = pb.PreviewScheduleRequest(
        schedule_id=schedule_id, cron=cron, time_zone=time_zone, count=count
    )
    response = _ask("PreviewSchedule", request, tenant)
    if as_json:
        print_json(response)
        return
    zone = ZoneInfo(response.time_zone)
    for time in response.fire_times:
        typer.echo(f"{time.ToDatetime(UTC).astimezone(zone):%a %F %T %Z}")


def _changed(
    plan: pb.SchedulePlan,
    cron: str | None,
    kind: str | None,
    time_zone: str | None,
    payload: str | None,
    catch_up: CatchUp | None,
    max_catch_up: int | None,
    overlap: Overlap | None,
) -> pb.SchedulePlan:
    """Returns the plan with what was given changed in it."""
    given: dict[str, Any] = {
        "cron": cron,
        "kind": kind,
        "time_zone": time_zone,
        "catch_up": catch_up and f"CATCH_UP_{catch_up.name}",
        "max_catch_up": max_catch_up,
        "overlap": overlap and f"OVERLAP_{overlap.name}",
    }
    for name, value in given.items():
        if value is not None:
            setattr(plan, name, value)
    if payload is not None:
        plan.ClearField("payload")
        try:
            Parse(payload, plan.payload)
        except ParseError as fault:
            raise typer.BadParameter(
                f"is no JSON object: {fault}", param_hint="--payload"
            ) from None
    return plan


def _ask(method: str, request: Any, tenant: str) -> Any:
    with running_node(tenant) as node:
        return ask(schedules_service(node.schedules), method, request, tenant)
