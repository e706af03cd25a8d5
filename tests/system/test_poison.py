"""Submits jobs that harm whoever runs them, to real workers under real supervision."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.config import Settings, load_settings
from core.context import Context
from core.jobs.job import Job, JobState
from core.platform.database import Database
from core.platform.postgres import open_engine
from core.platform.system_database import SystemDatabase
from core.platform.telemetry import render_metrics
from tests.conftest import Databases, Postgres, environment_of
from tests.jobs_lab import Lab, await_value, open_lab
from tests.poison_worker import poison_kinds
from tests.servers import eventually

QUICK = {
    "HOWDAH_WEBHOOK_WORKER_PROCESSES": "0",
    "HOWDAH_JOB_RESCUE_INTERVAL_SECONDS": "0.2",
    "HOWDAH_JOB_DISPATCH_INTERVAL_SECONDS": "0.1",
    "HOWDAH_JOB_STOP_GRACE_SECONDS": "1",
    "HOWDAH_WORKER_HUNG_SECONDS": "3",
    "HOWDAH_WORKER_DRAIN_SECONDS": "3",
    "HOWDAH_WORKER_POLL_MILLISECONDS": "50",
    "HOWDAH_LOG_FORMAT": "json",
}
SHORT_LEASE = {"HOWDAH_JOB_LEASE_SECONDS": "3", "HOWDAH_JOB_HEARTBEAT_SECONDS": "0.5"}


class Node:
    """Is a supervisor with its workers and a dispatcher."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self._log = directory / "node.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.poison_node"],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [event for event in found if event["event"] == name]

    def workers(self) -> list[psutil.Process]:
        """Returns the processes that run jobs: the children of Dramatiq's main processes."""
        return [
            worker
            for main in dramatiq_of(psutil.Process(self.process.pid))
            for worker in dramatiq_of(main)
        ]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def running(
    environment: dict[str, str],
    system: SystemDatabase,
    directory: Path,
    *,
    workers: int = 1,
    threads: int = 4,
    **more: str,
) -> Iterator[Node]:
    """Yields a node whose workers are all known."""
    sizes = {"WORKER_PROCESSES": str(workers), "WORKER_THREADS": str(threads)}
    chosen = {f"HOWDAH_{name}": value for name, value in {**sizes, **more}.items()}
    node = Node({**environment, **QUICK, **chosen}, directory)

    def ready() -> bool:
        with system.begin() as transaction:
            return len(transaction.all("SELECT 1 FROM workers")) == workers

    try:
        eventually(ready)
        yield node
    finally:
        print(node.log()[-20_000:])
        node.close()


@pytest.fixture
def start(
    environment: dict[str, str], databases: Databases, tmp_path: Path
) -> Iterator[Callable[..., Node]]:
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(
            running(environment, databases.system, tmp_path, **more)
        )


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kinds.update(poison_kinds())
        yield lab


@dataclass(frozen=True)
class Shared:
    """Is a node with one worker that several tests submit isolated jobs to, and survives them."""

    node: Node
    lab: Lab
    worker: psutil.Process


@pytest.fixture(scope="module")
def shared(
    postgres: Postgres, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared]:
    directory, urls = tmp_path_factory.mktemp("shared"), postgres.create()
    # Its own keys in Redis: other tests wipe theirs.
    environment = environment_of(urls, f"{redis_server}?db=1", directory)
    app = Database(open_engine(urls.app, pool_size=5, connect_timeout_seconds=3))
    system = SystemDatabase(open_engine(urls.system, pool_size=5, connect_timeout_seconds=3))
    with (
        running(environment, system, directory, threads=8) as node,
        open_lab(load_settings(environment), app, system) as lab,
    ):
        lab.kinds.update(poison_kinds())
        (worker,) = node.workers()
        yield Shared(node, lab, worker)
    app.dispose()
    system.dispose()
    postgres.drop(urls)


def dramatiq_of(parent: psutil.Process) -> list[psutil.Process]:
    """Returns the children that are Dramatiq's, of a process that may end at any time."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in parent.children():
            with suppress(psutil.NoSuchProcess):
                if "dramatiq" in child.cmdline():
                    found.append(child)
    return found


def gone(process: psutil.Process) -> bool:
    try:
        # Nobody waits for a grandchild where the first process of the machine does not.
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def count_job(lab: Lab, context: Context, kind: str = "count", steps: int = 5) -> Job:
    return lab.submit(context, kind, {"steps": steps, "seconds": 0.05})


def until_step(lab: Lab, context: Context, job: Job, step: int) -> Job:
    def look() -> Job | None:
        now = lab.get(context, job)
        return now if now.progress.done >= step else None

    return await_value(look, lambda: str(lab.get(context, job)))


def reason_of(job: Job) -> str | None:
    return None if job.error is None else job.error["reason"]


def quarantined(lab: Lab, context: Context, job: Job) -> Job:
    ended = lab.until(
        context, job, JobState.QUARANTINED, JobState.DEAD, JobState.FAILED, JobState.SUCCEEDED
    )
    assert (ended.kind, ended.state, ended.crash_count, ended.attempt) == (
        *(job.kind, JobState.QUARANTINED),
        *(3, 0),
    )
    return ended


def finished_untouched(lab: Lab, context: Context, job: Job) -> None:
    ended = lab.until(context, job, JobState.SUCCEEDED)
    assert (ended.attempt, ended.crash_count) == (1, 0), job.kind


def test_an_isolated_poison_is_quarantined_and_its_very_worker_goes_on(
    shared: Shared, acme: Context
) -> None:
    node, lab = shared.node, shared.lab
    poisons = [
        (lab.submit(acme, f"isolated_{name}"), reason)
        for name, reason in (
            ("segfault", "WORKER_CRASHED"),
            ("eat", "JOB_OUT_OF_MEMORY"),
            ("gulp", "JOB_OUT_OF_MEMORY"),
            ("hold", "JOB_TIMED_OUT"),
            ("sleep", "JOB_TIMED_OUT"),
        )
    ]
    neighbours = [
        count_job(lab, acme, kind, 40) for kind in ("count", "isolated_count") for _ in range(3)
    ]
    for poison, reason in poisons:
        assert reason_of(quarantined(lab, acme, poison)) == reason
    for neighbour in neighbours:
        finished_untouched(lab, acme, neighbour)
    assert node.workers() == [shared.worker]
    died = [e for e in node.events("job_process_died") if e["kind"] == "isolated_segfault"]
    assert [event["cause"] for event in died] == ["SIGSEGV"] * 3
    assert any("in segfault" in line for line in died[0]["stack"])
    stuck = [e for e in node.events("job_process_killed") if e["kind"] == "isolated_hold"]
    assert any("in hold" in line for line in stuck[0]["stack"])


def test_a_killed_process_of_a_job_is_a_crash_at_once_and_the_job_goes_on_where_it_was(
    shared: Shared, acme: Context
) -> None:
    node, lab = shared.node, shared.lab
    job = count_job(lab, acme, "isolated_count", 60)
    told = until_step(lab, acme, job, 3).progress.message.split()
    pid, directory = int(told[0]), Path(told[1])
    assert pid != shared.worker.pid
    assert directory.is_dir()
    killed_at = time.monotonic()
    psutil.Process(pid).kill()
    crashed = lab.until(acme, job, JobState.QUEUED, JobState.DISPATCHED)
    # The lease lasts for 45 s.
    assert time.monotonic() - killed_at < 5
    assert (crashed.crash_count, crashed.attempt, reason_of(crashed)) == (1, 0, "WORKER_CRASHED")
    ended = lab.until(acme, job, JobState.SUCCEEDED)
    assert ended.result is not None
    assert ended.result["first"] >= 3
    assert ended.result["pid"] != pid
    assert (ended.progress.done, ended.attempt) == (60, 1)
    assert not directory.exists()
    died = [e for e in node.events("job_process_died") if e["job_id"] == job.job_id]
    assert [event["cause"] for event in died] == ["SIGKILL"]


def test_a_cancelled_isolated_job_ends_by_itself_or_is_killed(
    shared: Shared, acme: Context
) -> None:
    node, lab = shared.node, shared.lab
    polite = count_job(lab, acme, "isolated_count", 2_000)
    until_step(lab, acme, polite, 1)
    lab.jobs.cancel(acme, polite.job_id)
    ended = lab.until(acme, polite, JobState.CANCELLED)
    assert (ended.crash_count, ended.error) == (0, None)
    deaf = lab.submit(acme, "isolated_deaf", {"seconds": 60, "pid_file": os.devnull})
    lab.until(acme, deaf, JobState.RUNNING)
    lab.jobs.cancel(acme, deaf.job_id)
    ended = lab.until(acme, deaf, JobState.CANCELLED)
    assert ended.error is None
    kinds = [event["kind"] for event in node.events("job_process_killed")]
    assert "isolated_deaf" in kinds
    assert "isolated_count" not in kinds


def test_a_poison_is_quarantined_although_it_takes_its_worker_along_and_neighbours_finish(
    start: Callable[..., Node], lab: Lab, acme: Context
) -> None:
    start(workers=4, threads=1, WORKER_MEMORY_LIMIT_MIB="256", **short_lease())
    poisons = [lab.submit(acme, name) for name in ("segfault", "eat", "hold", "sleep")]
    neighbours = [count_job(lab, acme, steps=20) for _ in range(10)]
    for poison in poisons:
        quarantined(lab, acme, poison)
    for neighbour in neighbours:
        finished_untouched(lab, acme, neighbour)
    assert reason_of(lab.get(acme, poisons[-1])) == "JOB_TIMED_OUT"


def short_lease() -> dict[str, str]:
    return {name.removeprefix("HOWDAH_"): value for name, value in SHORT_LEASE.items()}


def test_a_jammed_a_stopped_and_a_killed_worker_are_replaced_and_their_sibling_is_left_alone(
    start: Callable[..., Node], lab: Lab, acme: Context
) -> None:
    node = start(workers=4, threads=1)
    before = node.workers()
    ended = lab.until(acme, lab.submit(acme, "jam"), JobState.SUCCEEDED)
    assert ended.result is not None
    (jammed,) = (worker for worker in before if worker.pid == ended.result["pid"])
    stopped, killed, sibling = (worker for worker in before if worker != jammed)
    stopped.send_signal(signal.SIGSTOP)
    killed.kill()
    eventually(lambda: len(replaced(node, before)) == 3)
    assert gone(stopped)
    assert gone(jammed)
    assert sibling in node.workers()
    assert len(node.events("process_hung")) == 2
    # One line, and another where the second queue was noticed later.
    stuck = node.events("worker_stuck")
    assert stuck
    assert all(set(event["loops"]) <= {"default", "bulk"} for event in stuck)
    jobs = [count_job(lab, acme) for _ in range(8)]
    for job in jobs:
        finished_untouched(lab, acme, job)


def replaced(node: Node, before: list[psutil.Process]) -> list[psutil.Process]:
    return [worker for worker in node.workers() if worker not in before]


def test_a_worker_that_uses_too_much_memory_is_replaced_and_its_jobs_go_on(
    start: Callable[..., Node], lab: Lab, acme: Context, settings: Settings
) -> None:
    node = start(threads=2, WORKER_MEMORY_LIMIT_MIB="256")
    before = node.workers()
    neighbour = count_job(lab, acme, steps=60)
    until_step(lab, acme, neighbour, 2)
    job = lab.submit(acme, "fill", {"mib": 250})
    ended = lab.until(acme, job, JobState.SUCCEEDED)
    assert (ended.attempt, ended.crash_count) == (1, 0)
    assert ended.result is not None
    assert ended.result["pid"] != before[0].pid
    finished = lab.until(acme, neighbour, JobState.SUCCEEDED)
    assert (finished.attempt, finished.crash_count) == (1, 0)
    assert finished.result is not None
    assert finished.result["first"] > 0
    assert [event["reason"] for event in node.events("worker_recycled")] == ["memory"]
    assert len(node.events("process_recycled")) == 1
    assert node.events("process_died") == []
    page = render_metrics(settings.data_dir / "metrics").decode()
    assert 'worker_recycled_total{reason="memory"} 1.0' in page


def test_a_drain_keeps_its_time_with_jobs_that_hear_nothing_and_counts_no_attempt(
    start: Callable[..., Node], lab: Lab, acme: Context, tmp_path: Path
) -> None:
    node = start()
    deaf = {"seconds": 60, "pid_file": str(tmp_path / "pid")}
    jobs = [
        count_job(lab, acme, "count", 2_000),
        count_job(lab, acme, "isolated_count", 2_000),
        lab.submit(acme, "deaf", deaf),
        lab.submit(acme, "isolated_deaf", deaf),
    ]
    for job in jobs[:2]:
        until_step(lab, acme, job, 1)
    for job in jobs[2:]:
        lab.until(acme, job, JobState.RUNNING)
    family = psutil.Process(node.process.pid).children(recursive=True)
    told_at = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(60) == 0
    # The drain is given 3 s here, and 3 more for what surrounds it.
    assert time.monotonic() - told_at < 10
    for job in jobs:
        left = lab.get(acme, job)
        assert (left.state, left.attempt, left.crash_count) == (JobState.QUEUED, 0, 0), job.kind
    eventually(lambda: all(gone(process) for process in family))
