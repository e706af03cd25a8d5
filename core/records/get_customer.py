"""Gets one customer by its external id."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.database import Database
from core.records import customer_store
from core.records.customer import Customer
from core.records.limits import findable
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class GetCustomer:
    """Returns the tenant's customer. Fails with RESOURCE_NOT_FOUND."""

    database: Database

    def __call__(self, context: Context, external_id: str) -> Result[Customer]:
        """Reads the row in one round trip."""
        found = (
            customer_store.read(self.database, context, external_id)
            if findable(external_id)
            else None
        )
        return Err(not_found("customer", external_id)) if found is None else Ok(found)
