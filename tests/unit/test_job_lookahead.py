from __future__ import annotations

import pytest

from core.jobs.lookahead import READY_SECONDS, Lookahead


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def after_rounds(seconds: float, taken: int, rounds: int = 200) -> int:
    """Returns what is to lie ready where the workers take so many jobs between two rounds."""
    clock = Clock()
    lookahead = Lookahead(clock)
    length = 50
    lookahead.pushed(length)
    found = lookahead.jobs(length)
    for _ in range(rounds):
        clock.now += seconds
        found = lookahead.jobs(length - taken)
        lookahead.pushed(taken)
    return found


def test_slow_jobs_have_one_ready() -> None:
    assert after_rounds(seconds=0.04, taken=0) == 1


@pytest.mark.parametrize(("seconds", "taken"), [(0.01, 4), (0.02, 8), (0.04, 16)])
def test_quick_jobs_have_ready_what_is_taken_in_a_moment(seconds: float, taken: int) -> None:
    expected = taken / seconds * READY_SECONDS
    assert after_rounds(seconds, taken) == pytest.approx(expected, rel=0.1)


def test_what_was_quick_is_forgotten() -> None:
    clock = Clock()
    lookahead = Lookahead(clock)
    lookahead.pushed(1_000)
    clock.now += 0.01
    assert lookahead.jobs(0) > 100
    clock.now += 5.0
    assert lookahead.jobs(0) == 1


def test_what_submitters_push_meanwhile_does_not_count_as_taken() -> None:
    clock = Clock()
    lookahead = Lookahead(clock)
    clock.now += 0.01
    assert lookahead.jobs(500) == 1
