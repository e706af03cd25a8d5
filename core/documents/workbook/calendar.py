"""Writes the tabs of all months and of all days."""

from __future__ import annotations

from core.documents.sales import Sales, SalesSummary
from core.documents.workbook.book import Book
from core.documents.workbook.charts import Axis, Series, column_chart, line_chart, place
from core.documents.workbook.formats import ACCENT, SECOND, THIRD
from core.documents.workbook.table import Column, Table

TOP = 3  # the row of totals on every tab
MONTHS, DAYS = Axis("Month", "mmm yyyy"), Axis("Day", "yyyy-mm-dd")


def write_months(book: Book, summary: SalesSummary) -> Table:
    """Writes a row for each month, empty ones included, with two charts."""
    total, currency = summary.total, summary.period.currency
    sheet = book.add_sheet("Months", ACCENT)
    book.head(sheet, "Sales by month", f"Amounts in {currency}")
    columns = [
        Column("Month", "month", 12, charted=True),
        Column("Sales", "money", 15, total.gross_minor, charted=True),
        Column("Refunds", "money", 14, total.refunds_minor),
        Column("Net", "money", 15, _net(total), "=B{row}-C{row}"),
        Column("Orders", "integer", 10, total.orders, charted=True),
        Column("Credit notes", "integer", 13, total.credit_notes),
        Column(
            "Average order",
            "money",
            15,
            _average(total),
            "=IF(E{row}=0,0,B{row}/E{row})",
            charted=True,
        ),
        Column("Units", "integer", 11, total.units),
        Column("Customers", "integer", 12, total.customers, distinct=True),
        Column("New", "integer", 10, total.new_customers, charted=True),
        Column("Returning", "integer", 12, _returning(total), "=I{row}-J{row}", charted=True),
    ]
    table = Table(book, sheet, columns, TOP, len(summary.months))
    table.begin("No sales in this period.")
    for month, sales in summary.months.items():
        table.write(
            *(month, sales.gross_minor, sales.refunds_minor, _net(sales), sales.orders),
            *(sales.credit_notes, _average(sales), sales.units, sales.customers),
            *(sales.new_customers, _returning(sales)),
        )
    place(sheet, revenue_chart(book, table, currency), 5, 12)
    place(sheet, customers_chart(book, table), 22, 12)
    return table


def write_days(book: Book, summary: SalesSummary) -> Table:
    """Writes a row for each day, empty ones included; the charts of other tabs stand on it."""
    total, currency = summary.total, summary.period.currency
    sheet = book.add_sheet("Days", ACCENT)
    book.head(sheet, "Sales by day", f"Amounts in {currency}")
    columns = [
        Column("Day", "day", 13, charted=True),
        Column("Sales", "money", 15, total.gross_minor, charted=True),
        Column("Refunds", "money", 14, total.refunds_minor),
        Column("Net", "money", 15, _net(total), "=B{row}-C{row}"),
        Column("Orders", "integer", 10, total.orders),
        Column("Credit notes", "integer", 13, total.credit_notes),
        Column("Units", "integer", 11, total.units),
        Column("Customers", "integer", 12, total.customers, distinct=True),
    ]
    days = summary.period.days()
    table = Table(book, sheet, columns, TOP, len(days))
    table.begin("No sales in this period.")
    for day in days:
        sales = summary.days.get(day, Sales())
        table.write(
            *(day, sales.gross_minor, sales.refunds_minor, _net(sales), sales.orders),
            *(sales.credit_notes, sales.units, sales.customers),
        )
    place(sheet, days_chart(book, table, currency), 5, 9)
    return table


def days_chart(book: Book, days: Table, currency: str) -> object:
    """Returns sales of each day as columns."""
    return column_chart(
        book,
        "Sales by day",
        days.range("Day"),
        [Series("Sales", days.range("Sales"))],
        (DAYS, Axis(f"Sales ({currency})")),
    )


def revenue_chart(book: Book, months: Table, currency: str) -> object:
    """Returns sales as columns and orders as a line."""
    return column_chart(
        book,
        "Sales and orders by month",
        months.range("Month"),
        [Series("Sales", months.range("Sales"))],
        (MONTHS, Axis(f"Sales ({currency})")),
        line=Series("Orders", months.range("Orders"), SECOND),
        line_axis=Axis("Orders"),
    )


def average_chart(book: Book, months: Table, currency: str) -> object:
    """Returns what an order was worth, as a line."""
    return line_chart(
        book,
        "Average order by month",
        months.range("Month"),
        [Series("Average order", months.range("Average order"))],
        (MONTHS, Axis(f"Average order ({currency})", "#,##0.##")),
    )


def customers_chart(book: Book, months: Table) -> object:
    """Returns new and returning customers on top of each other."""
    return column_chart(
        book,
        "New and returning customers by month",
        months.range("Month"),
        [
            Series("New", months.range("New"), SECOND),
            Series("Returning", months.range("Returning"), THIRD),
        ],
        (MONTHS, Axis("Customers")),
        stacked=True,
    )


def _net(sales: Sales) -> int:
    return sales.gross_minor - sales.refunds_minor


def _average(sales: Sales) -> float:
    return sales.gross_minor / sales.orders if sales.orders else 0.0


def _returning(sales: Sales) -> int:
    return sales.customers - sales.new_customers
