from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.servers import eventually
from tests.system.conftest import EmbeddedNode

WORKBOOK = json.dumps({"start_date": "2026-01-01", "end_date": "2026-02-01"})
PLAN = ("--cron", "* * * * *", "--kind", "documents.workbook", "--payload", WORKBOOK)
# A minute may have begun just now, and the job may take a while to start.
A_MINUTE_AND_MORE = 100.0


def ask(node: EmbeddedNode, *arguments: str) -> Any:
    return node.ask("schedules", *arguments, "--tenant", "acme", "--json")


@pytest.mark.timeout(180)
def test_a_schedule_fires_by_itself_within_a_second_and_its_job_runs(
    embedded: EmbeddedNode,
) -> None:
    made = ask(embedded, "create", "minutely", *PLAN)["schedule"]
    assert made["plan"]["payload"] == json.loads(WORKBOOK)

    def fired() -> Any:
        return ask(embedded, "get", "minutely")["fires"]

    (fire, *_) = eventually(fired, A_MINUTE_AND_MORE, pause=1.0)[::-1]
    assert fire["result"] == "FIRE_RESULT_SUBMITTED"
    assert fire["fire_time"] == made["next_fire_time"]
    late = datetime.fromisoformat(fire["create_time"]) - datetime.fromisoformat(fire["fire_time"])
    assert 0 <= late.total_seconds() < 1
    ask(embedded, "delete", "minutely")
    ended = embedded.ask("jobs", "wait", fire["job_id"], "--tenant", "acme", "--json")["job"]
    assert ended["state"] == "JOB_STATE_SUCCEEDED"
    _code, metrics = embedded.node.page("/metrics")
    assert 'schedule_fires_total{result="submitted"}' in metrics
    assert "schedule_fire_lateness_seconds_bucket" in metrics


def test_a_schedule_is_managed_on_the_command_line(embedded: EmbeddedNode) -> None:
    ask(embedded, "create", "nightly", *PLAN, "--paused")
    changed = ask(embedded, "update", "nightly", "--cron", "30 2 * * *", "--catch-up", "all")
    plan = changed["schedule"]["plan"]
    assert (plan["cron"], plan["catch_up"], plan["max_catch_up"]) == (
        *("30 2 * * *", "CATCH_UP_ALL"),
        10,
    )
    assert plan["payload"] == json.loads(WORKBOOK)
    assert changed["schedule"]["paused"]
    assert not ask(embedded, "resume", "nightly")["schedule"]["paused"]
    job = ask(embedded, "run", "nightly")["job"]
    assert job["kind"] == "documents.workbook"
    assert ask(embedded, "pause", "nightly")["schedule"]["paused"]
    (fire,) = ask(embedded, "get", "nightly")["fires"]
    assert (fire["manual"], fire["job_id"]) == (True, job["job_id"])
    told = ask(embedded, "preview", "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin")
    assert len(told["fire_times"]) == 10
    listed = ask(embedded, "list")["schedules"]
    assert [schedule["schedule_id"] for schedule in listed] == ["nightly"]

    shown = {
        command: embedded.node.run("schedules", *command.split(), "--tenant", "acme")
        for command in ("list", "get nightly", "preview nightly --count 3", "delete nightly")
    }
    assert {done.returncode for done in shown.values()} == {0}
    assert b"submitted by hand" in shown["get nightly"].stdout
    assert shown["preview nightly --count 3"].stdout.count(b"02:30:00 UTC") == 3
    assert ask(embedded, "list")["schedules"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("get", "missing"), 1, "RESOURCE_NOT_FOUND"),
        (("create", "x", "--cron", "@daily", "--kind", "documents.workbook"), 1, "plan.cron"),
        (("create", "x", "--cron", "* * * * *", "--kind", "nothing"), 1, "JOB_KIND_UNKNOWN"),
        (("create", "x", *PLAN, "--payload", "{"), 2, "is no JSON object"),
        (("create", "x", *PLAN, "--overlap", "sometimes"), 2, "sometimes"),
        (("preview",), 1, "cron: is required"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...], code: int, complaint: str, embedded: EmbeddedNode
) -> None:
    found, said = embedded.refused("schedules", *arguments, "--tenant", "acme")
    assert found == code
    assert complaint in said
