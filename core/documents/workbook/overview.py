"""Writes the first tab: the KPIs, charts, and what else there is in the workbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.documents.sales import Sales, SalesSummary
from core.documents.workbook.book import Book, safe_text
from core.documents.workbook.calendar import (
    average_chart,
    customers_chart,
    days_chart,
    revenue_chart,
)
from core.documents.workbook.charts import place
from core.documents.workbook.formats import Kind
from core.documents.workbook.ranking import COUNTRIES, CUSTOMERS, PRODUCTS, ranking_chart
from core.documents.workbook.table import Table

HEADER = 3
FIRST_KPI = HEADER + 1  # row 5 of Excel: the formulas below name rows as Excel does
ENOUGH_MONTHS = 3  # for a chart of them
CHARTS_AT = ((3, 6), (3, 16), (20, 6), (20, 16))


@dataclass(frozen=True, slots=True)
class Kpi:
    """Is one line: its number for any period, and the formula over column `{c}`, if one exists.

    `months` names the column of the tab of months whose total this period's number is.
    """

    label: str
    kind: Kind
    number: Callable[[Sales], float]
    formula: str = ""
    months: str = ""


KPIS = (
    Kpi("Gross revenue", "money", lambda s: s.gross_minor, months="Sales"),
    Kpi("Refunds", "money", lambda s: s.refunds_minor, months="Refunds"),
    Kpi("Net revenue", "money", lambda s: s.gross_minor - s.refunds_minor, "={c}5-{c}6"),
    Kpi("Orders", "integer", lambda s: s.orders, months="Orders"),
    Kpi("Credit notes", "integer", lambda s: s.credit_notes, months="Credit notes"),
    Kpi(
        "Average order value",
        "money",
        lambda s: _ratio(s.gross_minor, s.orders),
        "=IF({c}8=0,0,{c}5/{c}8)",
    ),
    Kpi("Units", "integer", lambda s: s.units, months="Units"),
    Kpi("Customers", "integer", lambda s: s.customers, months="Customers"),
    Kpi("… with two or more sales", "integer", lambda s: s.repeat_customers),
    Kpi(
        "Repeat rate",
        "share",
        lambda s: _ratio(s.repeat_customers, s.customers),
        "=IF({c}12=0,0,{c}13/{c}12)",
    ),
    Kpi(
        "Refund rate",
        "share",
        lambda s: _ratio(s.refunds_minor, s.gross_minor),
        "=IF({c}5=0,0,{c}6/{c}5)",
    ),
    Kpi("New customers", "integer", lambda s: s.new_customers, months="New"),
    Kpi("Returning customers", "integer", lambda s: s.customers - s.new_customers, "={c}12-{c}16"),
)


@dataclass(frozen=True, slots=True)
class Content:
    """Names a tab, says what it shows, and how many rows it has."""

    name: str
    title: str
    rows: int


@dataclass(frozen=True, slots=True)
class Tables:
    """Holds the tables of other tabs that the overview stands on."""

    months: Table
    days: Table
    customers: Table
    products: Table
    countries: Table


def write_overview(
    book: Book,
    sheet: Any,
    *,
    title: str,
    summary: SalesSummary,
    tables: Tables,
    contents: Sequence[Content],
) -> None:
    """Writes the tab last, when all others are known; its rows come in order all the same."""
    period, before = summary.period, summary.period.before()
    book.head(
        sheet,
        title,
        f"{_long(period.start)} to {_long(period.last_day)} ({period.time_zone});"
        f" amounts in {period.currency}; the period before begins {_long(before.start)}",
    )
    for column, width in enumerate((26, 18, 18, 12, 10, 3)):
        sheet.set_column(column, column, width)
    _write_kpis(book, sheet, summary, tables.months)
    _write_contents(book, sheet, contents)
    sheet.freeze_panes(FIRST_KPI, 1)
    few_months = tables.months.count < ENOUGH_MONTHS
    charts = [
        days_chart(book, tables.days, period.currency)
        if few_months
        else revenue_chart(book, tables.months, period.currency),
        customers_chart(book, tables.months),
        *(
            ranking_chart(book, ranking, table, period.currency)
            for ranking, table in (
                (CUSTOMERS, tables.customers),
                (COUNTRIES, tables.countries),
                (PRODUCTS, tables.products),
            )
            if table.count > 1
        ),
        average_chart(book, tables.months, period.currency),
    ]
    for chart, (row, column) in zip(charts, CHARTS_AT, strict=False):
        place(sheet, chart, row, column)
    sheet.activate()


def _write_kpis(book: Book, sheet: Any, summary: SalesSummary, months: Table) -> None:
    formats = book.formats
    sheet.write_string(HEADER, 0, "Figure", formats.header)
    for place_of, heading in enumerate(("This period", "Period before", "Change", ""), 1):
        sheet.write_string(HEADER, place_of, heading, formats.header_right)
    for row, kpi in enumerate(KPIS, FIRST_KPI):
        divisor = book.scale if kpi.kind == "money" else 1
        now, then = (kpi.number(s) / divisor for s in (summary.total, summary.previous))
        style = formats.cell[kpi.kind]
        sheet.write_string(row, 0, kpi.label, formats.label)
        for column, number, source in ((1, now, kpi.months), (2, then, "")):
            formula = kpi.formula.format(c="ABC"[column])
            if source:
                formula = f"={months.total_cell(source)}"
            if formula:
                sheet.write_formula(row, column, formula, style, number)
            else:
                sheet.write_number(row, column, number, style)
        change = f'=IF(C{row + 1}=0,"",B{row + 1}/C{row + 1}-1)'
        sheet.write_formula(row, 3, change, formats.cell["change"], now / then - 1 if then else "")


def _write_contents(book: Book, sheet: Any, contents: Sequence[Content]) -> None:
    top = FIRST_KPI + len(KPIS) + 2
    formats = book.formats
    for column, heading in enumerate(("Tab", "Shows", "", "")):
        sheet.write_string(top, column, heading, formats.header)
    sheet.write_string(top, 4, "Rows", formats.header_right)
    for row, content in enumerate(contents, top + 1):
        quoted = content.name.replace("'", "''")
        sheet.write_url(row, 0, f"internal:'{quoted}'!A1", formats.link, content.name)
        sheet.write_string(row, 1, safe_text(content.title), formats.label)
        sheet.write_number(row, 4, content.rows, formats.cell["integer"])


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _long(day: Any) -> str:
    return f"{day.day} {day:%B} {day.year}"
