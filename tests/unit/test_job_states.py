from __future__ import annotations

import itertools

import pytest

from core.jobs.job import ENDED, RETRYABLE, TRANSITIONS, JobState, backoff_seconds, may_become

LEGAL = {
    ("queued", "dispatched"),
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "expired"),
    ("dispatched", "queued"),
    ("dispatched", "running"),
    ("dispatched", "cancelled"),
    ("dispatched", "expired"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "dead"),
    ("running", "cancelled"),
    ("running", "quarantined"),
    ("failed", "queued"),
    ("dead", "queued"),
    ("cancelled", "queued"),
    ("cancelled", "held"),
    ("held", "queued"),
    ("held", "cancelled"),
    ("expired", "queued"),
    ("quarantined", "queued"),
}


@pytest.mark.parametrize(("state", "after"), list(itertools.product(JobState, JobState)))
def test_a_transition_is_legal_exactly_where_the_diagram_draws_it(
    state: JobState, after: JobState
) -> None:
    assert may_become(state, after) == ((state.value, after.value) in LEGAL)


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(JobState)


def test_a_job_that_succeeded_stays_so() -> None:
    assert TRANSITIONS[JobState.SUCCEEDED] == frozenset()
    assert {JobState.SUCCEEDED} == ENDED - RETRYABLE


def test_every_retryable_state_leads_back_to_the_queue_and_nowhere_else() -> None:
    # But for what is held again with the step before it.
    assert {TRANSITIONS[state] - {JobState.HELD} for state in RETRYABLE} == {
        frozenset({JobState.QUEUED})
    }


@pytest.mark.parametrize(
    ("attempt", "cap"), [(1, 2.0), (2, 4.0), (3, 8.0), (9, 512.0), (10, 600.0), (10_000, 600.0)]
)
def test_backoff_doubles_up_to_the_longest(attempt: int, cap: float) -> None:
    assert backoff_seconds(attempt, first=2.0, longest=600.0, random=lambda: 1.0) == cap
    assert backoff_seconds(attempt, first=2.0, longest=600.0, random=lambda: 0.0) == 0.0
    assert backoff_seconds(attempt, first=2.0, longest=600.0, random=lambda: 0.5) == cap / 2
