"""Counts which customers of which month of first sale came back when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.analytics import store
from core.context import Context
from core.failures import field_invalid
from core.platform.database import Database
from core.result import Err, Ok, Result

DEFAULT_COHORTS, MAX_COHORTS = 24, 120
MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class CohortsQuery:
    """Asks for the newest cohorts; 0 and the empty currency take their defaults."""

    currency: str = ""
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Cohort:
    """Is the customers whose first sale ever was in `month`.

    `active[n]` of them bought n months later; it ends with the last month with any sale.
    """

    month: date
    active: tuple[int, ...]

    @property
    def size(self) -> int:
        """Returns the number of customers."""
        return self.active[0]


@dataclass(frozen=True, slots=True)
class ComputeCohorts:
    """Returns the cohorts that have a customer, the earliest first."""

    database: Database

    def __call__(self, context: Context, query: CohortsQuery) -> Result[list[Cohort]]:
        """Reads all cohorts in one round trip."""
        if not 0 <= query.limit <= MAX_COHORTS:
            return Err(field_invalid("limit", f"must be from 1 to {MAX_COHORTS}"))
        measure = store.measure(self.database, context, query.currency)
        rows = store.cohort_months(self.database, context, measure, query.limit or DEFAULT_COHORTS)
        active: dict[date, list[int]] = {}
        for row in rows:
            cohort = row["cohort"]
            months = active.setdefault(
                cohort, [0] * (_months_between(cohort, row["last_month"]) + 1)
            )
            months[_months_between(cohort, row["month"])] = row["customers"]
        return Ok([Cohort(month, tuple(counts)) for month, counts in active.items()])


def _months_between(first: date, later: date) -> int:
    return (later.year - first.year) * MONTHS_IN_YEAR + later.month - first.month
