from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import orjson
import pytest
import redis

from core.config import Settings
from core.context import Context
from core.failures import RefusedError
from core.jobs.job import JobState
from core.jobs.worker import AnnounceWorker, Worker
from core.platform.queue import NAMESPACE
from core.reasons import Reason
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, echo, open_lab, ticket
from workers.dispatcher import Dispatcher


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def messages(lab: Lab, queue: str = "default") -> list[dict[str, object]]:
    """Returns what the messages of a queue carry, first to be taken first."""
    found = lab.client.lrange(f"{NAMESPACE}:{queue}", 0, -1)
    return [orjson.loads(message)["kwargs"] for message in found]


def pop_all(lab: Lab) -> list[str]:
    tenants = [str(message["tenant_id"]) for message in messages(lab)]
    lab.client.flushall()
    return tenants


def test_a_message_carries_ids_and_nothing_else(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    job = lab.submit(acme, payload={"name": "Ada"})
    assert messages(lab) == [{"tenant_id": "acme", "job_id": job.job_id, "epoch": 0}]


def test_little_more_is_handed_over_than_the_workers_can_run(lab: Lab, acme: Context) -> None:
    for _ in range(20):
        lab.submit(acme)
    lab.worker_row(slots=3)
    assert lab.jobs.dispatch() == (4, True)
    assert lab.jobs.dispatch() == (0, True)
    lab.submit(acme)
    assert lab.queue.length("default") == 4


def test_what_a_worker_is_just_taking_has_its_place(lab: Lab, acme: Context) -> None:
    for _ in range(20):
        lab.submit(acme)
    lab.worker_row(slots=3)
    lab.jobs.dispatch()
    taken = [lab.client.lpop(f"{NAMESPACE}:default") for _ in range(3)]
    assert None not in taken
    # One lies ready, three are on their way: as many as there are places, and one more.
    assert lab.jobs.dispatch() == (0, True)
    lab.sql("UPDATE jobs SET dispatched_at = now() - interval '2 seconds'")
    # Those were lost, or a worker would have begun them.
    assert lab.jobs.dispatch()[0] == 3


def test_a_job_goes_to_the_queue_of_its_kind(lab: Lab, acme: Context) -> None:
    lab.kind("heavy", echo, queue="bulk")
    lab.worker_row()
    job = lab.submit(acme, "heavy")
    assert [message["job_id"] for message in messages(lab, "bulk")] == [job.job_id]


def test_jobs_of_a_queue_without_a_worker_wait(lab: Lab, acme: Context) -> None:
    lab.kind("heavy", echo, queue="bulk")
    lab.worker_row(queues=("default",))
    lab.submit(acme, "heavy")
    assert lab.jobs.dispatch() == (0, False)
    assert lab.queue.length("bulk") == 0


def test_tenants_take_turns(lab: Lab, acme: Context, globex: Context) -> None:
    for _ in range(50):
        lab.submit(acme)
    for _ in range(3):
        lab.submit(globex)
    lab.worker_row(slots=7)
    lab.jobs.dispatch()
    assert sorted(pop_all(lab)) == ["acme"] * 5 + ["globex"] * 3


def test_a_newcomer_is_served_before_the_next_of_a_tenant_that_has_jobs_running(
    lab: Lab, acme: Context, globex: Context
) -> None:
    for _ in range(50):
        lab.submit(acme)
    lab.worker_row(slots=2)
    assert lab.jobs.dispatch()[0] == 3
    lab.submit(globex)
    first = messages(lab)[0]["job_id"]
    lab.client.lpop(f"{NAMESPACE}:default")
    lab.sql(
        "UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE job_id = :id", {"id": first}
    )
    assert lab.jobs.dispatch()[0] == 1
    assert messages(lab)[-1]["tenant_id"] == "globex"


def test_any_number_of_dispatchers_dispatch_each_job_once(
    lab: Lab, acme: Context, globex: Context
) -> None:
    jobs = [lab.submit(context) for context in (acme, globex) for _ in range(40)]
    lab.worker_row(slots=128)

    def work(_number: int) -> None:
        for _ in range(20):
            lab.jobs.dispatch()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    sent = [message["job_id"] for message in messages(lab)]
    assert sorted(map(str, sent)) == sorted(job.job_id for job in jobs)


def test_a_lost_message_is_sent_again(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    job = lab.submit(acme)
    lab.client.flushall()
    assert lab.jobs.rescue().unclaimed == 0
    lab.sql("UPDATE jobs SET dispatched_at = dispatched_at - interval '16 seconds'")
    assert lab.jobs.rescue().unclaimed == 1
    assert lab.get(acme, job).state is JobState.QUEUED
    assert lab.jobs.dispatch()[0] == 1
    lab.runner()(ticket(job))
    assert lab.get(acme, job).state is JobState.SUCCEEDED


def test_a_job_whose_worker_died_is_next_before_all_that_came_after_it(
    lab: Lab, acme: Context
) -> None:
    job = lab.submit(acme)
    for _ in range(5):
        lab.submit(acme)
    lab.sql(
        "UPDATE jobs SET state = 'running', lease_until = now() - interval '1 second',"
        " epoch = epoch + 1, attempt = attempt + 1 WHERE job_id = CAST(:job_id AS uuid)",
        {"job_id": job.job_id},
    )
    assert lab.jobs.rescue().requeued == 1
    lab.worker_row()
    lab.jobs.dispatch()
    assert messages(lab)[0] == {"tenant_id": "acme", "job_id": job.job_id, "epoch": 1}


def test_a_message_that_outlived_its_dispatch_is_still_good(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    job = lab.submit(acme)
    lab.sql("UPDATE jobs SET dispatched_at = dispatched_at - interval '16 seconds'")
    lab.jobs.rescue()
    lab.runner()(ticket(job))
    assert lab.get(acme, job).state is JobState.SUCCEEDED


@contextmanager
def without_room(client: redis.Redis) -> Iterator[None]:
    """Has Redis answer questions and take nothing new."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


def test_jobs_that_could_not_be_pushed_go_back_to_their_queue(
    settings: Settings, databases: Databases, acme: Context
) -> None:
    with open_lab(settings, databases.app, databases.system) as lab:
        jobs = [lab.submit(acme) for _ in range(3)]
        lab.worker_row()
        with without_room(lab.client), pytest.raises(RefusedError) as refusal:
            lab.jobs.dispatch()
        assert refusal.value.failure.reason is Reason.STORE_UNAVAILABLE
        assert {lab.get(acme, job).state for job in jobs} == {JobState.QUEUED}
        lab.client.flushall()
        assert lab.jobs.dispatch()[0] == 3


def test_a_worker_is_known_while_it_announces_itself(lab: Lab, acme: Context) -> None:
    announce = AnnounceWorker(lab.system, lab.queue)
    worker = Worker("w-1", {"echo": 1}, ("default",), slots=2)
    job = lab.submit(acme)
    announce.announce(worker)
    assert lab.client.exists(f"{NAMESPACE}:worker:w-1")
    assert lab.jobs.dispatch()[0] == 1
    announce.withdraw(worker)
    assert not lab.client.exists(f"{NAMESPACE}:worker:w-1")
    lab.submit(acme)
    assert lab.jobs.dispatch() == (0, False)
    assert lab.get(acme, job).state is JobState.DISPATCHED


def test_a_worker_that_was_not_seen_for_long_gets_no_jobs(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    lab.sql("UPDATE workers SET seen_at = now() - interval '31 seconds'")
    lab.submit(acme)
    assert lab.jobs.dispatch() == (0, False)


def test_old_ends_and_answers_are_swept_and_nothing_else(lab: Lab, acme: Context) -> None:
    old, recent, waiting, done, just_done = (lab.submit(acme) for _ in range(5))
    for job, state, days in (
        *((old, JobState.DEAD, 31), (recent, JobState.DEAD, 29)),
        *((done, JobState.SUCCEEDED, 8), (just_done, JobState.SUCCEEDED, 6)),
    ):
        lab.sql(
            "UPDATE jobs SET state = :state, finished_at = now() - make_interval(days => :days)"
            " WHERE job_id = :id",
            {"id": job.job_id, "state": state, "days": days},
        )
    with lab.database.begin(acme) as unit:
        for hours in (23, 25):
            unit.execute(
                "INSERT INTO idempotency"
                " (tenant_id, key_id, method, key, fingerprint, completed_at)"
                " SELECT 'acme', 'k', 'm', :key, '', now() - make_interval(hours => :hours)",
                {"key": str(hours), "hours": hours},
            )
        unit.commit(None)
    swept = lab.jobs.sweep()
    assert (swept.jobs, swept.answers) == (2, 1)
    left = {str(row["job_id"]) for row in lab.sql("SELECT job_id FROM jobs")}
    assert left == {recent.job_id, waiting.job_id, just_done.job_id}


def test_the_dispatcher_hands_over_what_is_announced_and_ends_when_told(
    lab: Lab, acme: Context
) -> None:
    slow = lab.settings.model_copy(update={"job_dispatch_interval_seconds": 60.0})
    dispatcher = Dispatcher(lab.jobs, slow, sweep_files=lambda: None)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        assert lab.signals.wait_until_hearing(5)
        job = lab.submit(acme)
        time.sleep(0.1)
        AnnounceWorker(lab.system, lab.queue).announce(
            Worker("w-1", {"echo": 1}, ("default",), slots=2)
        )
        lab.until(acme, job, JobState.DISPATCHED)
    finally:
        dispatcher.stop()
        thread.join(5)
    assert not thread.is_alive()


def test_the_dispatcher_survives_a_chore_that_breaks(lab: Lab, acme: Context) -> None:
    calls: list[float] = []

    def breaks() -> None:
        calls.append(time.monotonic())
        raise ValueError

    dispatcher = Dispatcher(lab.jobs, lab.settings, sweep_files=breaks)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        await_value(lambda: len(calls) >= 2 or None)
        job = lab.submit(acme)
        lab.worker_row()
        lab.until(acme, job, JobState.DISPATCHED)
    finally:
        dispatcher.stop()
        thread.join(5)
