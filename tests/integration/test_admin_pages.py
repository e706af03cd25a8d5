from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from core.config import Settings, load_settings
from core.platform.embedded import redis_socket, start_redis
from core.platform.migrate import migrate
from core.platform.telemetry import clear_metrics, metrics_directory
from server.admin.app import admin_pages
from server.ports import listen
from tests.conftest import Databases, Postgres, environment_of

PROCESSES: dict[str, int | None] = {"server-0": 1, "worker-0": 2}


@contextmanager
def pages(settings: Settings, processes: dict[str, int | None]) -> Iterator[httpx.Client]:
    clear_metrics(metrics_directory(settings))
    listening, address = listen("127.0.0.1:0")
    with (
        listening,
        admin_pages(settings, listening, lambda: processes, serves_calls=False),
        httpx.Client(base_url=f"http://{address}", timeout=10) as client,
    ):
        yield client


@pytest.fixture
def admin(settings: Settings) -> Iterator[httpx.Client]:
    with pages(settings, PROCESSES) as client:
        yield client


def test_a_node_that_has_all_it_needs_is_ready(admin: httpx.Client) -> None:
    answer = admin.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {
            "postgres": "ok",
            "migrations": "ok",
            "redis": "ok",
            "storage": "ok",
            "processes": "ok",
        },
    }
    assert admin.get("/health").json() == {"status": "live"}


def test_a_process_that_is_down_is_named(settings: Settings) -> None:
    with pages(settings, {**PROCESSES, "server-1": None}) as client:
        answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["processes"] == "not running: server-1"


def test_a_schema_of_another_release_is_named(settings: Settings, databases: Databases) -> None:
    with pages(settings, PROCESSES) as client:
        migrate(databases.urls.migrator, "base")
        answer = client.get("/ready")
    assert answer.status_code == 503
    assert "howdah migrate" in answer.json()["checks"]["migrations"]
    assert answer.json()["checks"]["postgres"] == "ok"


def test_a_postgres_that_is_away_is_named_in_bounded_time(
    settings: Settings, databases: Databases, postgres: Postgres
) -> None:
    with pages(settings, PROCESSES) as client:
        postgres.drop(databases.urls)
        answer = client.get("/ready")
        assert client.get("/health").status_code == 200
        assert "howdah_jobs_readable 0.0" in client.get("/metrics").text
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 5
    checks = answer.json()["checks"]
    assert checks["postgres"] != "ok"
    assert checks["redis"] == "ok"


def test_a_redis_that_is_away_is_named_and_noticed_when_it_is_back(
    databases: Databases, server_directory: Path, tmp_path: Path
) -> None:
    directory = server_directory / "own-redis"
    directory.mkdir(exist_ok=True)
    socket = redis_socket(directory)
    settings = load_settings(environment_of(databases.urls, f"unix://{socket}", tmp_path))
    with pages(settings, PROCESSES) as client:
        answer = client.get("/ready")
        assert answer.status_code == 503
        assert "queue" in answer.json()["checks"]["redis"]
        process = start_redis(directory, socket)
        assert client.get("/ready").status_code == 200
        process.terminate()
        process.wait(5)


def test_waiting_jobs_are_counted_by_queue(admin: httpx.Client, databases: Databases) -> None:
    with databases.system.begin() as transaction:
        for _ in range(3):
            transaction.execute(
                "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id,"
                " roles, correlation_id, run_at) VALUES ('acme', :id, 'k', 'bulk', '{}', 1, 'k',"
                " '{}', 'c', now() - interval '1 minute')",
                {"id": uuid.uuid4()},
            )
    page = admin.get("/metrics").text
    assert 'howdah_jobs_waiting{queue="bulk"} 3.0' in page
    assert 'howdah_jobs_waiting{queue="default"} 0.0' in page
    age = next(
        line for line in page.splitlines() if line.startswith("howdah_jobs_oldest_waiting_seconds{")
    )
    assert 'queue="bulk"' in age
    assert 60 <= float(age.split()[-1]) < 90


def test_places_running_jobs_and_kinds_without_a_worker_are_counted(
    admin: httpx.Client, databases: Databases
) -> None:
    with databases.system.begin() as transaction:
        transaction.execute(
            "INSERT INTO workers (worker_id, kinds, queues, slots) VALUES ('w', '{k}', '{bulk}', 3)"
        )
        for kind, state in (("k", "running"), ("k", "queued"), ("new", "queued")):
            transaction.execute(
                "INSERT INTO jobs (tenant_id, job_id, kind, queue, payload, max_attempts, key_id,"
                " roles, correlation_id, state) VALUES ('acme', :id, :kind, 'bulk', '{}', 1, 'k',"
                " '{}', 'c', :state)",
                {"id": uuid.uuid4(), "kind": kind, "state": state},
            )
    page = admin.get("/metrics").text
    assert 'howdah_worker_places{queue="bulk"} 3.0' in page
    assert 'howdah_worker_places{queue="default"} 0.0' in page
    assert 'howdah_jobs_running{queue="bulk"} 1.0' in page
    assert 'howdah_jobs_waiting{queue="bulk"} 2.0' in page
    assert 'howdah_jobs_without_worker{kind="new"} 1.0' in page
    assert 'howdah_jobs_without_worker{kind="k"}' not in page


def test_nothing_else_is_served(admin: httpx.Client) -> None:
    assert admin.get("/").status_code == 404
    assert admin.post("/health").status_code == 405


def test_schedules_that_do_not_fire_are_counted(admin: httpx.Client, databases: Databases) -> None:
    for schedule_id, late in (("late", "2 minutes"), ("due", "1 second"), ("later", "-1 hour")):
        with psycopg.connect(databases.urls.admin) as connection:
            connection.execute(
                "INSERT INTO schedules (tenant_id, schedule_id, cron, time_zone, kind, payload,"
                " catch_up, max_catch_up, overlap, next_fire_at, due_at, key_id, roles)"
                " VALUES ('acme', %s, '* * * * *', 'UTC', 'k', '{}', 'once', 1, 'skip',"
                " now() - %s::interval, now(), 'k', '{}')",
                (schedule_id, late),
            )
    assert "howdah_schedules_overdue 1.0" in admin.get("/metrics").text
