"""Gets one product by its SKU."""

from __future__ import annotations

from dataclasses import dataclass

from core.context import Context
from core.failures import not_found
from core.platform.database import Database
from core.records import product_store
from core.records.limits import findable
from core.records.product import Product
from core.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class GetProduct:
    """Returns the tenant's product. Fails with RESOURCE_NOT_FOUND."""

    database: Database

    def __call__(self, context: Context, sku: str) -> Result[Product]:
        """Reads the row in one round trip."""
        found = product_store.read(self.database, context, sku) if findable(sku) else None
        return Err(not_found("product", sku)) if found is None else Ok(found)
