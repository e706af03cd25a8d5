"""Takes the node to its limits: too many calls, full queues, Redis gone, shutting down."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from core.config import load_settings
from core.platform.rate_limit import RateLimiter
from core.platform.unit_of_work import UnitOfWork
from howdah.files.v1 import files_pb2
from howdah.jobs.v1 import jobs_pb2
from howdah.node.v1 import node_pb2
from howdah.records.v1 import records_pb2
from tests.conftest import Databases, context_of, environment_of
from tests.rpc.conftest import Answer, RunningNode, an_idempotency_key, serving
from tests.servers import OwnRedis, eventually

PING = "/howdah.node.v1.NodeService/Ping"
DOWNLOAD = "/howdah.files.v1.FilesService/DownloadFile"
CANCEL = "/howdah.jobs.v1.JobsService/CancelJob"
WAIT = "/howdah.jobs.v1.JobsService/WaitJob"
LIST = "/howdah.records.v1.RecordsService/ListCustomers"
GET = "/howdah.records.v1.RecordsService/GetCustomer"
UPSERT = "/howdah.records.v1.RecordsService/BatchUpsertCustomers"
CREATE = "/howdah.files.v1.FilesService/CreateUpload"
BODY = node_pb2.PingRequest(message="hello").SerializeToString()
UPSERT_ONE = records_pb2.BatchUpsertCustomersRequest(
    customers=[records_pb2.Customer(external_id="1")]
)


@pytest.fixture
def environment(databases: Databases, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return environment_of(databases.urls, redis_url, tmp_path)


def test_a_tenant_past_its_rate_is_told_when_to_come_back_and_no_other_is(
    environment: dict[str, str],
) -> None:
    environment["HOWDAH_RATE_LIMIT_CALLS_PER_SECOND"] = "20"
    environment["HOWDAH_RATE_LIMIT_BURST_CALLS"] = "20"
    with serving(load_settings(environment)) as running:
        answers = [running.acme.call(PING, BODY) for _ in range(60)]
        other = running.globex.call(PING, BODY)

    refused = [answer for answer in answers if answer.code != "OK"]
    assert refused
    assert {(a.code, a.reason) for a in refused} == {("RESOURCE_EXHAUSTED", "RATE_LIMITED")}
    assert all(answer.retry_after_ms > 0 for answer in refused)
    assert all(int(answer.trailing["grpc-retry-pushback-ms"]) > 0 for answer in refused)
    assert other.code == "OK"


def test_processes_share_a_rate_and_waste_at_most_a_batch(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    one, two = (RateLimiter(client, "t", calls_per_second=1, burst=100) for _ in range(2))

    granted = sum(limiter.take("acme", 1).granted for _ in range(100) for limiter in (one, two))

    # A rate of one a second: a slow machine may earn a few more while it counts.
    assert 98 <= granted <= 110
    client.close()


@pytest.fixture
def own_redis(server_directory: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(server_directory / f"own-{time.monotonic_ns()}")
    yield server
    server.stop()


def test_without_redis_reads_go_on_and_changes_are_refused_until_it_is_back(
    environment: dict[str, str], own_redis: OwnRedis
) -> None:
    environment["HOWDAH_REDIS_URL"] = own_redis.url
    with serving(load_settings(environment)) as running:
        assert running.acme.call(UPSERT, UPSERT_ONE).code == "OK"
        own_redis.stop()

        begun = time.monotonic()
        refused = running.acme.call(UPSERT, UPSERT_ONE)
        read = running.acme.call(GET, records_pb2.GetCustomerRequest(external_id="1"))

        assert (refused.code, refused.reason) == ("UNAVAILABLE", "AUTH_STORE_UNAVAILABLE")
        assert refused.retry_after_ms > 0
        assert read.code == "OK"
        assert time.monotonic() - begun < 8

        own_redis.start()
        eventually(lambda: running.acme.call(UPSERT, UPSERT_ONE).code == "OK")


def test_reads_go_on_while_redis_hangs(environment: dict[str, str], own_redis: OwnRedis) -> None:
    environment["HOWDAH_REDIS_URL"] = own_redis.url
    with (
        serving(load_settings(environment)) as running,
        ThreadPoolExecutor(8) as pool,
        own_redis.hanging(),
    ):
        begun = time.monotonic()
        answers = list(pool.map(lambda _: running.acme.call(PING, BODY), range(24)))
        taken = time.monotonic() - begun

    assert {answer.code for answer in answers} == {"OK"}
    assert taken < 3


def test_cancelled_streams_give_their_places_back(environment: dict[str, str]) -> None:
    environment["HOWDAH_MAX_STREAMS_PER_TENANT"] = "2"
    request = files_pb2.DownloadFileRequest(file_id=str(uuid.uuid4())).SerializeToString()
    with serving(load_settings(environment)) as running:
        for _ in range(30):
            stream: Any = running.channel.unary_stream(DOWNLOAD)
            metadata = tuple(running.acme.metadata(DOWNLOAD, request).items())
            stream(request, metadata=metadata, timeout=5).cancel()

        eventually(lambda: running.acme.call(DOWNLOAD, request).reason == "RESOURCE_NOT_FOUND")


def test_waiting_for_jobs_holds_up_no_other_call(environment: dict[str, str]) -> None:
    environment["HOWDAH_MAX_STREAMS_PER_TENANT"] = "10"
    environment["HOWDAH_SERVER_THREADS"] = "2"
    with serving(load_settings(environment)) as running, ThreadPoolExecutor(24) as pool:
        request = jobs_pb2.WaitJobRequest(job_id=waiting_job(running))
        waits = [pool.submit(running.acme.call, WAIT, request) for _ in range(16)]
        eventually(lambda: sum(wait.done() for wait in waits) == 6)

        begun = time.monotonic()
        assert running.acme.call(PING, BODY).code == "OK"
        assert running.globex.call(PING, BODY).code == "OK"
        taken = time.monotonic() - begun
        running.acme.call(CANCEL, jobs_pb2.CancelJobRequest(job_id=request.job_id))
        answers = [wait.result() for wait in waits]

    assert taken < 2
    assert sorted({(answer.code, answer.reason) for answer in answers}) == [
        ("OK", ""),
        ("RESOURCE_EXHAUSTED", "NODE_OVERLOADED"),
    ]


def waiting_job(running: RunningNode) -> str:
    """Puts a job into acme's queue that no worker takes."""
    job_id = str(uuid.uuid4())
    with running.node.database.begin(context_of("acme")) as unit:
        unit.execute(
            "INSERT INTO jobs (tenant_id, job_id, kind, queue, state, payload, max_attempts,"
            " key_id, roles, correlation_id) VALUES ('acme', :id, 'nothing', 'nobody',"
            " 'queued', '{}', 1, 'k', '{}', 'c')",
            {"id": job_id},
        )
        unit.commit(None)
    return job_id


def test_calls_are_refused_at_once_while_postgres_is_known_to_hang(
    environment: dict[str, str],
) -> None:
    with serving(load_settings(environment)) as running:
        running.node.database.reachable = False
        refused = running.acme.call(GET, records_pb2.GetCustomerRequest(external_id="1"))
        running.node.database.reachable = True
        answered = running.acme.call(GET, records_pb2.GetCustomerRequest(external_id="1"))

    assert (refused.code, refused.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
    assert answered.reason == "RESOURCE_NOT_FOUND"


def test_an_answer_past_the_limit_of_a_message_is_refused_with_a_reason(
    environment: dict[str, str],
) -> None:
    environment["HOWDAH_MAX_MESSAGE_BYTES"] = "65536"
    big = {f"k{number}": "x" * 1000 for number in range(50)}
    with serving(load_settings(environment)) as running:
        for name in ("a", "b"):
            customer = records_pb2.Customer(external_id=name, attributes=big)
            request = records_pb2.BatchUpsertCustomersRequest(customers=[customer])
            assert running.acme.call(UPSERT, request).code == "OK"

        both = running.acme.call(LIST, records_pb2.ListCustomersRequest())
        one = running.acme.call(LIST, records_pb2.ListCustomersRequest(page_size=1))

    assert (both.code, both.reason) == ("FAILED_PRECONDITION", "ANSWER_TOO_LARGE")
    assert one.code == "OK"


def held_call(
    running: RunningNode, pool: ThreadPoolExecutor, admin_url: str
) -> tuple[Future[Answer], UnitOfWork]:
    """Has one call wait in the node for an idempotency key that this test holds."""
    key = an_idempotency_key()
    request = files_pb2.CreateUploadRequest(filename="held.csv", idempotency_key=key)
    holder = running.node.database.begin(context_of("acme")).__enter__()
    holder.execute(
        "INSERT INTO idempotency (tenant_id, key_id, method, key, fingerprint)"
        " VALUES ('acme', :key_id, :method, :key, '')",
        {"key_id": running.acme.key.key_id, "method": CREATE, "key": key},
    )
    answer = pool.submit(running.acme.call, CREATE, request)
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND query LIKE 'INSERT INTO idempotency%'"
    )

    def waits() -> bool:
        with psycopg.connect(admin_url) as connection:
            return connection.execute(waiting).fetchone() != (0,)

    eventually(waits)
    return answer, holder


def test_a_full_node_refuses_at_once_with_pushback(
    environment: dict[str, str], databases: Databases
) -> None:
    environment["HOWDAH_SERVER_THREADS"] = "1"
    environment["HOWDAH_MAX_WAITING_CALLS"] = "2"
    with (
        serving(load_settings(environment)) as running,
        ThreadPoolExecutor(8) as pool,
    ):
        held, holder = held_call(running, pool, databases.urls.admin)
        queued = [pool.submit(running.acme.call, PING, BODY) for _ in range(2)]
        eventually(lambda: running.application.calls.waiting() == 2)

        begun = time.monotonic()
        refused = running.acme.call(PING, BODY)
        taken = time.monotonic() - begun
        holder.__exit__(None, None, None)

        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "NODE_OVERLOADED")
        assert int(refused.trailing["grpc-retry-pushback-ms"]) > 0
        assert refused.trailing["x-correlation-id"]
        assert taken < 2
        assert held.result().code == "OK"
        assert [answer.result().code for answer in queued] == ["OK", "OK"]


def test_a_draining_node_finishes_what_it_has_and_refuses_the_rest(
    environment: dict[str, str], databases: Databases
) -> None:
    with (
        serving(load_settings(environment)) as running,
        ThreadPoolExecutor(4) as pool,
    ):
        held, holder = held_call(running, pool, databases.urls.admin)
        draining = threading.Thread(target=running.application.drain, args=(0, 10), name="drain")
        draining.start()
        eventually(lambda: running.application.gate.draining)

        refused = running.acme.call(PING, BODY)
        holder.__exit__(None, None, None)

        assert refused.code == "UNAVAILABLE"
        assert held.result().code == "OK"
        draining.join(20)
        assert not draining.is_alive()
