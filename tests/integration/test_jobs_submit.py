from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.context import Context
from core.failures import RefusedError
from core.jobs.job import JobState
from core.jobs.list_jobs import JobsQuery
from core.page import PageRequest
from core.reasons import Reason
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, await_value, echo, open_lab


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def test_a_submitted_job_carries_who_asked_and_in_which_call(lab: Lab, acme: Context) -> None:
    job = lab.submit(acme, payload={"rows": 3})
    found = lab.get(acme, job)
    assert found == job
    assert (found.state, found.attempt, found.sequence) == (JobState.QUEUED, 0, 1)
    assert (found.key_id, found.roles) == (acme.principal.key_id, acme.principal.roles)
    assert found.correlation_id == acme.correlation_id
    assert found.payload == {"rows": 3}


def test_a_job_whose_transaction_is_rolled_back_never_was(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    with lab.database.begin(acme) as unit:
        lab.jobs.submit(unit, kind="echo", payload={})
    assert lab.sql("SELECT 1 FROM jobs") == []
    assert lab.queue.length("default") == 0


def test_a_submitted_job_is_with_the_workers_at_once(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    job = lab.submit(acme)
    assert lab.get(acme, job).state is JobState.DISPATCHED
    assert lab.queue.length("default") == 1


def test_a_job_nobody_can_run_waits(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    lab.kind("unknown_to_workers", echo)
    job = lab.submit(acme, "unknown_to_workers")
    assert lab.jobs.dispatch() == (0, False)
    assert lab.get(acme, job).state is JobState.QUEUED


def test_a_job_for_later_is_not_dispatched_now(lab: Lab, acme: Context) -> None:
    lab.worker_row()
    job = lab.submit(acme, delay_seconds=3600)
    assert lab.jobs.dispatch() == (0, False)
    assert lab.get(acme, job).state is JobState.QUEUED


def test_submitting_works_while_redis_is_away(
    settings: Settings, databases: Databases, acme: Context
) -> None:
    nowhere = settings.model_copy(update={"redis_url": SecretStr("unix:///none")})
    with open_lab(nowhere, databases.app, databases.system) as lab:
        lab.worker_row()
        jobs = [lab.submit(acme) for _ in range(20)]
        assert {lab.get(acme, job).state for job in jobs} == {JobState.QUEUED}


def test_a_full_queue_refuses_and_says_when_to_come_back(
    settings: Settings, databases: Databases, acme: Context, globex: Context
) -> None:
    small = settings.model_copy(update={"max_waiting_jobs_per_tenant": 2})
    with open_lab(small, databases.app, databases.system) as lab:
        lab.submit(acme)
        lab.submit(acme)
        with pytest.raises(RefusedError) as refusal:
            lab.submit(acme)
        assert refusal.value.failure.reason is Reason.TENANT_QUEUE_FULL
        assert refusal.value.failure.retry_after_ms > 0
        lab.submit(globex)
        assert len(lab.sql("SELECT 1 FROM jobs WHERE tenant_id = 'acme'")) == 2


def test_the_announcement_of_a_job_reaches_the_dispatchers(lab: Lab, acme: Context) -> None:
    heard: list[str] = []
    lab.signals.hear("howdah_jobs", heard.append)
    assert lab.signals.wait_until_hearing(5)
    await_value(lambda: heard or None)
    heard.clear()
    lab.submit(acme)
    assert await_value(lambda: heard or None) == ["default"]


def test_jobs_are_listed_newest_first_by_pages_and_filters(lab: Lab, acme: Context) -> None:
    lab.kind("other", echo)
    jobs = [lab.submit(acme) for _ in range(5)] + [lab.submit(acme, "other")]
    listed: list[str] = []
    query = JobsQuery(kind="echo", page=PageRequest(size=2))
    while True:
        answer = lab.jobs.list(acme, query)
        assert isinstance(answer, Ok)
        listed += [job.job_id for job in answer.value.items]
        if not answer.value.next_token:
            break
        query = JobsQuery(kind="echo", page=PageRequest(2, answer.value.next_token))
    assert listed == [job.job_id for job in reversed(jobs[:5])]
    running = lab.jobs.list(acme, JobsQuery(JobState.RUNNING))
    assert isinstance(running, Ok)
    assert running.value.items == []


def test_a_token_of_another_list_is_refused(lab: Lab, acme: Context) -> None:
    for _ in range(2):
        lab.submit(acme)
    answer = lab.jobs.list(acme, JobsQuery(page=PageRequest(1)))
    assert isinstance(answer, Ok)
    with pytest.raises(RefusedError):
        lab.jobs.list(acme, JobsQuery(kind="echo", page=PageRequest(1, answer.value.next_token)))


def test_no_use_case_shows_or_changes_another_tenants_job(
    lab: Lab, acme: Context, globex: Context
) -> None:
    from core.jobs.wait import WaitQuery
    from core.jobs.watch import WatchQuery

    job = lab.submit(acme)
    for answer in (
        lab.jobs.get(globex, job.job_id),
        lab.jobs.cancel(globex, job.job_id),
        lab.jobs.retry(globex, job.job_id),
        lab.jobs.wait(globex, WaitQuery(job.job_id, 0.0)),
        lab.jobs.watch(globex, WatchQuery(job.job_id)),
    ):
        assert isinstance(answer, Err)
        assert answer.failure.reason is Reason.RESOURCE_NOT_FOUND
    listed = lab.jobs.list(globex, JobsQuery())
    assert isinstance(listed, Ok)
    assert listed.value.items == []
    assert lab.get(acme, job) == job
