from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.config import Settings
from core.context import Context
from core.failures import Failure
from core.jobs.claim import ClaimJob
from core.jobs.ending import JOB_BROKEN, Ending, broken, ending_of
from core.jobs.finish import FinishJob
from core.jobs.hand_back import HandBackJobs
from core.jobs.job import ENDED, Job, JobState, may_become
from core.jobs.kind import Done, Later, Refused
from core.jobs.ledger import Capacity, Ticket, versions_of
from core.jobs.pick import pick
from core.platform.unit_of_work import UnitOfWork
from core.reasons import Reason
from tests.conftest import Databases, context_of
from tests.jobs_lab import Lab, open_lab, ticket

MOST_JOBS = 3


@pytest.fixture
def lab(settings: Settings, databases: Databases) -> Iterator[Lab]:
    with open_lab(settings, databases.app, databases.system) as lab:
        yield lab


class Interleavings(RuleBasedStateMachine):
    """Does to a few jobs whatever workers, dispatchers, callers and mishaps do, in any order.

    Messages and attempts are never forgotten, so each may come back at the worst moment.
    """

    def __init__(self, lab: Lab, context: Context) -> None:
        super().__init__()
        self.lab, self.context = lab, context
        self.claim = ClaimJob(lab.system, lab.kinds, "w", 45)
        self.finish = FinishJob(lab.database, lab.system)
        self.hand_back = HandBackJobs(lab.system)
        self.messages: list[Ticket] = []
        self.attempts: list[Job] = []
        self.states: dict[str, JobState] = {}
        self.succeeded: set[str] = set()
        lab.sql("DELETE FROM jobs")
        with lab.database.begin(context) as unit:
            unit.execute("DELETE FROM products WHERE tenant_id = :t", {"t": context.tenant_id})
            unit.commit(None)

    def some_job(self, data: Any) -> str:
        return str(data.draw(st.sampled_from(sorted(self.states))))

    def end(self, data: Any, ending_for: Any) -> None:
        job = data.draw(st.sampled_from(self.attempts))
        ended = self.finish(self.context, job, ending_for(job), None)
        last = max(a.epoch for a in self.attempts if a.job_id == job.job_id)
        assert ended is None or job.epoch == last, "an attempt ended another's job"
        if ended is JobState.SUCCEEDED:
            self.succeeded.add(job.job_id)

    @precondition(lambda self: len(self.states) < MOST_JOBS)
    @rule()
    def submit(self) -> None:
        job = self.lab.submit(self.context)
        self.states[job.job_id] = job.state

    @rule()
    def dispatch(self) -> None:
        with self.lab.system.begin() as transaction:
            capacity = Capacity("default", 2, versions_of(self.lab.kinds))
            self.messages += pick(transaction, capacity, {}, most=2)

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def a_message_arrives(self, data: Any) -> None:
        self.take(data.draw(st.sampled_from(self.messages)))

    def take(self, message: Ticket) -> None:
        claim = self.claim(message)
        if claim is not None:
            job = claim.job
            assert job.epoch not in {a.epoch for a in self.attempts if a.job_id == job.job_id}
            self.attempts.append(job)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def an_attempt_succeeds(self, data: Any) -> None:
        def effect(job: Job) -> Ending:
            def write(unit: UnitOfWork) -> None:
                unit.execute(
                    "INSERT INTO products (tenant_id, sku) VALUES (:tenant_id, :sku)",
                    {"tenant_id": job.tenant_id, "sku": job.job_id},
                )

            return ending_of(Done({}, write=write), job)

        self.end(data, effect)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), how=st.sampled_from(["refused", "later", "broken"]))
    def an_attempt_fails(self, data: Any, how: str) -> None:
        refusal = Failure(Reason.JOB_BROKEN, "No.")

        def failure(job: Job) -> Ending:
            if how == "broken":
                return broken(JOB_BROKEN, job, self.lab.kinds[job.kind], random=lambda: 0.0)
            return ending_of(Refused(refusal) if how == "refused" else Later(0, refusal), job)

        self.end(data, failure)

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def a_worker_drains(self, data: Any) -> None:
        self.hand_back.running([ticket(data.draw(st.sampled_from(self.attempts)))])

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def a_worker_gives_a_message_back(self, data: Any) -> None:
        self.hand_back.unstarted([data.draw(st.sampled_from(self.messages))])

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def heartbeats_are_lost(self, data: Any) -> None:
        self.lab.sql(
            "UPDATE jobs SET lease_until = now() - interval '1 second', run_at = now()"
            " WHERE state = 'running' AND job_id = CAST(:id AS uuid)",
            {"id": self.some_job(data)},
        )

    @precondition(lambda self: JobState.RUNNING in self.states.values())
    @rule()
    def another_worker_takes_over(self) -> None:
        self.lab.sql("UPDATE jobs SET lease_until = now() - interval '1 second'")
        self.rescue()
        taken = len(self.messages)
        self.dispatch()
        for message in self.messages[taken:]:
            self.take(message)

    @rule()
    def messages_are_lost(self) -> None:
        self.lab.sql("UPDATE jobs SET dispatched_at = now() - interval '1 minute'")

    @rule()
    def rescue(self) -> None:
        self.lab.jobs.rescue()
        # What waits out its backoff is due again.
        self.lab.sql("UPDATE jobs SET run_at = now() WHERE state = 'queued'")

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        self.lab.jobs.cancel(self.context, self.some_job(data))

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def retry(self, data: Any) -> None:
        self.lab.jobs.retry(self.context, self.some_job(data))

    @invariant()
    def every_change_is_legal(self) -> None:
        for row in self.lab.sql("SELECT * FROM jobs"):
            job_id, state = str(row["job_id"]), JobState(row["state"])
            before = self.states[job_id]
            assert state is before or may_become(before, state), (before, state)
            self.states[job_id] = state
            assert (row["finished_at"] is not None) == (state not in WAITING_OR_RUNNING)
            assert 0 <= row["attempt"] <= row["max_attempts"]
            assert 0 <= row["crash_count"] <= 3

    @invariant()
    def every_success_has_one_effect_and_nothing_else_has_any(self) -> None:
        rows = self.lab.database.read(self.context, "SELECT sku FROM products", {})
        assert Counter(str(row["sku"]) for row in rows) == Counter(self.succeeded)
        for job_id in self.succeeded:
            assert self.states[job_id] is JobState.SUCCEEDED


WAITING_OR_RUNNING = frozenset(JobState) - ENDED


def test_no_interleaving_breaks_the_state_machine_or_doubles_an_effect(
    lab: Lab,
) -> None:
    run_state_machine_as_test(
        lambda: Interleavings(lab, context_of("acme", seconds=3_600)),  # type: ignore[arg-type]
        settings=of_hypothesis(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
