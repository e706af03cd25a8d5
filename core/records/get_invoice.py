"""Gets one invoice by its number."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.database import Database
from core.records import invoice_reads
from core.records.invoice import Invoice
from core.records.limits import findable
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class GetInvoice:
    """Returns the tenant's invoice with its lines. Fails with RESOURCE_NOT_FOUND."""

    database: Database

    def __call__(self, context: Context, number: str) -> Result[Invoice]:
        """Reads the rows in one round trip."""
        found = invoice_reads.read(self.database, context, number) if findable(number) else None
        return Err(not_found("invoice", number)) if found is None else Ok(found)
