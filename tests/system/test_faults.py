"""Breaks a deployed node: workers killed, servers stopped, Postgres and Redis gone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc

from howdah.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from howdah.node.v1 import node_pb2, node_pb2_grpc
from howdah.records.v1 import records_pb2, records_pb2_grpc
from howdah_client import Credential, HowdahError, SignedChannel, connect
from server.demo import work
from tests.servers import OwnNode, OwnPostgres, OwnRedis, environment_of_servers, eventually

SAMPLES = Path(__file__).parent.parent.parent / "samples"
CDNOW_ROWS = 69_659


@dataclass(frozen=True)
class Deployed:
    """Is a node on servers of its own, with a key of the tenant acme."""

    node: OwnNode
    postgres: OwnPostgres
    redis: OwnRedis
    credential: Credential

    def connect(self, attempts: int = 4) -> SignedChannel:
        return connect(self.node.grpc_address, self.credential, tenant="acme", attempts=attempts)


@pytest.fixture(scope="module")
def deployed(server_directory: Path) -> Iterator[Deployed]:
    directory = server_directory / "faults"
    directory.mkdir()
    postgres, redis = OwnPostgres(directory / "pg"), OwnRedis(directory / "redis")
    node = OwnNode(
        directory,
        {
            **environment_of_servers(postgres, redis, directory),
            "HOWDAH_SERVER_PROCESSES": "2",
            "HOWDAH_WORKER_PROCESSES": "1",
            "HOWDAH_WORKER_THREADS": "1",
            # The load of the tests is more than one tenant should have.
            "HOWDAH_RATE_LIMIT_CALLS_PER_SECOND": "100000",
            "HOWDAH_RATE_LIMIT_BURST_CALLS": "100000",
            "HOWDAH_JOB_LEASE_SECONDS": "4",
            "HOWDAH_JOB_HEARTBEAT_SECONDS": "1",
            "HOWDAH_JOB_RESCUE_INTERVAL_SECONDS": "0.5",
        },
    )
    try:
        made = node.run("tenants", "create", "acme", "--currency", "USD", "--json")
        assert made.returncode == 0, made.stderr
        key = node.run("keys", "create", "--tenant", "acme", "--role", "editor", "--json")
        assert key.returncode == 0, key.stderr
        shown = json.loads(key.stdout)
        key_id = shown.get("key_id") or shown["credential"]["key_id"]
        yield Deployed(node, postgres, redis, Credential(key_id, shown["secret"]))
    finally:
        assert node.stop() == 0, node.log()[-3000:]
        redis.stop()
        postgres.close()


def job_of(channel: SignedChannel, job_id: str) -> jobs_pb2.Job:
    stub = jobs_pb2_grpc.JobsServiceStub(channel)
    return stub.GetJob(jobs_pb2.GetJobRequest(job_id=job_id), timeout=10).job


def ended(channel: SignedChannel, job_id: str, seconds: float = 120) -> jobs_pb2.Job:
    def look() -> jobs_pb2.Job | None:
        try:
            job = job_of(channel, job_id)
        except HowdahError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return None
        return job if job.HasField("finish_time") else None

    job: jobs_pb2.Job = eventually(look, seconds, pause=0.2)
    return job


def import_cdnow(channel: SignedChannel) -> jobs_pb2.Job:
    file_id = work.upload(channel, SAMPLES / "cdnow.txt.gz", lambda _done, _total: None)
    return work.start_import(channel, file_id, SAMPLES / "cdnow.mapping.json")


@pytest.mark.timeout(240)
def test_an_import_whose_worker_is_killed_goes_on_and_loses_no_row(deployed: Deployed) -> None:
    with deployed.connect() as channel:
        job = import_cdnow(channel)
        eventually(lambda: stored_rows(deployed) > 5_000, 60)

        for process in deployed.node.processes("dramatiq"):
            process.kill()
        rows_when_killed = stored_rows(deployed)
        job = ended(channel, job.job_id)

    assert 0 < rows_when_killed < CDNOW_ROWS
    assert job.state == jobs_pb2.JOB_STATE_SUCCEEDED, json_format.MessageToJson(job)
    assert job.crash_count >= 1
    assert job.result.fields["rows_in"].number_value == CDNOW_ROWS
    assert job.result.fields["rows_stored"].number_value == CDNOW_ROWS
    assert job.result.fields["rows_rejected"].number_value == 0
    assert stored_rows(deployed) == CDNOW_ROWS


def stored_rows(deployed: Deployed) -> int:
    with psycopg.connect(deployed.postgres.url("postgres")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM invoice_lines WHERE tenant_id = 'acme'"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.timeout(180)
def test_no_call_fails_while_the_servers_are_replaced(deployed: Deployed) -> None:
    answered, failed, stop = [0], list[str](), threading.Event()

    def load() -> None:
        with deployed.connect(attempts=10) as channel:
            stub = node_pb2_grpc.NodeServiceStub(channel)
            while not stop.is_set():
                try:
                    stub.Ping(node_pb2.PingRequest(message="load"), timeout=20)
                    answered[0] += 1
                except HowdahError as error:
                    failed.append(str(error))

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        for process in deployed.node.processes("server.process"):
            enough = answered[0] + 50
            eventually(partial(more_than, answered, enough))
            process.terminate()
            process.wait(60)
            eventually(lambda: len(deployed.node.processes("server.process")) == 2)
            eventually(deployed.node.is_ready, 60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert failed == []
    assert answered[0] > 100


def more_than(counter: list[int], number: int) -> bool:
    return counter[0] > number


@pytest.mark.timeout(180)
def test_without_postgres_calls_end_soon_and_work_is_done_when_it_is_back(
    deployed: Deployed,
) -> None:
    with deployed.connect(attempts=1) as channel:
        records = records_pb2_grpc.RecordsServiceStub(channel)
        wanted = records_pb2.GetCustomerRequest(external_id="00001")
        job = import_cdnow(channel)
        deployed.postgres.stop()
        begun = time.monotonic()
        with pytest.raises(HowdahError) as refused:
            records.GetCustomer(wanted, timeout=20)
        taken = time.monotonic() - begun

        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert refused.value.reason == "STORE_UNAVAILABLE"
        assert refused.value.retry_after_seconds > 0
        assert taken < 10
        eventually(lambda: deployed.node.page("/ready")[0] == 503)
        assert "postgres" in deployed.node.page("/ready")[1]
        eventually(lambda: not serving(channel))

        deployed.postgres.start()
        eventually(deployed.node.is_ready, 60)
        eventually(lambda: serving(channel))
        assert ended(channel, job.job_id).state == jobs_pb2.JOB_STATE_SUCCEEDED


def serving(channel: SignedChannel) -> bool:
    stub: Any = health_pb2_grpc.HealthStub(channel.raw)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.timeout(180)
def test_a_job_accepted_before_redis_is_wiped_is_done(deployed: Deployed) -> None:
    with deployed.connect() as channel:
        job = import_cdnow(channel)
        deployed.redis.wipe()

        assert ended(channel, job.job_id).state == jobs_pb2.JOB_STATE_SUCCEEDED
    assert stored_rows(deployed) == CDNOW_ROWS


def test_no_secret_is_in_the_log(deployed: Deployed) -> None:
    token = deployed.node.run("token", "--tenant", "acme").stdout.decode().strip()
    shown = deployed.node.run("call", "Ping", '{"message": "x"}', "--tenant", "acme", "--json")
    log = deployed.node.log()

    secrets = [
        deployed.credential.secret,
        deployed.node.environment["HOWDAH_SECRETS_KEY"],
        token,
    ]
    assert token.count(".") == 2, shown.stderr
    assert "rpc" in log
    assert [secret for secret in secrets if secret in log] == []
