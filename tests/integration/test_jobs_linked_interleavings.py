"""Drives chains and batches through random interleavings, beside jobs that stand alone."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from core.context import Context
from core.jobs.cancel_batch import CancelBatchCommand
from core.jobs.job import ENDED, JobState
from core.jobs.spec import JobSpec
from core.jobs.submit_batch import BatchOrder
from core.result import Ok
from tests.conftest import context_of
from tests.integration.test_jobs_interleavings import Interleavings, lab
from tests.jobs_lab import Lab, echo

__all__ = ["lab"]


class LinkedInterleavings(Interleavings):
    """Adds a chain of three and a batch of two with a callback to the jobs that are alone."""

    def __init__(self, lab: Lab, context: Context) -> None:
        lab.kind("echo", echo, check_payload=lambda _payload: (), max_attempts=2)
        super().__init__(lab, context)
        lab.sql("DELETE FROM batches")
        self.chain: list[str] = []
        self.batch_id, self.callback_id = "", ""
        self.members: list[str] = []
        self.was_over = False
        # Somebody asked for these by name; they need not wait for what was before them.
        self.by_hand: set[str] = set()

    @precondition(lambda self: not self.chain)
    @rule()
    def submit_a_chain(self) -> None:
        result = self.lab.jobs.submit_chain(self.context, [JobSpec("echo")] * 3)
        assert isinstance(result, Ok)
        self.chain = [job.job_id for job in result.value]
        self.states |= {job.job_id: job.state for job in result.value}

    @precondition(lambda self: not self.batch_id)
    @rule()
    def submit_a_batch(self) -> None:
        order = BatchOrder([JobSpec("echo")] * 2, JobSpec("echo"))
        result = self.lab.jobs.submit_batch(self.context, order)
        assert isinstance(result, Ok)
        batch = result.value.batch
        assert batch.callback_job_id is not None
        self.batch_id, self.callback_id = batch.batch_id, batch.callback_job_id
        self.members = list(result.value.job_ids)
        self.states |= dict.fromkeys(self.members, JobState.QUEUED)
        self.states[self.callback_id] = JobState.HELD

    @precondition(lambda self: self.batch_id)
    @rule(with_callback=st.booleans())
    def cancel_the_batch(self, *, with_callback: bool) -> None:
        command = CancelBatchCommand(self.batch_id, with_callback=with_callback)
        assert isinstance(self.lab.jobs.cancel_batch(self.context, command), Ok)

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def retry(self, data: Any) -> None:
        job_id = self.some_job(data)
        if isinstance(self.lab.jobs.retry(self.context, job_id), Ok):
            self.by_hand.add(job_id)

    @rule()
    def sweep(self) -> None:
        assert self.lab.jobs.sweep().orphans == 0

    @invariant()
    def no_step_overtakes_the_one_before_it(self) -> None:
        for before, job_id in pairwise(self.chain):
            state = self.states[job_id]
            if self.states[before] is JobState.SUCCEEDED:
                assert state is not JobState.HELD, "a step was forgotten"
            elif job_id not in self.by_hand:
                assert state in {JobState.HELD, JobState.CANCELLED}, "a step came too early"

    @invariant()
    def the_batch_counts_what_there_is_and_calls_back_when_it_is_over(self) -> None:
        if not self.batch_id:
            return
        found = self.lab.jobs.get_batch(self.context, self.batch_id)
        assert isinstance(found, Ok)
        batch = found.value
        states = Counter(self.states[job_id] for job_id in self.members)
        assert batch.open == sum(states[state] for state in frozenset(JobState) - ENDED)
        for state in ENDED:
            assert getattr(batch, state.value) == states[state], state
        assert (batch.finished_at is None) == (batch.open > 0)
        self.was_over = self.was_over or batch.open == 0
        held = self.states[self.callback_id] is JobState.HELD
        if self.was_over:
            assert not held, "the callback was forgotten"
        elif self.callback_id not in self.by_hand:
            assert held or self.states[self.callback_id] is JobState.CANCELLED, "called too early"


def test_no_interleaving_forgets_or_hastens_a_step_or_a_callback(lab: Lab) -> None:
    run_state_machine_as_test(
        lambda: LinkedInterleavings(lab, context_of("acme", seconds=3_600)),  # type: ignore[arg-type]
        settings=of_hypothesis(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
