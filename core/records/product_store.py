"""Reads and writes the rows of products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.context import Context
from core.platform.database import Database
from core.platform.postgres import Row
from core.platform.unit_of_work import UnitOfWork
from core.records.product import Product


def upsert(unit: UnitOfWork, products: Sequence[Product]) -> None:
    """Creates or replaces products, each SKU once, in the order given."""
    unit.execute(
        "INSERT INTO products (tenant_id, sku, name, category)"
        " SELECT :tenant_id, given.sku, given.name, given.category"
        " FROM unnest(CAST(:skus AS text[]), CAST(:names AS text[]), CAST(:categories AS text[]))"
        " AS given (sku, name, category)"
        " ON CONFLICT (tenant_id, sku) DO UPDATE SET name = EXCLUDED.name,"
        " category = EXCLUDED.category, updated_at = now()",
        {
            "tenant_id": unit.context.tenant_id,
            "skus": [product.sku for product in products],
            "names": [product.name for product in products],
            "categories": [product.category for product in products],
        },
    )


def create_unknown(unit: UnitOfWork, names: Mapping[str, str]) -> None:
    """Creates those products, by SKU with their name, that are not there; changes no other."""
    if not names:
        return
    skus = sorted(names)
    unit.execute(
        "INSERT INTO products (tenant_id, sku, name)"
        " SELECT :tenant_id, given.sku, given.name"
        " FROM unnest(CAST(:skus AS text[]), CAST(:names AS text[])) AS given (sku, name)"
        " ON CONFLICT DO NOTHING",
        {
            "tenant_id": unit.context.tenant_id,
            "skus": skus,
            "names": [names[sku] for sku in skus],
        },
    )


def read(database: Database, context: Context, sku: str) -> Product | None:
    """Returns the product, or None, in one round trip."""
    row = database.read_one(
        context,
        "SELECT * FROM products WHERE tenant_id = %(tenant_id)s AND sku = %(sku)s",
        {"tenant_id": context.tenant_id, "sku": sku},
    )
    return None if row is None else _product(row)


def read_after(database: Database, context: Context, after: str, limit: int) -> list[Product]:
    """Returns up to `limit` products by SKU, from the one behind `after` on."""
    rows = database.read(
        context,
        "SELECT * FROM products WHERE tenant_id = %(tenant_id)s AND sku > %(after)s"
        " ORDER BY sku LIMIT %(limit)s",
        {"tenant_id": context.tenant_id, "after": after, "limit": limit},
    )
    return [_product(row) for row in rows]


def _product(row: Row) -> Product:
    return Product(
        sku=row["sku"],
        name=row["name"],
        category=row["category"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
