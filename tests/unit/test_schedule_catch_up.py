from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.schedules.schedule import CatchUp, Plan, first_to_fire

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATE = timedelta(seconds=61)


def hourly(catch_up: CatchUp, most: int = 3) -> Plan:
    return Plan("0 * * * *", "echo", time_zone="UTC", catch_up=catch_up, max_catch_up=most)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_fire_on_time_is_made_whatever_the_plan(catch_up: CatchUp) -> None:
    for late in (timedelta(0), timedelta(seconds=59)):
        assert first_to_fire(hourly(catch_up), NOON, NOON + late, held=False) == NOON


@pytest.mark.parametrize(
    ("catch_up", "first"), [(CatchUp.SKIP, None), (CatchUp.ONCE, NOON), (CatchUp.ALL, NOON)]
)
def test_a_late_fire_was_missed(catch_up: CatchUp, first: datetime | None) -> None:
    assert first_to_fire(hourly(catch_up), NOON, NOON + LATE, held=False) == first


@pytest.mark.parametrize(
    ("catch_up", "first"),
    [(CatchUp.SKIP, None), (CatchUp.ONCE, NOON), (CatchUp.ALL, NOON - 2 * HOUR)],
)
def test_of_many_that_were_missed_the_latest_are_made(
    catch_up: CatchUp, first: datetime | None
) -> None:
    due = NOON - 9 * HOUR
    assert first_to_fire(hourly(catch_up), due, NOON + LATE, held=False) == first


@pytest.mark.parametrize(
    ("catch_up", "first"),
    [(CatchUp.SKIP, NOON), (CatchUp.ONCE, NOON), (CatchUp.ALL, NOON - 2 * HOUR)],
)
def test_one_that_is_on_time_is_made_after_those_that_were_missed(
    catch_up: CatchUp, first: datetime
) -> None:
    now = NOON + timedelta(seconds=1)
    assert first_to_fire(hourly(catch_up), NOON - 9 * HOUR, now, held=False) == first


def test_fewer_than_the_most_are_all_made() -> None:
    due = NOON - HOUR
    assert first_to_fire(hourly(CatchUp.ALL, 3), due, NOON + LATE, held=False) == due
    assert first_to_fire(hourly(CatchUp.ALL, 2), due, NOON + LATE, held=False) == due
    assert first_to_fire(hourly(CatchUp.ALL, 1), due, NOON + LATE, held=False) == NOON


def test_a_held_fire_is_late_but_was_not_missed() -> None:
    late = NOON + 30 * LATE
    assert first_to_fire(hourly(CatchUp.SKIP), NOON, late, held=True) == NOON
    # Where the plan wants one for all that were missed, the latest stands for it.
    assert first_to_fire(hourly(CatchUp.ONCE), NOON - HOUR, late, held=True) == NOON
