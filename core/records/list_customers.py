"""Lists customers by external id."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.records import customer_store
from core.records.customer import Customer
from core.result import Ok, Result

SCOPE = "customers"


@dataclass(frozen=True, slots=True)
class ListCustomers:
    """Returns a page of the tenant's customers. Refuses with PAGE_TOKEN_INVALID."""

    database: Database

    def __call__(self, context: Context, request: PageRequest) -> Result[Page[Customer]]:
        """Reads the rows in one round trip."""
        after = request.after(SCOPE)
        found = customer_store.read_after(
            self.database, context, after[0] if after else "", request.limit + 1
        )
        return Ok(page_of(found, request, SCOPE, lambda customer: customer.external_id))
