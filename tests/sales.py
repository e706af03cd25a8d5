"""Puts sales into a test's database quickly, past the import, for tests of what reads them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from tests.conftest import DatabaseUrls
from tests.import_runs import SAMPLES


@dataclass(frozen=True)
class Sale:
    """Is one invoice with one line."""

    number: str
    issued_at: datetime
    total_minor: int
    customer: str | None = None
    name: str = ""
    country: str = ""
    sku: str = "SKU"
    product: str = ""
    units: int = 1
    kind: str = "SALE"
    status: str = "PAID"
    currency: str = "USD"


def cdnow() -> Iterable[Sale]:
    """Yields the sample's purchases as the import would make invoices of them."""
    with gzip.open(SAMPLES / "cdnow.txt.gz", "rt", encoding="ascii") as rows:
        for number, row in enumerate(rows, 1):
            customer, day, units, dollars = row.split()
            yield Sale(
                number=f"CDNOW-{number}",
                issued_at=datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC),
                total_minor=round(float(dollars) * 100),
                customer=customer,
                sku="CD",
                units=int(units),
            )


def store_sales(urls: DatabaseUrls, tenant_id: str, sales: Iterable[Sale]) -> None:
    """Writes invoices with their customers and products.

    Postgres is left without statistics of them, as it is right after an import.
    """
    sales = list(sales)
    customers = {sale.customer: sale for sale in sales if sale.customer is not None}
    products = {sale.sku: sale for sale in sales}
    tables: dict[str, list[tuple[object, ...]]] = {
        "customers (tenant_id, external_id, name, country)": [
            (tenant_id, key, sale.name, sale.country) for key, sale in customers.items()
        ],
        "products (tenant_id, sku, name)": [
            (tenant_id, key, sale.product) for key, sale in products.items()
        ],
        "invoices (tenant_id, number, customer_external_id, issued_at, currency, kind, status,"
        " country, total_minor, units)": [
            (
                *(tenant_id, sale.number, sale.customer, sale.issued_at, sale.currency),
                *(sale.kind, sale.status, sale.country, sale.total_minor, sale.units),
            )
            for sale in sales
        ],
        "invoice_lines (tenant_id, invoice_number, line_number, sku, quantity, unit_price_minor,"
        " amount_minor)": [
            (tenant_id, sale.number, 1, sale.sku, sale.units, 0, sale.total_minor) for sale in sales
        ],
    }
    with psycopg.connect(urls.admin) as connection, connection.cursor() as cursor:
        for table, rows in tables.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
