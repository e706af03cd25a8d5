"""Counts batches, and calls back when the last of their jobs has ended, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from core.config import Settings
from core.context import Context
from core.failures import Failure, RefusedError
from core.jobs.batch import Batch
from core.jobs.cancel_batch import CancelBatchCommand
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobRun, Refused
from core.jobs.list_jobs import JobsQuery
from core.jobs.node_stats import NodeQuery
from core.jobs.spec import JobSpec, Unique, UniquePolicy
from core.jobs.submit_batch import BatchOrder, SubmitBatch, SubmittedBatch
from core.page import PageRequest
from core.reasons import Reason
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, open_lab, ticket


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        lab.kind("part", part, check_payload=lambda _payload: ())
        lab.kind("sum", total, check_payload=lambda _payload: ())
        yield lab


def part(run: JobRun) -> Done | Refused:
    return Refused(Failure(Reason.JOB_BROKEN, "No.")) if run.payload.get("refuse") else Done({})


def total(run: JobRun) -> Done:
    assert isinstance(run.previous, Batch)
    return Done({"succeeded": run.previous.succeeded, "open": run.previous.open})


def submit(
    lab: Lab, context: Context, *payloads: dict[str, Any], callback: bool = True
) -> SubmittedBatch:
    result = lab.jobs.submit_batch(
        context,
        BatchOrder(
            [JobSpec("part", payload) for payload in payloads],
            JobSpec("sum") if callback else None,
        ),
    )
    assert isinstance(result, Ok)
    return result.value


def get(lab: Lab, context: Context, submitted: SubmittedBatch) -> Batch:
    found = lab.jobs.get_batch(context, submitted.batch.batch_id)
    assert isinstance(found, Ok)
    return found.value


def job(lab: Lab, context: Context, job_id: str | None) -> Job:
    found = lab.jobs.get(context, job_id or "")
    assert isinstance(found, Ok)
    return found.value


def run(lab: Lab, context: Context, job_id: str | None) -> Job:
    lab.runner()(ticket(job(lab, context, job_id)))
    return job(lab, context, job_id)


def test_the_callback_waits_for_the_last_job_and_reads_the_counts(lab: Lab, acme: Context) -> None:
    batch = submit(lab, acme, {}, {"refuse": True}, {})
    callback = batch.batch.callback_job_id
    assert (batch.batch.total, batch.batch.open) == (3, 3)

    for job_id in batch.job_ids[:2]:
        run(lab, acme, job_id)
    assert job(lab, acme, callback).state is JobState.HELD
    explained = lab.jobs.explain(acme, callback or "")
    assert isinstance(explained, Ok)
    assert explained.value.sentence == (
        f"It waits for the end of batch {batch.batch.batch_id}, of whose 3 jobs 1 are open."
    )
    assert get(lab, acme, batch).finished_at is None

    run(lab, acme, batch.job_ids[2])
    now = get(lab, acme, batch)
    assert (now.open, now.succeeded, now.failed) == (0, 2, 1)
    assert now.finished_at is not None
    assert run(lab, acme, callback).result == {"succeeded": 2, "open": 0}


def test_what_is_held_is_counted_in_its_queue(lab: Lab, acme: Context, globex: Context) -> None:
    submit(lab, acme, {}, {})

    own, foreign = (lab.jobs.stats(context, None) for context in (acme, globex))
    node = lab.jobs.node_stats(acme, NodeQuery())

    assert isinstance(own, Ok)
    assert isinstance(foreign, Ok)
    assert isinstance(node, Ok)
    for queues in (own.value.queues, node.value.queues):
        assert [(queue.waiting, queue.held) for queue in queues] == [(2, 1)]
    assert [(load.waiting, load.held) for load in node.value.tenants] == [(2, 1)]
    assert foreign.value.queues == []


def test_every_end_is_counted_where_it_belongs(lab: Lab, acme: Context) -> None:
    batch = submit(lab, acme, {}, {}, {}, {}, {}, {})
    ids = iter(batch.job_ids)
    run(lab, acme, next(ids))
    for state in ("failed", "dead"):
        lab.sql(
            "UPDATE jobs SET state = :state, finished_at = now() WHERE job_id = CAST(:id AS uuid)",
            {"state": state, "id": next(ids)},
        )
    lab.jobs.cancel(acme, next(ids))
    lab.sql(
        "UPDATE jobs SET expires_at = now() - interval '1 s' WHERE job_id = CAST(:id AS uuid)",
        {"id": next(ids)},
    )
    lab.sql(
        "UPDATE jobs SET state = 'running', attempt = 1, crash_count = 2,"
        " lease_until = now() - interval '1 s' WHERE job_id = CAST(:id AS uuid)",
        {"id": next(ids)},
    )
    lab.jobs.rescue()

    now = get(lab, acme, batch)
    assert now == replace(
        batch.batch,
        open=0,
        succeeded=1,
        failed=1,
        dead=1,
        cancelled=1,
        expired=1,
        quarantined=1,
        finished_at=now.finished_at,
    )
    assert job(lab, acme, now.callback_job_id).state is JobState.QUEUED


def test_jobs_that_end_at_the_same_moment_lose_no_count_and_call_back_once(
    lab: Lab, acme: Context
) -> None:
    batches = [submit(lab, acme, *([{}] * 8)) for _ in range(4)]
    ids = [job_id for batch in batches for job_id in batch.job_ids]
    start, runner = threading.Barrier(16), lab.runner()

    def end(mine: Sequence[str]) -> None:
        start.wait()
        for job_id in mine:
            runner(ticket(job(lab, acme, job_id)))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(end, [ids[number::16] for number in range(16)]))

    for batch in batches:
        now = get(lab, acme, batch)
        assert (now.open, now.succeeded) == (0, 8)
        callback = job(lab, acme, now.callback_job_id)
        # Queued at its submission as held (1), and let go (2): once.
        assert (callback.state, callback.sequence) == (JobState.QUEUED, 2)


def test_rescues_cancellations_and_ends_of_the_same_batches_do_not_block_each_other(
    lab: Lab, acme: Context
) -> None:
    for _ in range(3):
        batches = [submit(lab, acme, *([{}] * 6)) for _ in range(3)]
        lab.sql(
            "UPDATE jobs SET state = 'running', attempt = 1, crash_count = 2, epoch = 1,"
            " lease_until = now() - interval '1 s' WHERE kind = 'part' AND state = 'queued'"
        )
        start = threading.Barrier(5)

        def rescue(start: threading.Barrier = start) -> None:
            start.wait()
            lab.jobs.rescue()

        def cancel(batch: SubmittedBatch, start: threading.Barrier = start) -> None:
            start.wait()
            command = CancelBatchCommand(batch.batch.batch_id)
            assert isinstance(lab.jobs.cancel_batch(acme, command), Ok)

        with ThreadPoolExecutor(5) as pool:
            every = [pool.submit(rescue), pool.submit(rescue)]
            every += [pool.submit(cancel, batch) for batch in batches]
            for each in every:
                each.result()
        # What was asked to stop while it ran is cancelled by the next rescue.
        lab.jobs.rescue()

        for batch in batches:
            now = get(lab, acme, batch)
            assert (now.open, now.cancelled + now.quarantined) == (0, 6)
            assert job(lab, acme, now.callback_job_id).sequence == 2


def test_who_ends_jobs_of_several_batches_locks_them_in_one_order(
    lab: Lab, databases: Databases, acme: Context
) -> None:
    batches = [submit(lab, acme, {}) for _ in range(20)]
    first, *others = [batch.batch.batch_id for batch in batches]
    # The jobs are written in the order of their ids; that of their batches is the other one.
    for batch, other in zip(batches, [*reversed(others), first], strict=True):
        lab.sql(
            "UPDATE jobs SET expires_at = now() - interval '1 s', batch_id = CAST(:batch AS uuid)"
            " WHERE job_id = CAST(:job AS uuid)",
            {"batch": other, "job": batch.job_ids[0]},
        )
    lock = "SELECT FROM batches WHERE batch_id = ANY(%s::uuid[]) FOR UPDATE"
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(databases.urls.admin) as holder,
        psycopg.connect(databases.urls.admin) as looker,
    ):
        holder.execute(lock, ([first],))
        rescue = pool.submit(lab.jobs.rescue)
        await_value(
            lambda: holder.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ).fetchone(),
            lambda: "nobody waits for the first batch",
        )

        # Whoever waits for the first has none of the others yet.
        looker.execute(f"{lock} NOWAIT", (others,))
        looker.rollback()
        holder.rollback()
        assert rescue.result().expired == 20


def test_a_job_that_is_retried_is_open_again_and_does_not_call_back_twice(
    lab: Lab, acme: Context
) -> None:
    batch = submit(lab, acme, {}, {"refuse": True})
    for job_id in batch.job_ids:
        run(lab, acme, job_id)
    callback = run(lab, acme, batch.batch.callback_job_id)

    lab.jobs.retry(acme, batch.job_ids[1])
    now = get(lab, acme, batch)
    assert (now.open, now.succeeded, now.failed, now.finished_at) == (1, 1, 0, None)

    run(lab, acme, batch.job_ids[1])
    again = get(lab, acme, batch)
    assert (again.open, again.failed) == (0, 1)
    assert again.finished_at is not None
    assert job(lab, acme, callback.job_id) == callback


def test_a_retry_before_the_last_job_ends_keeps_the_callback_waiting(
    lab: Lab, acme: Context
) -> None:
    batch = submit(lab, acme, {"refuse": True}, {})
    run(lab, acme, batch.job_ids[0])
    lab.jobs.retry(acme, batch.job_ids[0])

    run(lab, acme, batch.job_ids[1])

    assert job(lab, acme, batch.batch.callback_job_id).state is JobState.HELD


@pytest.mark.parametrize("with_callback", [False, True])
def test_cancelling_a_batch_cancels_what_waits_and_asks_what_runs(
    lab: Lab, acme: Context, *, with_callback: bool
) -> None:
    batch = submit(lab, acme, {}, {}, {})
    callback = batch.batch.callback_job_id
    running = batch.job_ids[0]
    assert lab.runner().claim(ticket(job(lab, acme, running))) is not None

    command = CancelBatchCommand(batch.batch.batch_id, with_callback=with_callback)
    result = lab.jobs.cancel_batch(acme, command)

    assert isinstance(result, Ok)
    assert (result.value.open, result.value.cancelled) == (1, 2)
    asked = job(lab, acme, running)
    assert asked.state is JobState.RUNNING
    assert asked.cancel_requested_at is not None
    assert isinstance(lab.jobs.cancel_batch(acme, command), Ok)

    lab.sql("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'")
    lab.jobs.rescue()
    assert get(lab, acme, batch).open == 0
    expected = JobState.CANCELLED if with_callback else JobState.QUEUED
    assert job(lab, acme, callback).state is expected


def test_another_tenants_batch_is_not_found(lab: Lab, acme: Context, globex: Context) -> None:
    batch = submit(lab, acme, {})
    name = batch.batch.batch_id

    for found in (
        lab.jobs.get_batch(globex, name),
        lab.jobs.cancel_batch(globex, CancelBatchCommand(name)),
    ):
        assert isinstance(found, Err)
        assert found.failure.reason is Reason.RESOURCE_NOT_FOUND
    assert get(lab, acme, batch).open == 1


def test_the_jobs_of_a_batch_are_listed_a_page_at_a_time(lab: Lab, acme: Context) -> None:
    batch = submit(lab, acme, *([{}] * 5))
    submit(lab, acme, {})

    seen: list[str] = []
    token = ""
    while True:
        page = lab.jobs.list(
            acme, JobsQuery(batch_id=batch.batch.batch_id, page=PageRequest(2, token))
        )
        assert isinstance(page, Ok)
        seen += [found.job_id for found in page.value.items]
        token = page.value.next_token
        if not token:
            break

    assert seen == [*reversed(batch.job_ids)]


def test_a_batch_is_submitted_whole_or_not_at_all(lab: Lab, acme: Context) -> None:
    unique = Unique("one", UniquePolicy.REFUSE)
    lab.jobs.submit_one(acme, JobSpec("part", unique=unique))

    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_batch(acme, BatchOrder([JobSpec("part"), JobSpec("part", unique=unique)]))

    assert refused.value.failure.reason is Reason.JOB_EXISTS
    assert lab.sql("SELECT count(*) AS rows FROM batches")[0]["rows"] == 0
    assert lab.sql("SELECT count(*) AS rows FROM jobs")[0]["rows"] == 1


def test_a_batch_has_a_greatest_size(lab: Lab, acme: Context) -> None:
    submit_batch = replace(lab.jobs.submit_batch, max_jobs=2)
    assert isinstance(submit_batch, SubmitBatch)

    result = submit_batch(acme, BatchOrder([JobSpec("part")] * 3))

    assert isinstance(result, Err)
    assert [fault.field for fault in result.failure.fields] == ["jobs"]


def test_every_wrong_job_of_a_batch_is_named(lab: Lab, acme: Context) -> None:
    specs = [
        JobSpec("part", delay_seconds=-1),
        JobSpec("part"),
        JobSpec("part", {"text": "x" * 70_000}),
        JobSpec("part", delay_seconds=10, expire_after_seconds=5),
    ]

    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_batch(acme, BatchOrder(specs, JobSpec("part", delay_seconds=1e12)))

    assert [fault.field for fault in refused.value.failure.fields] == [
        "jobs[0].delay",
        "jobs[2].payload",
        "jobs[3].expire_after",
        "callback.delay",
    ]


def test_of_thousands_of_wrong_jobs_the_first_hundred_are_named(lab: Lab, acme: Context) -> None:
    with pytest.raises(RefusedError) as refused:
        lab.jobs.submit_batch(acme, BatchOrder([JobSpec("part", delay_seconds=-1)] * 2_000))

    fields = [fault.field for fault in refused.value.failure.fields]
    assert fields == [f"jobs[{number}].delay" for number in range(100)]


def test_a_batch_is_swept_after_its_jobs_and_its_callback(lab: Lab, acme: Context) -> None:
    batch = submit(lab, acme, {})
    run(lab, acme, batch.job_ids[0])
    lab.sql("UPDATE batches SET finished_at = now() - interval '31 days'")
    lab.sql("UPDATE jobs SET finished_at = now() - interval '31 days' WHERE state = 'succeeded'")

    kept = lab.jobs.sweep()
    assert (kept.jobs, kept.batches, kept.orphans) == (1, 0, 0)

    run(lab, acme, batch.batch.callback_job_id)
    lab.sql("UPDATE jobs SET finished_at = now() - interval '31 days'")
    gone = lab.jobs.sweep()
    assert (gone.jobs, gone.batches) == (1, 1)
