"""Writes the tab of cohorts: who came when, and how many of them bought again later."""

from __future__ import annotations

from typing import Any

from xlsxwriter.utility import xl_col_to_name

from core.documents.sales import Cohort, SalesSummary
from core.documents.workbook.book import Book
from core.documents.workbook.calendar import TOP
from core.documents.workbook.charts import Axis, Series, line_chart, place
from core.documents.workbook.formats import SECOND
from core.documents.workbook.table import Column, Range, Table

MONTH_0 = 2  # its column; month 1 is the next one


def write_cohorts(book: Book, summary: SalesSummary) -> int:
    """Writes a row for each month that brought new customers; returns their number.

    A column for each month after says how many of them bought in it.
    """
    cohorts = [cohort for cohort in summary.cohorts if cohort.buyers[0]]
    months = len(summary.months)
    sheet = book.add_sheet("Cohorts", SECOND)
    book.head(
        sheet,
        "Customers by month of their first sale",
        "Of those who bought for the first time ever in a month: how many bought n months later",
    )
    sums = [sum(c.buyers[n] for c in cohorts if n < len(c.buyers)) for n in range(months)]
    columns = [
        Column("First sale", "month", 14),
        Column("Customers", "integer", 12, sums[0]),
        *(Column(f"{n}", "integer", 8, sums[n]) for n in range(months)),
    ]
    table = Table(book, sheet, columns, TOP, len(cohorts))
    table.begin("No customer bought for the first time in this period.")
    for cohort in cohorts:
        table.write(cohort.month, cohort.buyers[0], *cohort.buyers)
    if not cohorts:
        return 0
    if months > 1:
        last = MONTH_0 + months - 1
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#8FC1B5"}
        sheet.conditional_format(table.first_row, MONTH_0 + 1, table.last_row, last, scale)
    shares = _write_shares(book, sheet, table, cohorts)
    if months > 1:
        numbers = [str(n) for n in range(1, months)]
        later = Range("Cohorts", TOP + 1, TOP + 1, MONTH_0 + 1, numbers, width=months - 1)
        chart = line_chart(
            book,
            "Share of customers who bought again",
            later,
            [Series("Share", shares, SECOND)],
            (Axis("Months after the first sale", "General"), Axis("Share of customers", "0%")),
        )
        place(sheet, chart, table.last_row + 4, 1)
    return table.count


def _write_shares(book: Book, sheet: Any, table: Table, cohorts: list[Cohort]) -> Range:
    """Writes, for each n, the share of the customers whose month n is in the period.

    Returns the shares of the months after the first.
    """
    row, months = table.last_row + 2, len(table.columns) - MONTH_0
    style = book.formats.total["share"]
    sheet.write_string(row, 0, "Share", book.formats.total["text"])
    sheet.write_blank(row, 1, None, style)
    values: list[float] = []
    for later in range(months):
        letter = xl_col_to_name(MONTH_0 + later)
        known = [cohort for cohort in cohorts if later < len(cohort.buyers)]
        sizes = sum(cohort.buyers[0] for cohort in known)
        first, last = table.first_row + 1, table.first_row + max(len(known), 1)
        values.append(sum(cohort.buyers[later] for cohort in known) / sizes if sizes else 0.0)
        customers = f"SUM(B{first}:B{last})"
        formula = f"=IF({customers}=0,0,SUM({letter}{first}:{letter}{last})/{customers})"
        sheet.write_formula(row, MONTH_0 + later, formula, style, values[-1])
    return Range("Cohorts", row, row, MONTH_0 + 1, values[1:], width=months - 1)
