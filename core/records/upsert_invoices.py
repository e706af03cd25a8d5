"""Creates or replaces a batch of invoices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.platform.database import Database
from core.records import invoice_store
from core.records.batch import BatchStored, sort_out
from core.records.invoice import Invoice
from core.result import Result


@dataclass(frozen=True, slots=True)
class UpsertInvoices:
    """Stores the invoices that can be stored, together, and says why the others cannot.

    An invoice that was there gets the new lines in place of its old ones. Customers and products
    that are not known yet are created.
    """

    database: Database

    def __call__(self, context: Context, invoices: Sequence[Invoice]) -> Result[BatchStored]:
        """Keeps the last of several with the same number."""
        kept, failures = sort_out(invoices, lambda invoice: invoice.number)
        with self.database.begin(context) as unit:
            invoice_store.replace(unit, kept)
            return unit.commit(BatchStored(len(kept), failures, context.correlation_id))
