"""Lists products by SKU."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.page import Page, PageRequest, page_of
from core.platform.database import Database
from core.records import product_store
from core.records.product import Product
from core.result import Ok, Result

SCOPE = "products"


@dataclass(frozen=True, slots=True)
class ListProducts:
    """Returns a page of the tenant's products. Refuses with PAGE_TOKEN_INVALID."""

    database: Database

    def __call__(self, context: Context, request: PageRequest) -> Result[Page[Product]]:
        """Reads the rows in one round trip."""
        after = request.after(SCOPE)
        found = product_store.read_after(
            self.database, context, after[0] if after else "", request.limit + 1
        )
        return Ok(page_of(found, request, SCOPE, lambda product: product.sku))
