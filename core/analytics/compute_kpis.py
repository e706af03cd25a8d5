"""Computes the key figures of a period."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from core.analytics import store
from core.analytics.kpis import Granularity, KpiChanges, Kpis, Period
from core.context import Context
from core.failures import FieldViolation, fields_invalid
from core.platform.database import Database
from core.result import Err, Ok, Result

LONGEST_PERIOD_DAYS = 3_660
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 1, 1)
DEFAULT_CHURN_DAYS, MAX_CHURN_DAYS = 90, 3_650
DEFAULT_TOP_LIMIT, MAX_TOP_LIMIT = 5, 100


@dataclass(frozen=True, slots=True)
class KpisQuery:
    """Asks for the figures of a period; 0 and empty values take their defaults."""

    period: Period
    currency: str = ""
    churn_days: int = 0
    top_limit: int = 0
    granularity: Granularity | None = None
    compare_previous: bool = False

    def faults(self) -> Iterator[FieldViolation]:
        """Yields what is wrong with it."""
        for name, day in (("start_date", self.period.start), ("end_date", self.period.end)):
            if not FIRST_DAY <= day <= LAST_DAY:
                yield FieldViolation(name, f"must be from {FIRST_DAY} to {LAST_DAY}")
        if self.period.days < 1:
            yield FieldViolation("end_date", "must be after start_date")
        if self.period.days > LONGEST_PERIOD_DAYS:
            yield FieldViolation(
                "end_date", f"must be at most {LONGEST_PERIOD_DAYS} days after start_date"
            )
        if not 0 <= self.churn_days <= MAX_CHURN_DAYS:
            yield FieldViolation("churn_days", f"must be from 1 to {MAX_CHURN_DAYS}")
        if not 0 <= self.top_limit <= MAX_TOP_LIMIT:
            yield FieldViolation("top_limit", f"must be from 1 to {MAX_TOP_LIMIT}")


@dataclass(frozen=True, slots=True)
class KpisFound:
    """Answers with the figures, and with those of the period before where asked for."""

    kpis: Kpis
    previous: Kpis | None = None
    changes: KpiChanges | None = None


@dataclass(frozen=True, slots=True)
class ComputeKpis:
    """Computes what 8-workloads defines, over the invoices of one currency.

    First and last sales ever are also looked for in that currency only. Refuses with
    FIELDS_INVALID a period that ends before it begins or is too long.
    """

    database: Database

    def __call__(self, context: Context, query: KpisQuery) -> Result[KpisFound]:
        """Reads each period in one round trip."""
        faults = list(query.faults())
        if faults:
            return Err(fields_invalid(faults))
        measure = store.measure(self.database, context, query.currency)
        kpis = self._kpis(context, measure, query, query.period)
        if not query.compare_previous:
            return Ok(KpisFound(kpis))
        previous = self._kpis(context, measure, query, query.period.before())
        return Ok(KpisFound(kpis, previous, KpiChanges.between(previous, kpis)))

    def _kpis(
        self, context: Context, measure: store.Measure, query: KpisQuery, period: Period
    ) -> Kpis:
        return store.kpis(
            self.database,
            context,
            measure,
            period,
            churn_days=query.churn_days or DEFAULT_CHURN_DAYS,
            top_limit=query.top_limit or DEFAULT_TOP_LIMIT,
            granularity=query.granularity,
        )
