"""Webhooks of a whole node, managed on its command line and received over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import webhook_receiver
from tests.servers import OwnNode, eventually, free_port
from tests.system.conftest import EmbeddedNode, short_directory
from tests.webhook_lab import verified
from tests.webhook_receiver import Receiver, answer, receiving

TREE = Path(__file__).parent.parent.parent
DELIVERY_THREADS = 2


@pytest.fixture(scope="module")
def telling() -> Iterator[EmbeddedNode]:
    """Is a node that may send to this machine."""
    directory = short_directory("hooks")
    node = OwnNode(
        directory,
        {
            "HOWDAH_SERVER_PROCESSES": "1",
            "HOWDAH_WORKER_PROCESSES": "1",
            "HOWDAH_WEBHOOK_WORKER_THREADS": str(DELIVERY_THREADS),
            "HOWDAH_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
            # Longer than a job takes on a busy machine.
            "HOWDAH_WEBHOOK_TIMEOUT_SECONDS": "60",
        },
    )
    try:
        found = EmbeddedNode(node, directory, {})
        found.ask("tenants", "create", "acme", "--json")
        yield found
    finally:
        code, log = node.stop(), node.log()
        shutil.rmtree(directory, ignore_errors=True)
    assert code == 0, log[-3000:]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def webhooks(telling: EmbeddedNode, *arguments: str) -> Any:
    return telling.ask("webhooks", *arguments, "--tenant", "acme", "--json")


def start_job(telling: EmbeddedNode) -> str:
    """Starts a workbook; returns the id of its job."""
    request = {
        "start_date": "2026-01-01",
        "end_date": "2026-02-01",
        "idempotency_key": f"test-{uuid.uuid4()}",
    }
    started = telling.ask("call", "StartWorkbook", json.dumps(request), "--tenant", "acme")
    return str(started["job"]["job_id"])


def deliveries(telling: EmbeddedNode, endpoint_id: str, *filters: str) -> Any:
    return webhooks(telling, "deliveries", "--endpoint", endpoint_id, *filters)["deliveries"]


def test_the_end_of_a_job_is_told_and_can_be_told_again(
    telling: EmbeddedNode, receiver: Receiver
) -> None:
    receiver.will(answer(500, b"not yet"))
    made = webhooks(telling, "create", receiver.url, "--kind", "documents.workbook")
    endpoint_id = made["endpoint"]["endpoint_id"]
    job_id = start_job(telling)

    # The second try comes five seconds after the first.
    eventually(lambda: len(receiver.requests) == 2)
    for request in receiver.requests:
        payload = verified(request, made["secret"])
        assert (payload["type"], payload["data"]["job_id"]) == ("job.succeeded", job_id)
        assert payload["data"]["file_id"]
    [told] = eventually(lambda: deliveries(telling, endpoint_id, "--state", "delivered"))
    assert [attempt["status"] for attempt in told["attempts"]] == [500, 204]
    assert told["attempts"][0]["answer"] == "not yet"
    assert told["subject_job_id"] == job_id

    webhooks(telling, "redeliver", told["message_id"])
    eventually(lambda: len(receiver.requests) == 3)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    eventually(lambda: 'webhook_deliveries_total{result="delivered"} 2.0' in metrics(telling))
    assert 'webhook_deliveries_total{result="failed"} 1.0' in metrics(telling)
    webhooks(telling, "delete", endpoint_id)


def metrics(telling: EmbeddedNode) -> str:
    return telling.node.page("/metrics")[1]


def test_a_receiver_that_hangs_takes_no_place_of_other_jobs(
    telling: EmbeddedNode, receiver: Receiver
) -> None:
    receiver.will(*[webhook_receiver.hang] * DELIVERY_THREADS)
    made = webhooks(telling, "create", receiver.url, "--event", "job.dead")
    endpoint_id = made["endpoint"]["endpoint_id"]
    for _ in range(DELIVERY_THREADS + 1):
        webhooks(telling, "test", endpoint_id)
    eventually(lambda: len(receiver.requests) == DELIVERY_THREADS)

    done = telling.ask("jobs", "wait", start_job(telling), "--tenant", "acme", "--json")

    assert done["job"]["state"] == "JOB_STATE_SUCCEEDED"
    assert len(receiver.requests) == DELIVERY_THREADS
    receiver.release.set()
    eventually(lambda: deliveries(telling, endpoint_id, "--state", "delivered"))
    webhooks(telling, "delete", endpoint_id)


def test_php_verifies_what_the_node_sends(telling: EmbeddedNode, tmp_path: Path) -> None:
    php, address = shutil.which("php"), f"127.0.0.1:{free_port()}"
    assert php is not None, "php is missing: run tools/debian.sh php"
    made = webhooks(telling, "create", f"http://{address}/", "--event", "job.dead")
    endpoint_id, log = made["endpoint"]["endpoint_id"], tmp_path / "php.log"
    with log.open("wb") as output:
        receiving = subprocess.Popen(
            [php, "-S", address, TREE / "clients/php/examples/webhook.php"],
            env={**os.environ, "HOWDAH_WEBHOOK_SECRET": made["secret"]},
            stderr=output,
        )
    try:
        eventually(lambda: "started" in log.read_text("utf-8"))
        webhooks(telling, "test", endpoint_id)
        [delivered] = eventually(lambda: deliveries(telling, endpoint_id, "--state", "delivered"))
        webhooks(telling, "rotate", endpoint_id, "--overlap-hours", "0")
        webhooks(telling, "test", endpoint_id)
        refused = eventually(lambda: _with_attempts(deliveries(telling, endpoint_id)))
    finally:
        receiving.terminate()
        receiving.wait(10)

    assert f"{delivered['message_id']} webhook.test" in log.read_text("utf-8")
    assert refused["attempts"][0]["status"] == 400
    assert "No signature of the webhook is good" in log.read_text("utf-8")
    webhooks(telling, "delete", endpoint_id)


def _with_attempts(found: Any) -> Any:
    """Returns the newest delivery once it was tried."""
    return found[0] if found[0]["attempts"] else None


def test_an_endpoint_is_managed_on_the_command_line(telling: EmbeddedNode) -> None:
    made = webhooks(telling, "create", "https://receiver.example/hooks", "--event", "job.dead")
    endpoint_id = made["endpoint"]["endpoint_id"]

    rotated = webhooks(telling, "rotate", endpoint_id, "--overlap-hours", "1")
    assert rotated["secret"] != made["secret"]
    off = webhooks(telling, "update", endpoint_id, "--disable", "--everything")["endpoint"]
    assert (off["enabled"], off["filter"]) == (False, {"event_types": [], "job_kinds": []})
    assert webhooks(telling, "get", endpoint_id)["endpoint"] == off
    assert webhooks(telling, "list")["endpoints"] == [off]
    code, complaint = telling.refused("webhooks", "test", endpoint_id, "--tenant", "acme")
    assert code == 1
    assert "WEBHOOK_ENDPOINT_DISABLED" in complaint
    assert "Disabled by its owner." in complaint
    again = webhooks(telling, "redeliver", "--from", "2026-01-01", "--only-failed", "--dry-run")
    assert again == {"redeliveries": [], "more": False}
    code, complaint = telling.refused("webhooks", "redeliver", "--tenant", "acme")
    assert (code, "--from" in complaint) == (2, True)
    shown = telling.node.run("webhooks", "list", "--tenant", "acme").stdout.decode()
    assert endpoint_id[:8] in shown
    assert "disabled since" in shown.replace("\n", " ")
    assert webhooks(telling, "delete", endpoint_id) == {}
    code, complaint = telling.refused("webhooks", "get", endpoint_id, "--tenant", "acme")
    assert (code, "RESOURCE_NOT_FOUND" in complaint) == (1, True)
