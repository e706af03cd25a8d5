"""Defines the key figures of a period, and how those that follow from others follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.money import half_even


class Granularity(StrEnum):
    """Lists the steps of a series; weeks are ISO weeks, which begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def first_day(self, day: date) -> date:
        """Returns the first day of the step that `day` is in."""
        if self is Granularity.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Granularity.MONTH else day

    def next(self, first: date) -> date:
        """Returns the first day of the step after the one that begins on `first`."""
        if self is Granularity.MONTH:
            return (first + timedelta(days=31)).replace(day=1)
        return first + timedelta(days=7 if self is Granularity.WEEK else 1)


@dataclass(frozen=True, slots=True)
class Period:
    """Is the days from `start` up to, but without, `end`, in the tenant's time zone."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Returns its length."""
        return (self.end - self.start).days

    def before(self) -> Period:
        """Returns the equally long period just before."""
        return Period(self.start - (self.end - self.start), self.start)

    def steps(self, granularity: Granularity) -> list[date]:
        """Returns the first day of each step; the first step may begin before the period."""
        steps = []
        first = granularity.first_day(self.start)
        while first < self.end:
            steps.append(first)
            first = granularity.next(first)
        return steps


@dataclass(frozen=True, slots=True)
class Ranked:
    """Is one place of a ranking; `name` is the key where there is no name."""

    key: str
    name: str
    gross_revenue_minor: int


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """Is one step of a series, named by its first day."""

    start: date
    gross_revenue_minor: int = 0
    orders: int = 0
    customers: int = 0


@dataclass(frozen=True, slots=True)
class Kpis:
    """Holds the figures of one period in one currency; amounts are in minor units."""

    period: Period
    currency: str
    gross_revenue_minor: int
    refunds_minor: int
    orders: int
    credit_notes: int
    units: int
    customers: int
    repeat_customers: int
    new_customers: int
    churned_customers: int
    top_products: tuple[Ranked, ...]
    top_customers: tuple[Ranked, ...]
    top_countries: tuple[Ranked, ...]
    series: tuple[SeriesPoint, ...]

    @property
    def net_revenue_minor(self) -> int:
        """Returns gross revenue less refunds."""
        return self.gross_revenue_minor - self.refunds_minor

    @property
    def average_order_value_minor(self) -> int:
        """Returns gross revenue by orders, rounded half to even; 0 without orders."""
        return half_even(self.gross_revenue_minor, self.orders) if self.orders else 0

    @property
    def returning_customers(self) -> int:
        """Returns how many customers had bought before the period."""
        return self.customers - self.new_customers

    @property
    def repeat_rate(self) -> float:
        """Returns the share of the customers with two or more sales; 0 without customers."""
        return self.repeat_customers / self.customers if self.customers else 0.0

    @property
    def refund_rate(self) -> float:
        """Returns refunds by gross revenue; 0 without revenue."""
        return self.refunds_minor / self.gross_revenue_minor if self.gross_revenue_minor else 0.0


@dataclass(frozen=True, slots=True)
class KpiChanges:
    """Holds relative changes, 0.25 for a quarter more; None where the figure was 0 before."""

    gross_revenue: float | None
    net_revenue: float | None
    orders: float | None
    average_order_value: float | None
    units: float | None
    customers: float | None
    refunds: float | None

    @classmethod
    def between(cls, before: Kpis, now: Kpis) -> KpiChanges:
        """Returns the changes from one period to another."""
        return cls(
            gross_revenue=change(before.gross_revenue_minor, now.gross_revenue_minor),
            net_revenue=change(before.net_revenue_minor, now.net_revenue_minor),
            orders=change(before.orders, now.orders),
            average_order_value=change(
                before.average_order_value_minor, now.average_order_value_minor
            ),
            units=change(before.units, now.units),
            customers=change(before.customers, now.customers),
            refunds=change(before.refunds_minor, now.refunds_minor),
        )


def change(before: int, now: int) -> float | None:
    """Returns the relative change; a rise is above 0 also where the figure was below 0."""
    return (now - before) / abs(before) if before else None
