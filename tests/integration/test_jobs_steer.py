from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.config import Settings
from core.context import Context
from core.jobs.job import Job, JobState
from core.jobs.kind import Done, JobRun
from core.jobs.replay import ReplayCommand, Replayed
from core.jobs.tenant_share import NewShare
from core.result import Err, Ok
from tests.conftest import Databases
from tests.jobs_lab import Lab, echo, open_lab, ticket


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


def explained(lab: Lab, context: Context, job: Job) -> str:
    answer = lab.jobs.explain(context, job.job_id)
    assert isinstance(answer, Ok)
    return answer.value.sentence


def replayed(lab: Lab, context: Context, command: ReplayCommand) -> Replayed:
    answer = lab.jobs.replay(context, command)
    assert isinstance(answer, Ok)
    return answer.value


def end(lab: Lab, job: Job, state: JobState, reason: str = "JOB_BROKEN") -> None:
    lab.sql(
        "UPDATE jobs SET state = :state, finished_at = now(), attempt = 3,"
        " error = jsonb_build_object('reason', CAST(:reason AS text), 'message', 'It broke.')"
        " WHERE job_id = :id",
        {"id": job.job_id, "state": state, "reason": reason},
    )


def test_a_waiting_job_says_what_it_waits_for(lab: Lab, acme: Context) -> None:
    lab.kind("rare", echo, max_active=1)
    lab.submit(acme)
    job = lab.submit(acme)
    assert "No live worker" in explained(lab, acme, job)
    lab.worker_row(slots=1)
    assert explained(lab, acme, job).startswith("It is number 2 of its tenant's default line")
    lab.jobs.pause(acme, "acme")
    assert explained(lab, acme, job) == "The jobs of its tenant are paused."
    lab.jobs.resume(acme, "acme")
    lab.jobs.dispatch()
    assert explained(lab, acme, job).startswith("It was handed to the workers")
    later = lab.submit(acme, delay_seconds=3_600)
    assert explained(lab, acme, later).startswith("Not before ")
    late = lab.submit(acme, expire_after_seconds=0.0)
    assert "not started in the time" in explained(lab, acme, late)


def test_a_job_of_a_kind_that_is_all_in_use_says_so(lab: Lab, acme: Context) -> None:
    lab.kind("rare", echo, max_active=1)
    lab.worker_row()
    jobs = [lab.submit(acme, "rare") for _ in range(2)]
    lab.jobs.dispatch()
    assert explained(lab, acme, jobs[1]).startswith("All 1 jobs of kind 'rare'")


def test_a_job_whose_tenant_has_its_share_says_so(lab: Lab, acme: Context) -> None:
    first, second = lab.submit(acme), lab.submit(acme)
    lab.worker_row()
    lab.jobs.share(acme, NewShare("acme", max_running_jobs=1))
    assert "its tenant has" not in explained(lab, acme, second)
    lab.sql("UPDATE jobs SET state = 'running' WHERE job_id = :id", {"id": first.job_id})
    assert explained(lab, acme, second).endswith(
        "4 places have 1 jobs, and its tenant has 1 of the 1 that it may while others wait."
    )


def test_a_job_that_runs_or_is_over_says_that(lab: Lab, acme: Context, globex: Context) -> None:
    said: list[str] = []

    def tell(run: JobRun) -> Done:
        said.append(explained(lab, acme, job))
        return echo(run)

    lab.kind("tell", tell)
    job = lab.submit(acme, "tell")
    lab.runner()(ticket(job))
    assert said == ["It runs, attempt 1 of 5, on lab-1."]
    assert explained(lab, acme, job) == "It is over, succeeded."
    end(lab, job, JobState.DEAD)
    assert explained(lab, acme, job) == "It is over, dead: JOB_BROKEN, It broke."
    assert isinstance(lab.jobs.explain(globex, job.job_id), Err)


def test_the_queues_of_a_tenant_are_counted_and_no_other_tenants(
    lab: Lab, acme: Context, globex: Context
) -> None:
    lab.kind("heavy", echo, queue="bulk")
    done = lab.submit(acme)
    lab.runner()(ticket(done))
    lab.submit(acme)
    lab.submit(acme, delay_seconds=60)
    lab.submit(acme, "heavy")
    for _ in range(3):
        lab.submit(globex)
    lab.worker_row(slots=4, queues=("default",))
    lab.sql("UPDATE jobs SET run_at = run_at - interval '5 seconds'")
    answer = lab.jobs.stats(acme, None)
    assert isinstance(answer, Ok)
    bulk, default = answer.value.queues
    assert (bulk.queue, bulk.waiting, bulk.workers, list(bulk.kinds)) == ("bulk", 1, 0, [])
    assert (default.waiting, default.delayed, default.running) == (1, 1, 0)
    assert (default.ended, default.workers, default.places) == ({JobState.SUCCEEDED: 1}, 1, 4)
    assert 5 <= default.oldest_wait_seconds < 30
    assert list(default.kinds) == ["echo", "heavy"]
    assert not answer.value.paused


def test_dead_jobs_are_replayed_by_filter(lab: Lab, acme: Context, globex: Context) -> None:
    lab.kind("other", echo)
    dead, refused, quarantined, other = (
        lab.submit(acme, kind) for kind in ("echo", "echo", "echo", "other")
    )
    theirs = lab.submit(globex)
    end(lab, dead, JobState.DEAD)
    end(lab, refused, JobState.FAILED)
    end(lab, quarantined, JobState.QUARANTINED, "WORKER_CRASHED")
    end(lab, other, JobState.DEAD)
    end(lab, theirs, JobState.DEAD)

    def ids(**command: object) -> list[str]:
        found = replayed(lab, acme, ReplayCommand(**command, dry_run=True))  # type: ignore[arg-type]
        return [job.job_id for job in found.jobs]

    assert ids() == [dead.job_id, quarantined.job_id, other.job_id]
    assert ids(kind="other") == [other.job_id]
    assert ids(reason="WORKER_CRASHED") == [quarantined.job_id]
    assert ids(state=JobState.DEAD) == [dead.job_id, other.job_id]
    assert lab.get(acme, dead).state is JobState.DEAD

    first = replayed(lab, acme, ReplayCommand(most=2))
    assert ([job.state for job in first.jobs], first.more) == ([JobState.QUEUED] * 2, True)
    assert lab.get(acme, dead).attempt == 0
    rest = replayed(lab, acme, ReplayCommand())
    assert ([job.job_id for job in rest.jobs], rest.more) == ([other.job_id], False)
    assert lab.get(globex, theirs).state is JobState.DEAD
    assert lab.get(acme, refused).state is JobState.FAILED
