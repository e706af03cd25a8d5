from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from core.config import Settings
from core.context import Context
from core.failures import RefusedError
from core.jobs.job import Job, JobState
from tests.conftest import Databases, Postgres
from tests.jobs_lab import Lab, await_value, open_lab
from tests.jobs_redis import OwnRedis
from tests.jobs_worker import worker_kinds
from tests.jobs_workers import Workers, dispatching


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(environment, tmp_path / "worker.log")
    yield workers
    workers.close()
    print(workers.log()[-8_000:])


@pytest.fixture
def lab(settings: Settings, databases: Databases, environment: dict[str, str]) -> Iterator[Lab]:
    quick = settings.model_copy(
        update={
            "redis_url": SecretStr(environment["HOWDAH_REDIS_URL"]),
            "job_rescue_interval_seconds": 0.1,
            "job_dispatch_interval_seconds": 0.1,
            "job_unclaimed_seconds": 1.0,
        }
    )
    with open_lab(quick, databases.app, databases.system) as lab:
        lab.kinds.update(worker_kinds())
        with dispatching(lab):
            yield lab


@pytest.fixture
def own_redis(environment: dict[str, str], tmp_path: Path) -> Iterator[OwnRedis]:
    """Gives the node a Redis of its own; asked for before `workers` and `lab`."""
    directory = tmp_path / "redis"
    directory.mkdir()
    own = OwnRedis(directory)
    environment["HOWDAH_REDIS_URL"] = own.url
    yield own
    own.stop()


def count_job(lab: Lab, context: Context, tmp_path: Path, **payload: Any) -> Job:
    return lab.submit(
        context,
        "count",
        {"chunks": 10, "seconds": 0.0, "pid_file": str(tmp_path / "pid"), **payload},
    )


def until_chunk(lab: Lab, context: Context, job: Job, chunk: int) -> Job:
    def look() -> Job | None:
        now = lab.get(context, job)
        return now if now.checkpoint is not None and now.checkpoint["chunk"] >= chunk else None

    return await_value(look, lambda: str(lab.get(context, job)))


def skus(lab: Lab, context: Context) -> list[str]:
    rows = lab.database.read(context, "SELECT sku FROM products", {})
    return sorted(str(row["sku"]) for row in rows)


def written_once(job: Job, chunks: int) -> list[str]:
    return sorted([job.job_id, *(f"{job.job_id}-{chunk}" for chunk in range(chunks))])


def test_jobs_of_two_tenants_run_in_a_real_worker(
    lab: Lab, workers: Workers, acme: Context, globex: Context, tmp_path: Path
) -> None:
    workers.start()
    ours, theirs = count_job(lab, acme, tmp_path), count_job(lab, globex, tmp_path)
    assert lab.until(acme, ours, JobState.SUCCEEDED).result == {"resumed_at": 0}
    lab.until(globex, theirs, JobState.SUCCEEDED)
    assert skus(lab, acme) == written_once(ours, 10)
    assert skus(lab, globex) == written_once(theirs, 10)


def test_every_line_of_a_job_names_its_tenant_and_its_call(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    workers.start()
    job = count_job(lab, acme, tmp_path)
    lab.until(acme, job, JobState.SUCCEEDED)
    line = await_value(
        lambda: next((line for line in workers.log().splitlines() if "job_ended" in line), None)
    )
    for part in (
        '"tenant_id":"acme"',
        f'"job_id":"{job.job_id}"',
        f'"correlation_id":"{acme.correlation_id}"',
        '"state":"succeeded"',
    ):
        assert part in line


def test_a_job_whose_worker_is_killed_is_finished_by_another_and_written_once(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    first = workers.start()
    job = count_job(lab, acme, tmp_path, chunks=40, seconds=0.05)
    until_chunk(lab, acme, job, 3)
    workers.kill(first)
    killed_at = time.monotonic()
    workers.start()
    ended = lab.until(acme, job, JobState.SUCCEEDED)
    assert time.monotonic() - killed_at < 20
    assert (ended.crash_count, ended.attempt) == (1, 1)
    assert ended.result is not None
    assert ended.result["resumed_at"] > 3
    assert skus(lab, acme) == written_once(job, 40)


def test_a_job_that_kills_its_worker_three_times_is_quarantined(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    job = lab.submit(acme, "deaf", {"seconds": 60})
    for crash in range(1, 4):
        worker = workers.start()
        lab.until(acme, job, JobState.RUNNING)
        workers.kill(worker)
        await_value(
            lambda wanted=crash: lab.get(acme, job).crash_count == wanted or None,  # type: ignore[misc]
            lambda: str(lab.get(acme, job)),
        )
    assert lab.get(acme, job).state is JobState.QUARANTINED


def test_nothing_is_lost_when_redis_is_wiped(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    workers.start(threads=1)
    jobs = [count_job(lab, acme, tmp_path, chunks=3, seconds=0.01) for _ in range(30)]
    for _ in range(5):
        time.sleep(0.1)
        lab.client.flushall()
    for job in jobs:
        assert lab.until(acme, job, JobState.SUCCEEDED).attempt == 1
    wanted = [sku for job in jobs for sku in written_once(job, 3)]
    assert skus(lab, acme) == sorted(wanted)


def test_a_worker_that_is_told_to_stop_hands_everything_back(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    worker = workers.start(threads=1)
    running = count_job(lab, acme, tmp_path, chunks=1_000, seconds=0.05)
    until_chunk(lab, acme, running, 1)
    waiting = [count_job(lab, acme, tmp_path) for _ in range(3)]
    lab.until(acme, waiting[0], JobState.DISPATCHED)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    for job in (running, *waiting):
        await_value(lambda job=job: lab.get(acme, job).state is not JobState.RUNNING or None)  # type: ignore[misc]
    given_back = lab.get(acme, running)
    assert (given_back.attempt, given_back.crash_count) == (0, 0)
    assert lab.sql("SELECT 1 FROM workers") == []
    assert given_back.checkpoint is not None
    workers.start(threads=2)
    for job in waiting:
        lab.until(acme, job, JobState.SUCCEEDED)
    until_chunk(lab, acme, running, given_back.checkpoint["chunk"] + 2)
    assert "job_broken" not in workers.log()


def test_a_job_that_does_not_end_in_time_is_released_and_its_worker_leaves(
    lab: Lab, workers: Workers, acme: Context
) -> None:
    worker = workers.start()
    job = lab.submit(acme, "deaf", {"seconds": 60})
    lab.until(acme, job, JobState.RUNNING)
    told_at = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert time.monotonic() - told_at < 15
    released = lab.until(acme, job, JobState.QUEUED, JobState.DISPATCHED)
    assert (released.attempt, released.crash_count) == (0, 0)
    assert skus(lab, acme) == []


def test_a_worker_lets_a_short_job_finish_before_it_stops(
    lab: Lab, workers: Workers, acme: Context
) -> None:
    worker = workers.start()
    job = lab.submit(acme, "deaf", {"seconds": 1.5})
    lab.until(acme, job, JobState.RUNNING)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert lab.get(acme, job).state is JobState.SUCCEEDED
    assert skus(lab, acme) == [job.job_id]


def test_a_worker_survives_the_loss_of_its_database_connections(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path, postgres: Postgres
) -> None:
    worker = workers.start()
    job = count_job(lab, acme, tmp_path, chunks=40, seconds=0.05)
    until_chunk(lab, acme, job, 3)
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename IN ('howdah_app', 'howdah_system')"
        )
    ended = lab.until(acme, job, JobState.SUCCEEDED, JobState.DEAD)
    assert worker.poll() is None
    again = count_job(lab, acme, tmp_path)
    lab.until(acme, again, JobState.SUCCEEDED)
    written = written_once(again, 10)
    if ended.state is JobState.SUCCEEDED:
        assert skus(lab, acme) == sorted([*written, *written_once(job, 40)])


def test_jobs_run_without_redis_and_through_it_again_when_it_is_back(
    own_redis: OwnRedis, lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    for _ in range(2):
        workers.start()
    jobs = [count_job(lab, acme, tmp_path)]
    lab.until(acme, jobs[0], JobState.SUCCEEDED)
    own_redis.stop()
    started = time.monotonic()
    jobs += [count_job(lab, acme, tmp_path) for _ in range(30)]
    assert time.monotonic() - started < 5
    for job in jobs:
        lab.until(acme, job, JobState.SUCCEEDED)
    assert time.monotonic() - started < 20
    own_redis.start()
    for _ in range(10):
        jobs.append(count_job(lab, acme, tmp_path))
        time.sleep(0.2)
    for job in jobs:
        assert lab.until(acme, job, JobState.SUCCEEDED).attempt == 1
    await_value(lambda: workers.log().count("redis_found") >= 4 or None, workers.log)
    assert skus(lab, acme) == sorted(sku for job in jobs for sku in written_once(job, 10))


def test_jobs_run_once_while_redis_comes_and_goes(
    own_redis: OwnRedis, lab: Lab, workers: Workers, acme: Context, tmp_path: Path
) -> None:
    for _ in range(2):
        workers.start()
    jobs = []
    for act in (own_redis.stop, own_redis.start) * 3:
        jobs += [count_job(lab, acme, tmp_path, chunks=3, seconds=0.01) for _ in range(15)]
        act()
        time.sleep(0.5)
    for job in jobs:
        assert lab.until(acme, job, JobState.SUCCEEDED).attempt == 1
    assert skus(lab, acme) == sorted(sku for job in jobs for sku in written_once(job, 3))


def test_a_job_that_runs_while_redis_goes_away_ends_and_its_worker_can_stop(
    own_redis: OwnRedis, lab: Lab, workers: Workers, acme: Context
) -> None:
    worker = workers.start()
    job = lab.submit(acme, "deaf", {"seconds": 1.0})
    lab.until(acme, job, JobState.RUNNING)
    own_redis.stop()
    lab.until(acme, job, JobState.SUCCEEDED)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0


def test_a_worker_waits_for_postgres_and_goes_on_when_it_is_back(
    lab: Lab, workers: Workers, acme: Context, tmp_path: Path, postgres: Postgres
) -> None:
    worker = workers.start()
    lab.until(acme, count_job(lab, acme, tmp_path), JobState.SUCCEEDED)
    waiting = count_job(lab, acme, tmp_path, chunks=20, seconds=0.1)
    until_chunk(lab, acme, waiting, 1)
    (name,) = (row["name"] for row in lab.sql("SELECT current_database() AS name"))
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        time.sleep(3)
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    lab.until(acme, waiting, JobState.SUCCEEDED, JobState.DEAD)
    assert worker.poll() is None
    submitted = await_value(lambda: tried(lambda: count_job(lab, acme, tmp_path)))
    lab.until(acme, submitted, JobState.SUCCEEDED)


def tried(act: Callable[[], Job]) -> Job | None:
    try:
        return act()
    except RefusedError:
        return None


def test_the_nodes_own_worker_and_dispatcher_start_and_stop(
    databases: Databases, environment: dict[str, str], tmp_path: Path
) -> None:
    def kinds() -> list[str] | None:
        with databases.system.begin() as transaction:
            rows = transaction.all("SELECT kinds FROM workers")
        return rows[0]["kinds"] if rows else None

    with (tmp_path / "node.log").open("ab") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            for command in (
                ("-m", "dramatiq", "workers.main:boot", "--processes", "1", "--threads", "1"),
                ("-m", "workers.dispatcher"),
            )
        ]
    try:
        assert "records.import" in await_value(kinds)
        for process in processes:
            process.terminate()
        assert [process.wait(20) for process in processes] == [0, 0]
        assert kinds() is None
    finally:
        for process in processes:
            process.kill()
            process.wait()
        print((tmp_path / "node.log").read_text("utf-8"))
