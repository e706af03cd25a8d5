"""Reads and writes the rows of customers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from core.context import Context
from core.platform.database import Database
from core.platform.postgres import Row
from core.platform.unit_of_work import UnitOfWork
from core.records.customer import Customer


def upsert(unit: UnitOfWork, customers: Sequence[Customer]) -> None:
    """Creates or replaces customers, each id once, in the order given."""
    unit.execute(
        "INSERT INTO customers (tenant_id, external_id, name, email, country, attributes)"
        " SELECT :tenant_id, given.external_id, given.name, given.email, given.country,"
        " given.attributes::jsonb FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]),"
        " CAST(:emails AS text[]), CAST(:countries AS text[]), CAST(:attributes AS text[]))"
        " AS given (external_id, name, email, country, attributes)"
        " ON CONFLICT (tenant_id, external_id) DO UPDATE SET name = EXCLUDED.name,"
        " email = EXCLUDED.email, country = EXCLUDED.country, attributes = EXCLUDED.attributes,"
        " updated_at = now()",
        {
            "tenant_id": unit.context.tenant_id,
            "ids": [customer.external_id for customer in customers],
            "names": [customer.name for customer in customers],
            "emails": [customer.email for customer in customers],
            "countries": [customer.country for customer in customers],
            "attributes": [json.dumps(dict(customer.attributes)) for customer in customers],
        },
    )


def create_unknown(unit: UnitOfWork, countries: Mapping[str, str]) -> None:
    """Creates those customers, by id with their country, that are not there; changes no other.

    Whichever there are can be changed but not deleted until the transaction ends.
    """
    ids = sorted(countries)
    kept = 0
    # One that another transaction creates or deletes just now is neither; the next look tells.
    while kept < len(ids):
        row = unit.one(
            "WITH created AS (INSERT INTO customers (tenant_id, external_id, country)"
            " SELECT :tenant_id, given.external_id, given.country"
            " FROM unnest(CAST(:ids AS text[]), CAST(:countries AS text[]))"
            " AS given (external_id, country)"
            " ON CONFLICT DO NOTHING RETURNING 1), known AS (SELECT 1 FROM customers"
            " WHERE tenant_id = :tenant_id AND external_id = ANY(CAST(:ids AS text[]))"
            " FOR KEY SHARE)"
            " SELECT (SELECT count(*) FROM created) + (SELECT count(*) FROM known) AS kept",
            {
                "tenant_id": unit.context.tenant_id,
                "ids": ids,
                "countries": [countries[external_id] for external_id in ids],
            },
        )
        kept = 0 if row is None else row["kept"]


def lock(unit: UnitOfWork, external_id: str) -> bool:
    """Keeps others from changing or naming the customer; tells whether there is one."""
    row = unit.one(
        "SELECT 1 AS found FROM customers"
        " WHERE tenant_id = :tenant_id AND external_id = :external_id FOR UPDATE",
        {"tenant_id": unit.context.tenant_id, "external_id": external_id},
    )
    return row is not None


def has_invoices(unit: UnitOfWork, external_id: str) -> bool:
    """Tells whether an invoice names the customer."""
    row = unit.one(
        "SELECT 1 AS found FROM invoices WHERE tenant_id = :tenant_id"
        " AND customer_external_id = :external_id LIMIT 1",
        {"tenant_id": unit.context.tenant_id, "external_id": external_id},
    )
    return row is not None


def delete(unit: UnitOfWork, external_id: str) -> None:
    """Removes the customer, which no invoice may name."""
    unit.execute(
        "DELETE FROM customers WHERE tenant_id = :tenant_id AND external_id = :external_id",
        {"tenant_id": unit.context.tenant_id, "external_id": external_id},
    )


def read(database: Database, context: Context, external_id: str) -> Customer | None:
    """Returns the customer, or None, in one round trip."""
    row = database.read_one(
        context,
        "SELECT * FROM customers WHERE tenant_id = %(tenant_id)s AND external_id = %(external_id)s",
        {"tenant_id": context.tenant_id, "external_id": external_id},
    )
    return None if row is None else _customer(row)


def read_after(database: Database, context: Context, after: str, limit: int) -> list[Customer]:
    """Returns up to `limit` customers by id, from the one behind `after` on."""
    rows = database.read(
        context,
        "SELECT * FROM customers WHERE tenant_id = %(tenant_id)s AND external_id > %(after)s"
        " ORDER BY external_id LIMIT %(limit)s",
        {"tenant_id": context.tenant_id, "after": after, "limit": limit},
    )
    return [_customer(row) for row in rows]


def _customer(row: Row) -> Customer:
    return Customer(
        external_id=row["external_id"],
        name=row["name"],
        email=row["email"],
        country=row["country"],
        attributes=row["attributes"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
