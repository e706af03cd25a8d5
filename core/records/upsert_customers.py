"""Creates or replaces a batch of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.platform.database import Database
from core.records import customer_store
from core.records.batch import BatchStored, sort_out
from core.records.customer import Customer
from core.result import Result


@dataclass(frozen=True, slots=True)
class UpsertCustomers:
    """Stores the customers that can be stored, together, and says why the others cannot."""

    database: Database

    def __call__(self, context: Context, customers: Sequence[Customer]) -> Result[BatchStored]:
        """Keeps the last of several with the same external id."""
        kept, failures = sort_out(customers, lambda customer: customer.external_id)
        with self.database.begin(context) as unit:
            if kept:
                customer_store.upsert(unit, kept)
            return unit.commit(BatchStored(len(kept), failures, context.correlation_id))
