"""Writes the whole workbook, tab by tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.documents.sales import SalesSummary
from core.documents.store import SalesReader
from core.documents.workbook.book import EXCEL_ROWS, Book
from core.documents.workbook.calendar import TOP, write_days, write_months
from core.documents.workbook.cohorts import write_cohorts
from core.documents.workbook.details import write_detail
from core.documents.workbook.formats import ACCENT
from core.documents.workbook.overview import Content, Tables, write_overview
from core.documents.workbook.plan import FIXED, TABS, PeriodTab, plan
from core.documents.workbook.ranking import COUNTRIES, CUSTOMERS, PRODUCTS, write_ranking

ROWS_PER_TAB = EXCEL_ROWS - TOP - 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Is told before each tab: `proceed` raises where the writing is to stop."""

    proceed: Callable[[], None]
    tab: Callable[[int, str], Any]


@dataclass(frozen=True, slots=True)
class Written:
    """Counts what was written: tabs, and the invoices that the tabs of periods list."""

    tabs: int
    rows: int


def write_workbook(
    path: Path,
    directory: Path,
    title: str,
    reader: SalesReader,
    progress: Progress,
    *,
    rows_per_tab: int = ROWS_PER_TAB,
) -> Written:
    """Writes 50 tabs to `path`; parts of them lie in `directory` until the end.

    Raises TooManyInvoicesError where even tabs of years cannot hold all invoices.
    """
    summary = reader.summary()
    details = plan(summary, rows_per_tab)
    contents: list[Content] = []
    rows = 0
    with Book(path, directory, reader.period, progress.proceed) as book:
        overview = book.add_sheet("Overview", ACCENT)
        tables = _write_fixed(book, summary, progress, contents)
        for done, tab in enumerate(details, len(FIXED)):
            progress.tab(done, tab.name)
            written = write_detail(book, reader, summary, tables.days, tab)
            contents.append(Content(tab.name, tab.title, written))
            rows += written if isinstance(tab, PeriodTab) else 0
        write_overview(
            book, overview, title=title, summary=summary, tables=tables, contents=contents
        )
        progress.tab(TABS, "Saving")
    return Written(TABS, rows)


def _write_fixed(
    book: Book, summary: SalesSummary, progress: Progress, contents: list[Content]
) -> Tables:
    """Writes the tabs that are always there, behind the overview."""
    progress.tab(1, "Months")
    months = write_months(book, summary)
    progress.tab(2, "Days")
    days = write_days(book, summary)
    gross = months.total_cell("Sales")
    ranked = []
    for done, (ranking, items) in enumerate(
        (
            (CUSTOMERS, summary.customers),
            (PRODUCTS, summary.products),
            (COUNTRIES, summary.countries),
        ),
        3,
    ):
        progress.tab(done, ranking.name)
        ranked.append(write_ranking(book, ranking, items, summary, gross))
    progress.tab(6, "Cohorts")
    cohorts = write_cohorts(book, summary)
    contents += [
        Content("Months", "Sales by month", months.count),
        Content("Days", "Sales by day", days.count),
        *(
            Content(ranking.name, ranking.title, table.count)
            for ranking, table in zip((CUSTOMERS, PRODUCTS, COUNTRIES), ranked, strict=True)
        ),
        Content("Cohorts", "Customers by month of their first sale", cohorts),
    ]
    return Tables(months, days, *ranked)
