"""Reads the rows of invoices with their lines."""

from __future__ import annotations

from collections.abc import Sequence

from core.context import Context
from core.platform.database import Database
from core.platform.postgres import Row
from core.records.invoice import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus


def read(database: Database, context: Context, number: str) -> Invoice | None:
    """Returns the invoice with its lines, or None, in one round trip."""
    rows = database.read(
        context,
        "SELECT * FROM invoices JOIN invoice_lines AS line"
        " ON line.tenant_id = invoices.tenant_id AND line.invoice_number = invoices.number"
        " WHERE invoices.tenant_id = %(tenant_id)s AND invoices.number = %(number)s"
        " ORDER BY line.line_number",
        {"tenant_id": context.tenant_id, "number": number},
    )
    if not rows:
        return None
    return _invoice(rows[0], [_line(row) for row in rows])


def read_after(
    database: Database,
    context: Context,
    *,
    customer_external_id: str,
    after: str,
    limit: int,
    most_lines: int,
) -> tuple[list[Invoice], bool]:
    """Returns up to `limit` invoices by number, from the one behind `after` on.

    Empty `customer_external_id` means all. Reading ends after `most_lines` lines; then the second
    value is true, and the last invoice may lack lines.
    """
    of_customer = " AND customer_external_id = %(customer)s" if customer_external_id else ""
    rows = database.read(
        context,
        "WITH listed AS (SELECT * FROM invoices WHERE tenant_id = %(tenant_id)s"
        f" AND number > %(after)s{of_customer} ORDER BY number LIMIT %(limit)s)"
        " SELECT listed.*, line.line_number, line.sku, line.description, line.quantity,"
        " line.unit_price_minor, line.amount_minor"
        " FROM listed JOIN invoice_lines AS line"
        " ON line.tenant_id = %(tenant_id)s AND line.invoice_number = listed.number"
        " ORDER BY listed.number, line.line_number LIMIT %(rows)s",
        {
            "tenant_id": context.tenant_id,
            "customer": customer_external_id,
            "after": after,
            "limit": limit,
            "rows": most_lines + 1,
        },
    )
    return _with_lines(rows), len(rows) > most_lines


def _with_lines(rows: Sequence[Row]) -> list[Invoice]:
    heads: dict[str, Row] = {}
    lines: dict[str, list[InvoiceLine]] = {}
    for row in rows:
        heads.setdefault(row["number"], row)
        lines.setdefault(row["number"], []).append(_line(row))
    return [_invoice(head, lines[number]) for number, head in heads.items()]


def _invoice(row: Row, lines: Sequence[InvoiceLine]) -> Invoice:
    return Invoice(
        number=row["number"],
        customer_external_id=row["customer_external_id"] or "",
        issued_at=row["issued_at"],
        currency=row["currency"],
        kind=InvoiceKind(row["kind"]),
        status=InvoiceStatus(row["status"]),
        country=row["country"],
        lines=tuple(lines),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _line(row: Row) -> InvoiceLine:
    return InvoiceLine(
        line_number=row["line_number"],
        sku=row["sku"],
        description=row["description"],
        quantity=row["quantity"],
        unit_price_minor=row["unit_price_minor"],
        amount_minor=row["amount_minor"],
    )
