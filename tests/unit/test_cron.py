from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from core.schedules.cron import Cron, fault_of

# Clocks change in the night to each of these days: when they are put forward, and back.
BERLIN = ("Europe/Berlin", "2026-03-29", "2026-10-25")
NEW_YORK = ("America/New_York", "2026-03-08", "2026-11-01")
HAVANA = ("America/Havana", "2026-03-08", "2026-11-01")  # at midnight
LORD_HOWE = ("Australia/Lord_Howe", "2026-10-04", "2026-04-05")  # by half an hour


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def fires_of_day(expression: str, zone: str, day: str) -> list[str]:
    """Returns the times on the wall, with their offset, at which it comes true on that day."""
    start = local(zone, day)
    end = local(zone, f"{datetime.fromisoformat(day) + timedelta(days=1):%F}")
    fires = Cron(expression, ZoneInfo(zone)).fires(start - timedelta(seconds=1))
    return [
        f"{moment.astimezone(ZoneInfo(zone)):%H:%M %z}"
        for moment in takewhile(lambda moment: moment < end, fires)
    ]


@pytest.mark.parametrize(
    ("expression", "place", "expected"),
    [
        ("30 2 * * *", BERLIN, ["03:00 +0200"]),
        ("30 2 * * *", NEW_YORK, ["03:00 -0400"]),
        ("15 2 * * *", LORD_HOWE, ["02:30 +1100"]),
        # What several times would come to is made once.
        ("0,20,40 2 * * *", BERLIN, ["03:00 +0200"]),
        ("0 2,3 * * *", NEW_YORK, ["03:00 -0400"]),
        ("30 1,3 * * *", BERLIN, ["01:30 +0100", "03:30 +0200"]),
        # Follows the clock on the wall, which does not show these.
        ("*/20 2 * * *", BERLIN, []),
        ("*/20 2 * * *", LORD_HOWE, ["02:40 +1100"]),
        ("0 0 * * *", HAVANA, ["01:00 -0400"]),
        ("*/30 1 * * *", HAVANA, ["01:00 -0400", "01:30 -0400"]),
    ],
)
def test_a_time_that_the_clock_skips_comes_right_after(
    expression: str, place: tuple[str, str, str], expected: list[str]
) -> None:
    zone, forward, _back = place
    assert fires_of_day(expression, zone, forward) == expected


@pytest.mark.parametrize(
    ("expression", "place", "expected"),
    [
        ("30 2 * * *", BERLIN, ["02:30 +0200"]),
        ("30 1 * * *", NEW_YORK, ["01:30 -0400"]),
        ("45 1 * * *", LORD_HOWE, ["01:45 +1100"]),
        ("15,45 2 * * *", BERLIN, ["02:15 +0200", "02:45 +0200"]),
        # Follows the clock on the wall, which shows these twice.
        ("*/30 2 * * *", BERLIN, ["02:00 +0200", "02:30 +0200", "02:00 +0100", "02:30 +0100"]),
        ("30 */1 * * *", LORD_HOWE, ["00:30 +1100", "01:30 +1100", "01:30 +1030"]),
        ("0 */5 * * *", LORD_HOWE, ["00:00 +1100", "05:00 +1030", "10:00 +1030"]),
    ],
)
def test_a_time_that_the_clock_repeats_comes_once_where_it_was_named(
    expression: str, place: tuple[str, str, str], expected: list[str]
) -> None:
    zone, _forward, back = place
    assert fires_of_day(expression, zone, back)[: len(expected)] == expected


@pytest.mark.parametrize("place", [BERLIN, NEW_YORK, LORD_HOWE], ids=lambda place: place[0])
def test_every_minute_means_every_minute_that_passes(place: tuple[str, str, str]) -> None:
    zone, forward, back = place
    shift = 30 if zone == LORD_HOWE[0] else 60
    for day, minutes in ((forward, 1_440 - shift), (back, 1_440 + shift)):
        found = fires_of_day("* * * * *", zone, day)
        assert (len(found), len(set(found))) == (minutes, minutes)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC"])
@pytest.mark.parametrize(
    "expression",
    ["30 2 * * *", "0,30 1-3 * * *", "0 0 * * *", "17 * * * *", "*/7 1-2 * 3,10,11 SUN"],
)
def test_a_year_with_whole_hours_of_change_is_as_in_debian(zone: str, expression: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    ours = Cron(expression, ZoneInfo(zone)).fires(start.astimezone(UTC))
    theirs = (moment.astimezone(UTC) for moment in CronSim(expression, start))
    year = datetime(2027, 1, 1, tzinfo=UTC)
    pairs = list(takewhile(lambda pair: pair[0] < year, zip(ours, theirs, strict=False)))
    assert len(pairs) > 50
    assert [ours for ours, _ in pairs] == [theirs for _, theirs in pairs]


def test_looking_on_from_within_the_repeated_hour_misses_nothing() -> None:
    cron = Cron("*/30 * * * *", ZoneInfo("Europe/Berlin"))
    night = list(islice(cron.fires(datetime(2026, 10, 24, 22, 30, tzinfo=UTC)), 12))
    for earlier, later in pairwise(night):
        assert later - earlier == timedelta(minutes=30)
        assert cron.next(earlier) == later
        assert cron.next(later - timedelta(microseconds=1)) == later


def test_the_latest_times_are_found_however_long_ago_the_first_was() -> None:
    cron = Cron("0 3 1 * *", ZoneInfo("UTC"))
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert cron.latest(datetime(1990, 1, 1, tzinfo=UTC), now, 2) == [
        datetime(2026, 10, 1, 3, tzinfo=UTC),
        datetime(2026, 11, 1, 3, tzinfo=UTC),
    ]
    # Later than the one and not later than the other.
    first = datetime(2026, 11, 1, 3, tzinfo=UTC)
    assert cron.latest(first - timedelta(seconds=1), first, 5) == [first]
    assert cron.latest(first, now, 5) == []


@pytest.mark.parametrize(
    "expression", ["0 3 * * *", "*/5 9-17 * * MON-FRI", "0 0 L * *", "0 12 * * 5L", "0 9 1 JAN *"]
)
def test_an_expression_is_taken(expression: str) -> None:
    assert fault_of(expression) is None


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("0 3 * *", "five fields"),
        ("0 0 3 * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 3 * * *", "minute"),
        ("0 3 0 * *", "day-of-month"),
        ("0 3 * * MON-XYZ", "day-of-week"),
        ("0 3 30 2 *", "day-of-month"),
        ("*/0 * * * *", "minute"),
        ("٣ 3 * * *", "minute"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said(expression: str, fault: str) -> None:
    assert fault in (fault_of(expression) or "")


def test_an_expression_that_never_comes_true_has_no_next_time() -> None:
    cron = Cron("* * */20 * 1L", ZoneInfo("Europe/Berlin"))
    assert cron.next(datetime(2026, 1, 1, tzinfo=UTC)) is None
