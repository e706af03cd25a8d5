"""Proves that a workbook has 50 tabs with names that Excel takes, whatever the sales are like."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.sales import Ranked, Sales, SalesPeriod, SalesSummary
from core.documents.workbook.book import safe_text
from core.documents.workbook.formats import number_formats
from core.documents.workbook.names import TabNames
from core.documents.workbook.plan import (
    FIXED,
    CustomerTab,
    DetailTab,
    EmptyTab,
    PartTab,
    PeriodTab,
    TooManyInvoicesError,
    plan,
)

JANUARY = date(2021, 1, 1)


def ranked(count: int, prefix: str = "k") -> list[Ranked]:
    return [Ranked(f"{prefix}{n}", "", "", 1, 1, 1, 1, JANUARY, JANUARY) for n in range(count)]


def summary(
    end: date,
    *,
    a_day: int = 1,
    customers: int = 0,
    products: int = 0,
    countries: int = 0,
) -> SalesSummary:
    period = SalesPeriod(JANUARY, end, "UTC", "USD")
    return SalesSummary(
        period=period,
        total=Sales(),
        previous=Sales(),
        days={day: Sales(orders=a_day) for day in period.days()},
        months={month: Sales() for month in period.months()},
        customers=ranked(customers),
        products=ranked(products),
        countries=ranked(countries, "c"),
        cohorts=[],
    )


def kinds(tabs: list[DetailTab]) -> Counter[str]:
    return Counter(tab.part if isinstance(tab, PartTab) else type(tab).__name__ for tab in tabs)


def test_eighteen_months_of_one_product_leave_the_rest_to_customers() -> None:
    tabs = plan(summary(date(2022, 7, 1), customers=500, products=1), 1_000_000)
    assert kinds(tabs) == {"PeriodTab": 18, "product": 1, "CustomerTab": 24}
    assert [tab.name for tab in tabs[:2]] == ["2021-01", "2021-02"]


def test_few_months_leave_room_for_products_countries_and_customers() -> None:
    tabs = plan(summary(date(2021, 2, 1), customers=500, products=500, countries=30), 1_000_000)
    assert kinds(tabs) == {"PeriodTab": 1, "product": 10, "country": 8, "CustomerTab": 24}


def test_a_tenant_without_sales_gets_the_days_of_the_week_and_empty_tabs() -> None:
    tabs = plan(summary(date(2021, 1, 2), a_day=0), 1_000_000)
    assert kinds(tabs) == {"PeriodTab": 1, "weekday": 7, "EmptyTab": 35}


@pytest.mark.parametrize(
    ("end", "count", "first"),
    [
        (date(2022, 12, 31), 24, "2021-01"),
        (date(2023, 1, 2), 9, "2021 Q1"),
        (date(2026, 12, 31), 24, "2021 Q1"),
        (date(2027, 1, 2), 7, "2021"),
        (date(2031, 1, 1), 10, "2021"),
    ],
)
def test_long_periods_are_listed_by_quarter_or_by_year(end: date, count: int, first: str) -> None:
    tabs = plan(summary(end), 1_000_000)
    periods = [tab for tab in tabs if isinstance(tab, PeriodTab)]
    assert len(periods) == count
    assert periods[0].name == first
    assert periods[0].invoices.period.start == JANUARY
    assert periods[-1].invoices.period.end == end
    for one, following in itertools.pairwise(periods):
        assert one.invoices.period.end == following.invoices.period.start


def test_more_rows_than_excel_has_go_on_in_another_tab() -> None:
    tabs = plan(summary(date(2021, 3, 1), a_day=10), 200)
    periods = [tab for tab in tabs if isinstance(tab, PeriodTab)]
    assert [(tab.name, tab.part, tab.parts, tab.invoices.offset) for tab in periods] == [
        ("2021-01", 1, 2, 0),
        ("2021-01 (2)", 2, 2, 200),
        ("2021-02", 1, 2, 0),
        ("2021-02 (2)", 2, 2, 200),
    ]
    assert periods[0].title == "January 2021, part 1 of 2"


def test_more_rows_than_all_tabs_have_are_refused() -> None:
    with pytest.raises(TooManyInvoicesError):
        plan(summary(date(2021, 1, 2), a_day=44), 1)


@given(
    days=st.integers(1, 3660),
    a_day=st.integers(0, 3),
    customers=st.integers(0, 60),
    products=st.integers(0, 60),
    countries=st.integers(0, 60),
)
def test_there_are_always_fifty(
    days: int, a_day: int, customers: int, products: int, countries: int
) -> None:
    end = date.fromordinal(JANUARY.toordinal() + days)
    sales = summary(end, a_day=a_day, customers=customers, products=products, countries=countries)
    tabs = plan(sales, 1_000_000)
    assert len(FIXED) + len(tabs) == 50
    names = [name.casefold() for name in (*FIXED, *(tab.name for tab in tabs))]
    assert len(set(names)) == 50
    shown = [tab.rank for tab in tabs if isinstance(tab, CustomerTab)]
    assert shown == list(range(1, len(shown) + 1))
    assert not any(isinstance(tab, EmptyTab) for tab in tabs) or len(shown) == customers


@given(st.lists(st.text(max_size=60), max_size=40))
def test_names_are_valid_and_unique_for_excel(wanted: list[str]) -> None:
    names = TabNames()
    taken = [names.take(name) for name in wanted]
    assert len({name.casefold() for name in taken}) == len(taken)
    for name in taken:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
        assert name.strip("'") == name
        assert name.casefold() != "history"


def test_names_that_differ_late_or_in_case_are_numbered() -> None:
    names = TabNames()
    long = "x" * 40
    assert names.take(long + "a") == "x" * 31
    assert names.take(long + "b") == "x" * 27 + " (2)"
    assert names.take("Abc") == "Abc"
    assert names.take("aBC") == "aBC (2)"
    assert names.take("a/b:c*[d]?") == "a b c d"
    assert names.take("History") == "History (2)"
    assert names.take("🚚" * 20) == "🚚" * 15
    assert names.take("''") == "Tab"


def test_markup_of_the_writer_is_no_markup_in_a_text() -> None:
    assert safe_text("<r>x</r>") != "<r>x</r>"
    assert safe_text("<r>x</r> and more") == "<r>x</r> and more"


def test_amounts_have_the_digits_of_their_currency() -> None:
    assert number_formats("JPY")["money"] == "#,##0"
    assert number_formats("USD")["money"] == "#,##0.00"
    assert number_formats("KWD")["money"] == "#,##0.000"
