"""Says when a cron expression comes true in a time zone, also on the days when clocks change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# No clock is put back by more, as Debian's cron has it too.
LONGEST_FOLD = timedelta(hours=3)
ANY_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - expressions speak of local time


def fault_of(expression: str) -> str | None:
    """Returns what is wrong with a cron expression, or None."""
    if len(expression.split()) != FIELDS:
        return "must have five fields: minute, hour, day of month, month, day of week"
    try:
        CronSim(expression, ANY_TIME)
    except CronSimError as fault:
        return str(fault)
    return None


@dataclass(frozen=True, slots=True)
class Cron:
    """Is a valid expression in the time zone that its hours are of.

    Clocks change as in Debian's cron. Where minute and hour are both named (neither begins with
    `*`), every time named comes once: one that the change skips comes right after it, one that the
    change repeats comes the first time only. Any other expression follows the clock on the wall.

    The library only matches times: it has a way of its own with time zones that loses times where
    the change is no whole hour, or comes at midnight.
    """

    expression: str
    zone: ZoneInfo

    def fires(self, after: datetime) -> Iterator[datetime]:
        """Yields the times later than `after`, in order and in UTC; ends after 50 years of none."""
        last = after
        for moment in self._moments(after):
            if moment > last:
                last = moment
                yield moment

    def next(self, after: datetime) -> datetime | None:
        """Returns the first time later than `after`, or None where none comes."""
        return next(self.fires(after), None)

    def latest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """Returns the last `most` times later than `after` and not later than `until`.

        It looks back as far as it must: `after` may be years ago.
        """
        span = DAY
        while True:
            start = max(after, until - span)
            found = deque(takewhile(lambda moment: moment <= until, self.fires(start)), most)
            if start == after or len(found) == most:
                return list(found)
            span *= 4

    def _moments(self, after: datetime) -> Iterator[datetime]:
        names_time = not any(field.startswith("*") for field in self.expression.split()[:2])
        again: deque[datetime] = deque()
        for wall in CronSim(self.expression, self._wall_before(after)):
            first, second = (
                wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
            )
            while again and again[0] < first:
                yield again.popleft()
            if first <= second:
                yield first
                if first < second and not names_time:
                    again.append(second)
            elif names_time:
                # No clock shows it: the fold that comes "first" is then the later one.
                yield self._change_after(second)
        yield from again

    def _wall_before(self, after: datetime) -> datetime:
        """Returns a local time from which on nothing is missed, also where hours will repeat."""
        repeats = self._offset(after) - self._offset(after + LONGEST_FOLD)
        local = after.astimezone(self.zone).replace(tzinfo=None)
        return local - max(repeats, timedelta(0))

    def _change_after(self, moment: datetime) -> datetime:
        offset = self._offset(moment)
        while self._offset(moment) == offset:
            moment += MINUTE
        return moment

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset
