"""Deletes one customer by its external id."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import Failure, not_found
from core.platform.database import Database
from core.reasons import Reason
from core.records import customer_store
from core.records.limits import findable
from core.result import Err, Result


@dataclass(frozen=True, slots=True)
class DeleteCustomer:
    """Removes the tenant's customer. Fails with RESOURCE_NOT_FOUND or CUSTOMER_HAS_INVOICES."""

    database: Database

    def __call__(self, context: Context, external_id: str) -> Result[None]:
        """Locks the customer before it looks for invoices, so that none can come in between."""
        with self.database.begin(context) as unit:
            if not findable(external_id) or not customer_store.lock(unit, external_id):
                return Err(not_found("customer", external_id))
            if customer_store.has_invoices(unit, external_id):
                return Err(
                    Failure(
                        Reason.CUSTOMER_HAS_INVOICES,
                        f"Invoices name the customer {external_id!r}.",
                        {"customer_external_id": external_id},
                    )
                )
            customer_store.delete(unit, external_id)
            return unit.commit(None)
