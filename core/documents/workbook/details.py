"""Writes the tabs that list invoices, and those of one part of the sales."""

from __future__ import annotations

from typing import assert_never

from core.documents.sales import Sales, SalesSummary
from core.documents.store import InvoiceRange, SalesReader
from core.documents.workbook.book import Book
from core.documents.workbook.calendar import TOP
from core.documents.workbook.charts import Axis, Series, column_chart, place
from core.documents.workbook.formats import ACCENT, INK, MUTED, SECOND, THIRD
from core.documents.workbook.plan import CustomerTab, DetailTab, EmptyTab, PartTab, PeriodTab
from core.documents.workbook.table import Column, Table

MOST_OF_A_CUSTOMER = 10_000
MOST_BUYERS = 25
DAYS_OF_A_MONTH = 31
NOTHING = "No sales."
KINDS = {"SALE": "Sale", "CREDIT_NOTE": "Credit note"}
STATUSES = {"OPEN": "Open", "PAID": "Paid"}
PART_COLORS = {"product": THIRD, "country": SECOND, "weekday": MUTED}


def write_detail(
    book: Book, reader: SalesReader, summary: SalesSummary, days: Table, tab: DetailTab
) -> int:
    """Writes one tab and returns the number of rows in it."""
    match tab:
        case PeriodTab():
            return _write_period(book, reader, summary, days, tab)
        case CustomerTab():
            return _write_customer(book, reader, summary, tab)
        case PartTab():
            return _write_part(book, reader, summary, tab)
        case EmptyTab():
            sheet = book.add_sheet(tab.name, MUTED)
            book.head(sheet, tab.title, "There are no more customers with sales in this period")
            sheet.write_string(TOP, 0, NOTHING, book.formats.note)
            return 0
        case _:
            assert_never(tab)


def _write_period(
    book: Book, reader: SalesReader, summary: SalesSummary, days: Table, tab: PeriodTab
) -> int:
    """Lists the invoices of a stretch of days, beside a chart of these days."""
    period = tab.invoices.period
    figures = reader.figures(tab.invoices)
    sheet = book.add_sheet(tab.name, ACCENT)
    subtitle = f"{figures.invoices:,} invoices; amounts in {period.currency}"
    if tab.part < tab.parts:
        subtitle += f"; continues on the next tab: Excel has no more rows (part {tab.part + 1})"
    book.head(sheet, tab.title, subtitle)
    table = _list_invoices(book, reader, summary, sheet, invoices=tab.invoices, figures=figures)
    first, count = (period.start - summary.period.start).days, len(period.days())
    chart = column_chart(
        book,
        f"Sales by day, {tab.title}",
        days.range("Day").part(first, count),
        [Series("Sales", days.range("Sales").part(first, count))],
        (
            Axis("", "d" if count <= DAYS_OF_A_MONTH else "d mmm"),
            Axis(f"Sales ({period.currency})"),
        ),
    )
    place(sheet, chart, TOP + 2, len(table.columns) + 1)
    return table.written


def _write_customer(
    book: Book, reader: SalesReader, summary: SalesSummary, tab: CustomerTab
) -> int:
    """Lists the invoices of one customer, beside a chart of them."""
    period = summary.period
    invoices = InvoiceRange(period, customer=tab.customer.key, limit=MOST_OF_A_CUSTOMER)
    figures = reader.figures(invoices)
    sheet = book.add_sheet(tab.name, INK)
    subtitle = f"No. {tab.rank} by sales; {figures.invoices:,} invoices"
    if figures.invoices == MOST_OF_A_CUSTOMER:
        subtitle += " (the first ones; the tabs of the months have all)"
    country = f"; {tab.customer.country}" if tab.customer.country else ""
    book.head(sheet, tab.title, f"{subtitle}{country}; amounts in {period.currency}")
    table = _list_invoices(book, reader, summary, sheet, invoices=invoices, figures=figures)
    chart = column_chart(
        book,
        "Sales by invoice",
        table.range("Date"),
        [Series("Sales", table.range("Sales"), INK)],
        (Axis("", "d mmm yy"), Axis(f"Sales ({period.currency})")),
    )
    place(sheet, chart, TOP + 2, len(table.columns) + 1)
    return table.written


def _list_invoices(
    book: Book,
    reader: SalesReader,
    summary: SalesSummary,
    sheet: object,
    *,
    invoices: InvoiceRange,
    figures: Sales,
) -> Table:
    """Streams invoices onto a tab; sales and credit notes have a column of amounts each."""
    one = invoices.customer is not None
    columns = [
        Column("Invoice", "text", 17),
        Column("Date", "moment", 17, charted=one),
        Column("Customer", "text", 14, hidden=one),
        Column("Name", "text", 28, hidden=one or not any(c.name for c in summary.customers)),
        Column("Country", "text", 17, hidden=not summary.countries),
        Column("Kind", "text", 12),
        Column("Status", "text", 9),
        Column("Units", "integer", 10, figures.units),
        Column("Sales", "money", 15, figures.gross_minor, charted=one),
        Column("Refunds", "money", 14, figures.refunds_minor),
    ]
    table = Table(book, sheet, columns, TOP, figures.invoices)
    table.begin(NOTHING)
    write = table.write
    for number, day, customer, name, country, kind, status, units, total in reader.invoices(
        invoices
    ):
        sale = kind == "SALE"
        write(
            *(number, day, customer, name, country, KINDS[kind], STATUSES[status]),
            *((units, total) if sale else (None, None, total)),
        )
    return table


def _write_part(book: Book, reader: SalesReader, summary: SalesSummary, tab: PartTab) -> int:
    """Shows one product, country or weekday by month, and below it who bought most."""
    currency = summary.period.currency
    months = reader.months_of(tab.part, tab.key)
    sheet = book.add_sheet(tab.name, PART_COLORS[tab.part])
    book.head(sheet, tab.title, f"Sales without credit notes; amounts in {currency}")
    columns = [
        Column("Month", "month", 18, charted=True),
        Column("Orders", "integer", 28, sum(sales.orders for sales in months.values())),
        Column("Units", "integer", 17, sum(sales.units for sales in months.values())),
        Column("Sales", "money", 15, sum(s.gross_minor for s in months.values()), charted=True),
        Column("Customers", "integer", 12, reader.buyers_in(tab.part, tab.key), distinct=True),
    ]
    table = Table(book, sheet, columns, TOP, len(months))
    table.begin(NOTHING)
    for month, sales in months.items():
        table.write(month, sales.orders, sales.units, sales.gross_minor, sales.customers)
    chart = column_chart(
        book,
        "Sales by month",
        table.range("Month"),
        [Series("Sales", table.range("Sales"), PART_COLORS[tab.part])],
        (Axis("", "mmm yyyy"), Axis(f"Sales ({currency})")),
    )
    place(sheet, chart, TOP + 2, len(columns) + 1)
    return table.written + _write_buyers(book, reader, sheet, tab, table.last_row + 3)


def _write_buyers(book: Book, reader: SalesReader, sheet: object, tab: PartTab, top: int) -> int:
    buyers = reader.buyers_of(tab.part, tab.key, MOST_BUYERS)
    columns = [
        Column("Customer", "text", 0),
        Column("Name", "text", 0),
        Column("Units", "integer", 0, sum(buyer.units for buyer in buyers)),
        Column("Sales", "money", 0, sum(buyer.gross_minor for buyer in buyers)),
        Column("Orders", "integer", 0, sum(buyer.orders for buyer in buyers)),
    ]
    table = Table(book, sheet, columns, top, len(buyers))
    table.begin("No known customer bought.", main=False)
    for buyer in buyers:
        table.write(buyer.key, buyer.name, buyer.units, buyer.gross_minor, buyer.orders)
    return table.written
