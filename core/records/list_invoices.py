"""Lists invoices by number."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.context import Context
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.records import invoice_reads
from core.records.invoice import Invoice
from core.records.limits import MAX_LINES, findable
from core.result import Ok, Result


@dataclass(frozen=True, slots=True)
class InvoicesOf:
    """Asks for a page of invoices, of one customer where one is named."""

    page: PageRequest
    customer_external_id: str = ""


@dataclass(frozen=True, slots=True)
class ListInvoices:
    """Returns a page of the tenant's invoices with their lines. Refuses with PAGE_TOKEN_INVALID.

    A page ends early where its invoices would have more than 10,000 lines together.
    """

    database: Database

    def __call__(self, context: Context, query: InvoicesOf) -> Result[Page[Invoice]]:
        """Reads the rows in one round trip."""
        scope = f"invoices:{query.customer_external_id}"
        after = query.page.after(scope)
        if not findable(query.customer_external_id):
            return Ok(Page([]))
        wanted = query.page.limit + 1
        found, cut = invoice_reads.read_after(
            self.database,
            context,
            customer_external_id=query.customer_external_id,
            after=after[0] if after else "",
            limit=wanted,
            most_lines=MAX_LINES,
        )
        request = replace(query.page, size=len(found) - 1) if cut else query.page
        return Ok(page_of(found, request, scope, lambda invoice: invoice.number))
