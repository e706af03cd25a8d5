"""Decides what the 50 tabs of a workbook are, whatever the sales are like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias

from core.documents.sales import Ranked, SalesPeriod, SalesSummary
from core.documents.store import InvoiceRange
from core.documents.workbook.names import TabNames

TABS = 50
FIXED = ("Overview", "Months", "Days", "Customers", "Products", "Countries", "Cohorts")
MOST_PERIODS = 24  # of the tabs, so that parts of the sales and customers have theirs
MOST_PRODUCTS = 10
MOST_COUNTRIES = 8
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


class TooManyInvoicesError(Exception):
    """Says that the rows do not fit into the tabs there are."""


@dataclass(frozen=True, slots=True)
class PeriodTab:
    """Lists the invoices of a month, a quarter or a year, or of one part of it."""

    name: str
    title: str
    invoices: InvoiceRange
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class PartTab:
    """Shows one product, country or weekday by month, with those who bought most."""

    name: str
    title: str
    part: str
    key: str


@dataclass(frozen=True, slots=True)
class CustomerTab:
    """Lists the invoices of one customer."""

    name: str
    title: str
    customer: Ranked
    rank: int


@dataclass(frozen=True, slots=True)
class EmptyTab:
    """Says that there was nothing left to show."""

    name: str
    title: str


DetailTab: TypeAlias = PeriodTab | PartTab | CustomerTab | EmptyTab


def plan(summary: SalesSummary, rows_per_tab: int) -> list[DetailTab]:
    """Returns the tabs that follow the fixed ones: always as many as make 50.

    Periods first, which list each invoice once. Then the products, countries and customers that
    sold best; where these are few, the days of the week.
    """
    names = TabNames()
    for name in FIXED:
        names.take(name)
    wanted = TABS - len(FIXED)
    tabs: list[DetailTab] = list(_periods(summary, rows_per_tab, wanted, names))
    products, countries, customers, weekdays = _shares(summary, wanted - len(tabs))
    tabs.extend(
        PartTab(names.take(f"Product {item.key}"), _title("Product", item), "product", item.key)
        for item in summary.products[:products]
    )
    tabs.extend(
        PartTab(names.take(item.key), item.key, "country", item.key)
        for item in summary.countries[:countries]
    )
    tabs.extend(
        CustomerTab(names.take(f"Customer {item.key}"), _title("Customer", item), item, rank)
        for rank, item in enumerate(summary.customers[:customers], 1)
    )
    tabs.extend(
        PartTab(names.take(name), name, "weekday", str(number))
        for number, name in enumerate(WEEKDAYS[:weekdays], 1)
    )
    missing = range(customers + 1, customers + 1 + wanted - len(tabs))
    tabs.extend(EmptyTab(names.take(f"No. {n}"), f"Customer no. {n}") for n in missing)
    return tabs


def _shares(summary: SalesSummary, room: int) -> tuple[int, int, int, int]:
    """Returns how many tabs products, countries, customers and days of the week get."""
    products = min(len(summary.products), MOST_PRODUCTS, room)
    countries = min(len(summary.countries), MOST_COUNTRIES, room - products)
    customers = min(len(summary.customers), room - products - countries)
    spare = room - products - countries - customers
    more_products = min(spare, len(summary.products) - products)
    more_countries = min(spare - more_products, len(summary.countries) - countries)
    weekdays = min(spare - more_products - more_countries, len(WEEKDAYS))
    return products + more_products, countries + more_countries, customers, weekdays


def _title(what: str, ranked: Ranked) -> str:
    name = "" if ranked.name in {"", ranked.key} else f" · {ranked.name}"
    return f"{what} {ranked.key}{name}"


def _periods(
    summary: SalesSummary, rows_per_tab: int, room: int, names: TabNames
) -> Iterator[PeriodTab]:
    """Takes the shortest of month, quarter and year that leaves room for other tabs."""
    for label, most in ((_month, MOST_PERIODS), (_quarter, MOST_PERIODS), (_year, room)):
        stretches = list(_stretches(summary, label))
        needed = sum(max(1, -(-count // rows_per_tab)) for _, _, count in stretches)
        if needed <= most:
            break
    else:
        raise TooManyInvoicesError
    for name, period, count in stretches:
        title = f"{period.start:%B %Y}" if label is _month else name
        parts = max(1, -(-count // rows_per_tab))
        for part in range(1, parts + 1):
            yield PeriodTab(
                names.take(name),
                title if parts == 1 else f"{title}, part {part} of {parts}",
                InvoiceRange(period, offset=(part - 1) * rows_per_tab, limit=rows_per_tab),
                part,
                parts,
            )


def _stretches(
    summary: SalesSummary, label: Callable[[date], str]
) -> Iterator[tuple[str, SalesPeriod, int]]:
    """Yields each stretch of days with the same label, and its number of invoices."""
    period = summary.period
    begun, count = period.start, 0
    for day in period.days():
        count += summary.days[day].invoices if day in summary.days else 0
        following = day + timedelta(days=1)
        if following == period.end or label(following) != label(day):
            yield label(day), replace(period, start=begun, end=following), count
            begun, count = following, 0


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _quarter(day: date) -> str:
    return f"{day:%Y} Q{(day.month + 2) // 3}"


def _year(day: date) -> str:
    return f"{day:%Y}"
