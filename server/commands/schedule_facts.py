"""Shows a schedule to people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer

from howdah.schedules.v1 import schedules_pb2 as pb
from server.commands.output import as_dict, moment, print_json, print_table


def show(response: Any, *, as_json: bool) -> None:
    """Prints the schedule of a response."""
    if as_json:
        print_json(response)
        return
    for name, value in _facts(response.schedule):
        if value:
            typer.echo(f"{name:<12}{value}")


def _facts(schedule: pb.Schedule) -> Iterable[tuple[str, str]]:
    plan = schedule.plan
    yield "schedule", schedule.schedule_id
    yield "cron", f"{plan.cron}  ({plan.time_zone})"
    yield "kind", plan.kind
    yield (
        "payload",
        json.dumps(as_dict(plan.payload), ensure_ascii=False) if plan.payload.fields else "",
    )
    catch_up = pb.CatchUp.Name(plan.catch_up).removeprefix("CATCH_UP_").lower()
    most = f", at most {plan.max_catch_up}" if plan.catch_up == pb.CATCH_UP_ALL else ""
    yield "catch-up", catch_up + most
    yield "overlap", pb.Overlap.Name(plan.overlap).removeprefix("OVERLAP_").lower()
    yield "next (UTC)", next_of(schedule)
    yield "runs as", schedule.key_id
    yield "created", moment(schedule.create_time)


def show_fires(fires: Sequence[pb.ScheduleFire]) -> None:
    """Prints what became of fires."""
    print_table(
        ("FIRE (UTC)", "CAME TO", "JOB"),
        [(moment(fire.fire_time), result_of(fire), fire.job_id) for fire in fires],
        "It has not fired yet.",
    )


def next_of(schedule: pb.Schedule) -> str:
    """Returns when it fires next, in words where it does not."""
    if schedule.paused:
        return "paused"
    return moment(schedule.next_fire_time) + (", held" if schedule.held else "")


def result_of(fire: pb.ScheduleFire) -> str:
    """Returns what became of a fire, as the command line names it; "" where there was none."""
    if fire.result == pb.FIRE_RESULT_UNSPECIFIED:
        return ""
    result = pb.FireResult.Name(fire.result).removeprefix("FIRE_RESULT_").lower()
    return f"{result} by hand" if fire.manual else result
