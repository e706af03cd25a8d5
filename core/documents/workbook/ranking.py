"""Writes the tabs of the customers, products and countries that sold best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.documents.sales import Ranked, SalesSummary
from core.documents.store import MOST_RANKED
from core.documents.workbook.book import Book
from core.documents.workbook.calendar import TOP
from core.documents.workbook.charts import Axis, Series, bar_chart, place
from core.documents.workbook.formats import THIRD
from core.documents.workbook.table import Column, Table

CHARTED = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """Is one such list: what it is called, and the columns that name an item."""

    name: str
    title: str
    one: str
    columns: Sequence[Column]
    naming: Callable[[Ranked], tuple[Any, ...]]


CUSTOMERS = Ranking(
    "Customers",
    "Customers who bought most",
    "customer",
    [
        Column("Rank", "integer", 8),
        Column("Customer", "text", 16, charted=True),
        Column("Name", "text", 28),
        Column("Country", "text", 18),
    ],
    lambda item: (item.key, item.name, item.country),
)
PRODUCTS = Ranking(
    "Products",
    "Products that sold best",
    "product",
    [
        Column("Rank", "integer", 8),
        Column("SKU", "text", 16, charted=True),
        Column("Name", "text", 38),
    ],
    lambda item: (item.key, item.name),
)
COUNTRIES = Ranking(
    "Countries",
    "Countries that bought most",
    "country",
    [Column("Rank", "integer", 8), Column("Country", "text", 28, charted=True)],
    lambda item: (item.key,),
)


def write_ranking(
    book: Book, ranking: Ranking, items: Sequence[Ranked], summary: SalesSummary, gross: str
) -> Table:
    """Writes up to 500 items; shares are of all sales, whose total `gross` names."""
    named, placed = any(i.name != i.key for i in items if i.name), any(i.country for i in items)
    hidden = {"Name": not named, "Country": not placed}
    currency, all_minor = summary.period.currency, summary.total.gross_minor
    sheet = book.add_sheet(ranking.name, THIRD)
    listed = f"The first {MOST_RANKED}" if len(items) == MOST_RANKED else "All"
    book.head(sheet, ranking.title, f"{listed}, by sales; amounts in {currency}")
    at = "ABCDEFGHIJ"[len(ranking.columns) + 2]
    columns = [
        *(replace(c, hidden=hidden.get(c.title, False)) for c in ranking.columns),
        Column("Orders", "integer", 10),
        Column("Units", "integer", 11),
        Column("Sales", "money", 15, sum(item.gross_minor for item in items), charted=True),
        Column(
            "Share",
            "share",
            10,
            _share(sum(item.gross_minor for item in items), all_minor),
            f"=IF({gross}=0,0,{at}{{row}}/{gross})",
        ),
        Column("First sale", "day", 13),
        Column("Last sale", "day", 13),
    ]
    table = Table(book, sheet, columns, TOP, len(items))
    table.begin(f"No sales with a known {ranking.one} in this period.")
    for rank, item in enumerate(items, 1):
        share = _share(item.gross_minor, all_minor)
        table.write(
            *(rank, *ranking.naming(item), item.orders, item.units, item.gross_minor, share),
            *(item.first, item.last),
        )
    if items:
        place(sheet, ranking_chart(book, ranking, table, currency), 5, len(columns) + 1)
    return table


def ranking_chart(book: Book, ranking: Ranking, table: Table, currency: str) -> object:
    """Returns the first ten as bars."""
    label = next(column.title for column in ranking.columns if column.charted)
    count = min(table.count, CHARTED)
    return bar_chart(
        book,
        f"{ranking.title}: the first {count}" if count > 1 else ranking.title,
        table.range(label).part(0, count),
        Series("Sales", table.range("Sales").part(0, count), THIRD),
        Axis(f"Sales ({currency})"),
    )


def _share(part_minor: int, all_minor: int) -> float:
    return part_minor / all_minor if all_minor else 0.0
