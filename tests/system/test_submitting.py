"""Submits jobs to a deployed node: by call, by command and by SQL, and over its restart."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from howdah.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from howdah_client import Credential, HowdahError, SignedChannel, connect
from tests.servers import OwnNode, OwnPostgres, OwnRedis, environment_of_servers, eventually

KIND = "documents.workbook"
ENQUEUE = Path(__file__).parent.parent.parent / "clients/php/examples/enqueue.php"
WORKBOOK = {"kind": KIND, "payload": {"period": "last_day"}}


@dataclass(frozen=True)
class Deployed:
    """Is a node on servers of its own, with a key of the tenant acme."""

    node: OwnNode
    postgres: OwnPostgres
    redis: OwnRedis
    credential: Credential

    def ask(self, *arguments: str, body: Any = None) -> Any:
        """Runs a command on acme's jobs, and returns the JSON it prints."""
        done = self.node.run(
            "jobs", *arguments, "--tenant", "acme", "--json", body=json.dumps(body).encode()
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def deployed(server_directory: Path) -> Iterator[Deployed]:
    directory = server_directory / "submitting"
    directory.mkdir()
    postgres, redis = OwnPostgres(directory / "pg"), OwnRedis(directory / "redis")
    node = OwnNode(
        directory,
        {
            **environment_of_servers(postgres, redis, directory),
            "HOWDAH_SERVER_PROCESSES": "1",
            "HOWDAH_WORKER_PROCESSES": "1",
        },
    )
    try:
        made = node.run("tenants", "create", "acme", "--currency", "USD", "--json")
        assert made.returncode == 0, made.stderr
        key = node.run("keys", "create", "--tenant", "acme", "--role", "editor", "--json")
        assert key.returncode == 0, key.stderr
        shown = json.loads(key.stdout)
        credential = Credential(shown["credential"]["key_id"], shown["secret"])
        yield Deployed(node, postgres, redis, credential)
    finally:
        assert node.stop() == 0, node.log()[-3000:]
        redis.stop()
        postgres.close()


def submit(channel: SignedChannel, key: str, period: str = "last_day") -> str:
    request = jobs_pb2.SubmitJobRequest(idempotency_key=key)
    request.spec.kind = KIND
    request.spec.payload.update({"period": period})
    stub = jobs_pb2_grpc.JobsServiceStub(channel)
    job_id: str = stub.SubmitJob(request, timeout=20).job.job_id
    return job_id


@pytest.mark.timeout(240)
def test_a_key_starts_one_job_over_a_restart_of_everything_and_a_wiped_redis(
    deployed: Deployed,
) -> None:
    key = "the-report-of-today"
    with connect(deployed.node.grpc_address, deployed.credential, tenant="acme") as channel:
        first = submit(channel, key)

    assert deployed.node.stop() == 0, deployed.node.log()[-3000:]
    deployed.redis.wipe()
    deployed.postgres.stop()
    deployed.postgres.start()
    deployed.node.start()

    with connect(deployed.node.grpc_address, deployed.credential, tenant="acme") as channel:
        assert submit(channel, key) == first
        with pytest.raises(HowdahError) as refused:
            submit(channel, key, period="last_week")
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
    assert len(deployed.ask("list")["jobs"]) == 1
    assert deployed.ask("wait", first)["job"]["state"] == "JOB_STATE_SUCCEEDED"


@pytest.mark.timeout(120)
def test_a_job_that_was_enqueued_by_sql_runs(deployed: Deployed) -> None:
    with psycopg.connect(deployed.postgres.url("howdah_enqueuer")) as connection:

        def known() -> bool:
            # The dispatcher tells the database which kinds there are, soon after its start.
            try:
                connection.execute("SELECT howdah.enqueue(%s, 'acme', 'probe', '{}')", (KIND,))
            except psycopg.DatabaseError as refused:
                if refused.sqlstate != "HW004":
                    raise
                return False
            finally:
                connection.rollback()
            return True

        eventually(known)
        row = connection.execute(
            "SELECT howdah.enqueue(%s, 'acme', 'order-7', %s)",
            (KIND, json.dumps({"period": "last_month"})),
        ).fetchone()
    assert row is not None

    assert deployed.ask("wait", str(row[0]))["job"]["state"] == "JOB_STATE_SUCCEEDED"


@pytest.mark.timeout(120)
def test_what_was_enqueued_by_sql_and_is_wrong_fails_with_a_reason(deployed: Deployed) -> None:
    with psycopg.connect(deployed.postgres.url("howdah_enqueuer")) as connection:
        row = connection.execute(
            "SELECT howdah.enqueue(%s, 'acme', 'order-8', '{\"period\": \"never\"}')", (KIND,)
        ).fetchone()
    assert row is not None

    def look() -> Any:
        job = deployed.ask("get", str(row[0]))["job"]
        return job if job["state"] == "JOB_STATE_FAILED" else None

    job = eventually(look, pause=0.5)
    assert job["error"]["reason"] == "FIELDS_INVALID"
    assert [fault["field"] for fault in job["error"]["fields"]] == ["period"]


@pytest.mark.timeout(120)
def test_php_submits_a_job_in_a_transaction_of_its_own(deployed: Deployed) -> None:
    connection = psycopg.conninfo.conninfo_to_dict(deployed.postgres.url("howdah_enqueuer"))
    dsn = f"pgsql:host={connection['host']};dbname=howdah;user=howdah_enqueuer"

    def php(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["php", ENQUEUE, dsn, "acme", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    first, again = php("php-1"), php("php-1")
    undone = php("php-2", "rollback")
    assert (first.returncode, undone.returncode) == (0, 0), first.stderr + undone.stderr
    assert again.stdout == first.stdout
    job_id = first.stdout.strip()
    assert deployed.ask("wait", job_id)["job"]["state"] == "JOB_STATE_SUCCEEDED"
    assert (
        deployed.node.run("jobs", "get", undone.stdout.strip(), "--tenant", "acme").returncode == 1
    )

    refused = subprocess.run(
        ["php", ENQUEUE, dsn, "nobody", "php-3"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("HW002: ")


@pytest.mark.timeout(120)
def test_jobs_batches_and_chains_are_submitted_by_command(deployed: Deployed) -> None:
    alone = ("submit", KIND, "--payload", '{"period": "last_day"}', "--unique-key", "a")
    job = deployed.ask(*alone, "--delay", "3600", "--priority", "bulk")["job"]
    assert (job["state"], job["priority"]) == ("JOB_STATE_QUEUED", "JOB_PRIORITY_BULK")
    refused = deployed.node.run("jobs", *alone, "--tenant", "acme")
    assert refused.returncode == 1
    assert b"JOB_EXISTS" in refused.stderr
    again = deployed.ask(*alone, "--unique-policy", "return_existing")
    assert (again["existed"], again["job"]["job_id"]) == (True, job["job_id"])
    assert deployed.ask("cancel", job["job_id"])["job"]["state"] == "JOB_STATE_CANCELLED"

    batch = deployed.ask("batch", "-", body={"jobs": [WORKBOOK] * 3, "callback": WORKBOOK})
    callback = batch["batch"]["callback_job_id"]
    assert deployed.ask("wait", callback)["job"]["state"] == "JOB_STATE_SUCCEEDED"
    batch_id = batch["batch"]["batch_id"]
    counts = deployed.ask("get-batch", batch_id)["batch"]
    assert (counts["open"], counts["succeeded"]) == (0, 3)
    assert len(deployed.ask("list", "--batch", batch_id)["jobs"]) == 3

    chain = deployed.ask("chain", "-", body={"jobs": [WORKBOOK] * 3})["jobs"]
    last = deployed.ask("wait", chain[-1]["job_id"])["job"]
    assert last["state"] == "JOB_STATE_SUCCEEDED"
    ends = [deployed.ask("get", step["job_id"])["job"] for step in chain]
    for before, after in itertools.pairwise(ends):
        assert moment(before["finish_time"]) <= moment(after["start_time"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.timeout(60)
def test_a_batch_is_cancelled_by_command(deployed: Deployed) -> None:
    later = {**WORKBOOK, "delay": "3600s"}
    batch = deployed.ask("batch", "-", body={"jobs": [later, later], "callback": WORKBOOK})["batch"]

    cancelled = deployed.ask("cancel-batch", batch["batch_id"], "--with-callback")["batch"]

    assert (cancelled["open"], cancelled["cancelled"]) == (0, 2)
    callback = deployed.ask("get", batch["callback_job_id"])["job"]
    assert callback["state"] == "JOB_STATE_CANCELLED"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("submit", KIND, "--payload", "{"), b"--payload"),
        (("submit", KIND, "--at", "tomorrow"), b"--at"),
        (("submit", KIND, "--priority", "urgent"), b"--priority"),
        (("chain", "-"), b"FILE"),
    ],
)
def test_what_was_misspelt_is_told(
    deployed: Deployed, arguments: tuple[str, ...], complaint: bytes
) -> None:
    done = deployed.node.run("jobs", *arguments, "--tenant", "acme", body=b'{"job": []}')

    assert done.returncode == 2
    assert complaint in done.stderr
