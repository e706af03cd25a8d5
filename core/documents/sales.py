"""Says what the sales of a period are made of, as documents show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class SalesPeriod:
    """Is `[start, end)` in days of a time zone, for the invoices of one currency."""

    start: date
    end: date
    time_zone: str
    currency: str

    @property
    def begins(self) -> datetime:
        """Returns the first moment of the period."""
        return datetime.combine(self.start, time.min, ZoneInfo(self.time_zone))

    @property
    def ends(self) -> datetime:
        """Returns the first moment after the period."""
        return datetime.combine(self.end, time.min, ZoneInfo(self.time_zone))

    @property
    def last_day(self) -> date:
        """Returns the last day that counts."""
        return self.end - timedelta(days=1)

    def before(self) -> SalesPeriod:
        """Returns the equally long period just before."""
        start = self.start - (self.end - self.start)
        return SalesPeriod(start, self.start, self.time_zone, self.currency)

    def days(self) -> list[date]:
        """Returns each day."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]

    def months(self) -> list[date]:
        """Returns the first of each month the period touches."""
        found = [self.start.replace(day=1)]
        while (following := (found[-1] + timedelta(days=31)).replace(day=1)) < self.end:
            found.append(following)
        return found


@dataclass(frozen=True, slots=True)
class Sales:
    """Holds the figures of one stretch of time, or of one part of the sales.

    Amounts are in minor units; `orders` and `units` are of sales, without credit notes;
    `customers` counts known customers with a sale.
    """

    gross_minor: int = 0
    refunds_minor: int = 0
    orders: int = 0
    credit_notes: int = 0
    units: int = 0
    customers: int = 0
    repeat_customers: int = 0
    new_customers: int = 0

    @property
    def invoices(self) -> int:
        """Returns the number of sales and credit notes."""
        return self.orders + self.credit_notes


@dataclass(frozen=True, slots=True)
class Ranked:
    """Is a customer, a product or a country among those that sold best.

    `first` and `last` are the first and last day with a sale in the period.
    """

    key: str
    name: str
    country: str
    orders: int
    units: int
    gross_minor: int
    customers: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Cohort:
    """Counts, of the customers whose first sale ever was in `month`, who bought how much later.

    `buyers[n]` bought in the n-th month after; `buyers[0]` are all of them.
    """

    month: date
    buyers: Sequence[int]


@dataclass(frozen=True, slots=True)
class SalesSummary:
    """Holds all that is small about the sales of a period; the invoices are streamed instead."""

    period: SalesPeriod
    total: Sales
    previous: Sales
    days: Mapping[date, Sales]
    months: Mapping[date, Sales]
    customers: Sequence[Ranked] = ()
    products: Sequence[Ranked] = ()
    countries: Sequence[Ranked] = ()
    cohorts: Sequence[Cohort] = field(default=())
