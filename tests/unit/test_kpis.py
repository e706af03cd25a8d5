from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.analytics.compute_kpis import KpisQuery
from core.analytics.kpis import Granularity, Period, change

DAYS = st.dates(date(1950, 1, 1), date(2150, 1, 1))


@given(DAYS, st.integers(1, 800), st.sampled_from(Granularity))
def test_steps_cover_the_period_without_a_gap(
    start: date, days: int, granularity: Granularity
) -> None:
    period = Period(start, start + timedelta(days=days))
    steps = period.steps(granularity)
    assert steps == sorted({granularity.first_day(start + timedelta(days=n)) for n in range(days)})


@given(DAYS, st.integers(1, 3_660))
def test_the_period_before_ends_where_this_begins(start: date, days: int) -> None:
    period = Period(start, start + timedelta(days=days))
    assert period.before() == Period(start - timedelta(days=days), start)


def test_weeks_begin_on_monday() -> None:
    assert Granularity.WEEK.first_day(date(2021, 1, 1)) == date(2020, 12, 28)


def test_a_change_from_nothing_is_unknown() -> None:
    assert change(0, 5) is None
    assert change(4, 5) == 0.25
    assert change(-4, 4) == 2.0


def faults(start: date, end: date, churn_days: int = 0) -> list[str]:
    return [fault.field for fault in KpisQuery(Period(start, end), churn_days=churn_days).faults()]


def test_a_period_must_begin_before_it_ends_and_not_last_forever() -> None:
    day = date(2021, 1, 1)
    assert faults(day, day + timedelta(days=1)) == []
    assert faults(day, day) == ["end_date"]
    assert faults(day, day - timedelta(days=1)) == ["end_date"]
    assert faults(day, day + timedelta(days=3_660)) == []
    assert faults(day, day + timedelta(days=3_661)) == ["end_date"]
    assert faults(date.min, date.min + timedelta(days=1)) == ["start_date", "end_date"]
    assert faults(day, day + timedelta(days=1), churn_days=3_651) == ["churn_days"]
