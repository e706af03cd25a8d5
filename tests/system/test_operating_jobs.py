from __future__ import annotations

import json
import signal
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from tests.servers import HOWDAH
from tests.system.conftest import EmbeddedNode


def test_the_whole_node_is_counted_without_a_tenant(embedded: EmbeddedNode) -> None:
    found = embedded.ask("jobs", "stats", "--json")
    queues = {queue["queue"]: queue for queue in found["queues"]}
    of_default = [worker for worker in found["workers"] if "default" in worker["queues"]]
    assert queues["default"]["workers"] == len(of_default) > 0
    assert queues["default"]["places"] == sum(worker["places"] for worker in of_default)
    assert found["kinds_without_worker"] == []
    shown = embedded.node.run("jobs", "stats").stdout.decode()
    assert shown.startswith("QUEUE")
    assert "default" in shown
    assert "queues" in embedded.ask("jobs", "stats", "--tenant", "acme", "--json")


def test_the_workers_say_where_they_are_and_what_they_can_run(embedded: EmbeddedNode) -> None:
    workers = embedded.ask("jobs", "workers", "--json")["workers"]
    pids = {process.pid for process in embedded.node.processes("workers.main:boot")}
    assert {worker["process_id"] for worker in workers} <= pids
    assert any("records.import" in worker["kinds"] for worker in workers)
    assert all(set(worker["versions"]) == set(worker["kinds"]) for worker in workers)
    shown = embedded.node.run("jobs", "workers").stdout.decode()
    assert "records.import v1" in shown


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Lets programs be interrupted also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_top_looks_again_and_again_until_it_is_interrupted(
    embedded: EmbeddedNode, interruptible: None
) -> None:
    with subprocess.Popen(
        [HOWDAH, "jobs", "top", "--json", "--seconds", "0.1"],
        env=embedded.node.environment,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        looks = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert all("queues" in look for look in looks)


def test_top_for_people_is_plain_where_there_is_no_terminal(embedded: EmbeddedNode) -> None:
    done = embedded.node.run("jobs", "top", "--looks", "2", "--seconds", "0.1", "--tenant", "acme")
    assert done.returncode == 0
    assert done.stdout.decode().count("QUEUE") == 2
    assert b"\x1b" not in done.stdout


def test_a_share_is_set_shown_and_taken_back(embedded: EmbeddedNode) -> None:
    def share(*options: str) -> dict[str, object]:
        asked = ("jobs", "share", "--tenant", "globex", *options, "--json")
        found: dict[str, object] = embedded.ask(*asked)["share"]
        return found

    assert share() == {"tenant_id": "globex", "weight": 1, "max_running_jobs": 0, "paused": False}
    assert share("--weight", "3", "--max-running", "2")["weight"] == 3
    assert embedded.node.run("jobs", "share", "--tenant", "globex").stdout == (
        b"globex: weight 3, at most 2.\n"
    )
    assert share("--max-running", "none", "--weight", "1")["max_running_jobs"] == 0
    assert embedded.ask("jobs", "pause", "--tenant", "globex", "--json")["share"]["paused"]
    assert not embedded.ask("jobs", "resume", "--tenant", "globex", "--json")["share"]["paused"]


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (("globex", "--max-running", "few"), 2, "--max-running"),
        (("globex", "--weight", "1001"), 1, "weight"),
        (("globex", "--weight", "0"), 2, "--weight"),
        (("nobody", "--weight", "2"), 1, "RESOURCE_NOT_FOUND"),
    ],
)
def test_a_share_that_cannot_be_is_refused(
    embedded: EmbeddedNode, options: tuple[str, ...], code: int, complaint: str
) -> None:
    found, said = embedded.refused("jobs", "share", "--tenant", *options)
    assert found == code
    assert complaint in said


def started(embedded: EmbeddedNode, tenant: str) -> str:
    period = {"start_date": "2026-01-01", "end_date": "2026-02-01"}
    body = json.dumps({**period, "idempotency_key": f"test-{uuid.uuid4()}"})
    made = embedded.ask("call", "DocumentsService/StartWorkbook", body, "--tenant", tenant)
    job_id: str = made["job"]["job_id"]
    return job_id


def test_a_job_that_is_over_shows_its_outcome_as_an_envelope(embedded: EmbeddedNode) -> None:
    job_id = started(embedded, "acme")
    outcome = embedded.ask("jobs", "wait", job_id, "--tenant", "acme", "--json")["outcome"]
    assert (outcome["ok"], outcome["data"]["tabs"], outcome["error"]) == (True, 50, None)


def test_a_job_that_was_cancelled_has_an_outcome_and_one_that_waits_has_none(
    embedded: EmbeddedNode,
) -> None:
    tenant = ("--tenant", "globex")
    embedded.ask("jobs", "pause", *tenant, "--json")
    job_id = started(embedded, "globex")
    assert embedded.ask("jobs", "get", job_id, *tenant, "--json")["outcome"] is None
    outcome = embedded.ask("jobs", "cancel", job_id, *tenant, "--json")["outcome"]
    embedded.ask("jobs", "resume", *tenant, "--json")
    assert (outcome["ok"], outcome["data"]) == (False, None)
    assert outcome["error"]["code"] == "CANCELLED"
    assert outcome["error"]["correlation_id"]
