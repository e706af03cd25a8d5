"""Creates or replaces a batch of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.platform.database import Database
from core.records import product_store
from core.records.batch import BatchStored, sort_out
from core.records.product import Product
from core.result import Result


@dataclass(frozen=True, slots=True)
class UpsertProducts:
    """Stores the products that can be stored, together, and says why the others cannot."""

    database: Database

    def __call__(self, context: Context, products: Sequence[Product]) -> Result[BatchStored]:
        """Keeps the last of several with the same SKU."""
        kept, failures = sort_out(products, lambda product: product.sku)
        with self.database.begin(context) as unit:
            if kept:
                product_store.upsert(unit, kept)
            return unit.commit(BatchStored(len(kept), failures, context.correlation_id))
