"""Writes the rows of invoices and their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.platform.unit_of_work import UnitOfWork
from core.records import customer_store, product_store
from core.records.invoice import Invoice
from core.records.limits import NAME_LENGTH


@dataclass(frozen=True, slots=True)
class Imported:
    """Is what an invoice looks like that was imported from the same source before."""

    customer_external_id: str
    currency: str
    first_line: int
    lines: int
    total_minor: int


def replace(unit: UnitOfWork, invoices: Sequence[Invoice], source: UUID | None = None) -> None:
    """Creates or replaces invoices, each number once, with their lines.

    `source` names the import they come from.
    """
    if not invoices:
        return
    ordered = sorted(invoices, key=lambda invoice: invoice.number)
    _create_what_they_name(unit, ordered)
    if _upsert(unit, ordered, source):
        unit.execute(
            "DELETE FROM invoice_lines WHERE tenant_id = :tenant_id"
            " AND invoice_number = ANY(CAST(:numbers AS text[]))",
            {"tenant_id": unit.context.tenant_id, "numbers": [i.number for i in ordered]},
        )
    _write_lines(unit, ordered)


def extend(unit: UnitOfWork, invoices: Sequence[Invoice]) -> None:
    """Adds lines to stored invoices; a line of the same number is replaced, not doubled."""
    if not invoices:
        return
    ordered = sorted(invoices, key=lambda invoice: invoice.number)
    _create_what_they_name(unit, ordered)
    _write_lines(unit, ordered)
    unit.execute(
        "UPDATE invoices SET total_minor = summed.total_minor, units = summed.units,"
        " updated_at = now() FROM (SELECT invoice_number, sum(amount_minor) AS total_minor,"
        " sum(quantity) AS units FROM invoice_lines WHERE tenant_id = :tenant_id"
        " AND invoice_number = ANY(CAST(:numbers AS text[])) GROUP BY invoice_number) AS summed"
        " WHERE invoices.tenant_id = :tenant_id AND invoices.number = summed.invoice_number",
        {"tenant_id": unit.context.tenant_id, "numbers": [i.number for i in ordered]},
    )


def imported(unit: UnitOfWork, numbers: Sequence[str], source: UUID) -> Mapping[str, Imported]:
    """Returns, by number, those invoices that stand as this source left them, and locks them."""
    rows = unit.all(
        "SELECT number, coalesce(customer_external_id, '') AS customer, currency, total_minor,"
        " known.first_line, known.lines FROM invoices, LATERAL ("
        " SELECT min(line_number) AS first_line, count(*) AS lines FROM invoice_lines"
        " WHERE tenant_id = :tenant_id AND invoice_number = invoices.number) AS known"
        " WHERE tenant_id = :tenant_id AND number = ANY(CAST(:numbers AS text[]))"
        " AND import_source = :source ORDER BY number FOR UPDATE OF invoices",
        {"tenant_id": unit.context.tenant_id, "numbers": list(numbers), "source": source},
    )
    return {
        row["number"]: Imported(
            customer_external_id=row["customer"],
            currency=row["currency"],
            first_line=row["first_line"],
            lines=row["lines"],
            total_minor=row["total_minor"],
        )
        for row in rows
    }


def refresh_statistics(unit: UnitOfWork) -> None:
    """Has Postgres look at how many rows there are now; it skips a table that is busy."""
    unit.execute("SELECT refresh_statistics()")


def _create_what_they_name(unit: UnitOfWork, invoices: Sequence[Invoice]) -> None:
    countries: dict[str, str] = {}
    names: dict[str, str] = {}
    for invoice in invoices:
        if invoice.customer_external_id:
            countries.setdefault(invoice.customer_external_id, invoice.country)
        for line in invoice.lines:
            if not names.get(line.sku):
                names[line.sku] = line.description[:NAME_LENGTH]
    customer_store.create_unknown(unit, countries)
    product_store.create_unknown(unit, names)


def _upsert(unit: UnitOfWork, invoices: Sequence[Invoice], source: UUID | None) -> bool:
    """Writes the invoices without their lines; tells whether one of them was there before."""
    row = unit.one(
        "WITH written AS (INSERT INTO invoices (tenant_id, number, customer_external_id,"
        " issued_at, currency, kind, status, country, total_minor, units, import_source)"
        " SELECT :tenant_id, given.number, nullif(given.customer, ''), given.issued_at,"
        " given.currency, given.kind, given.status, given.country, given.total_minor, given.units,"
        " CAST(:source AS uuid) FROM unnest(CAST(:numbers AS text[]), CAST(:customers AS text[]),"
        " CAST(:times AS timestamptz[]), CAST(:currencies AS text[]), CAST(:kinds AS text[]),"
        " CAST(:statuses AS text[]), CAST(:countries AS text[]), CAST(:totals AS bigint[]),"
        " CAST(:units AS bigint[])) AS given (number, customer, issued_at, currency, kind, status,"
        " country, total_minor, units)"
        " ON CONFLICT (tenant_id, number) DO UPDATE SET"
        " customer_external_id = EXCLUDED.customer_external_id, issued_at = EXCLUDED.issued_at,"
        " currency = EXCLUDED.currency, kind = EXCLUDED.kind, status = EXCLUDED.status,"
        " country = EXCLUDED.country, total_minor = EXCLUDED.total_minor, units = EXCLUDED.units,"
        " import_source = EXCLUDED.import_source, updated_at = now()"
        # A row that was there has been locked by this transaction, and xmax says so.
        " RETURNING xmax <> 0 AS replaced) SELECT bool_or(replaced) AS replaced FROM written",
        {
            "tenant_id": unit.context.tenant_id,
            "source": source,
            "numbers": [invoice.number for invoice in invoices],
            "customers": [invoice.customer_external_id for invoice in invoices],
            "times": [invoice.issued_at for invoice in invoices],
            "currencies": [invoice.currency for invoice in invoices],
            "kinds": [invoice.kind.value for invoice in invoices],
            "statuses": [invoice.status.value for invoice in invoices],
            "countries": [invoice.country for invoice in invoices],
            "totals": [invoice.total_minor for invoice in invoices],
            "units": [invoice.units for invoice in invoices],
        },
    )
    return row is not None and bool(row["replaced"])


def _write_lines(unit: UnitOfWork, invoices: Sequence[Invoice]) -> None:
    lines = [(invoice.number, line) for invoice in invoices for line in invoice.lines]
    unit.execute(
        "INSERT INTO invoice_lines (tenant_id, invoice_number, line_number, sku, description,"
        " quantity, unit_price_minor, amount_minor)"
        " SELECT :tenant_id, given.* FROM unnest(CAST(:numbers AS text[]),"
        " CAST(:line_numbers AS integer[]), CAST(:skus AS text[]), CAST(:descriptions AS text[]),"
        " CAST(:quantities AS bigint[]), CAST(:prices AS bigint[]), CAST(:amounts AS bigint[]))"
        " AS given"
        " ON CONFLICT (tenant_id, invoice_number, line_number) DO UPDATE SET sku = EXCLUDED.sku,"
        " description = EXCLUDED.description, quantity = EXCLUDED.quantity,"
        " unit_price_minor = EXCLUDED.unit_price_minor, amount_minor = EXCLUDED.amount_minor",
        {
            "tenant_id": unit.context.tenant_id,
            "numbers": [number for number, _ in lines],
            "line_numbers": [line.line_number for _, line in lines],
            "skus": [line.sku for _, line in lines],
            "descriptions": [line.description for _, line in lines],
            "quantities": [line.quantity for _, line in lines],
            "prices": [line.unit_price_minor for _, line in lines],
            "amounts": [line.amount_minor for _, line in lines],
        },
    )
