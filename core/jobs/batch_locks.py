"""Keeps transactions that end jobs of several batches from waiting for each other."""

from __future__ import annotations

from collections.abc import Iterable

from core.platform.postgres import Transaction


def lock_in_order(transaction: Transaction, batches: Iterable[tuple[str, object | None]]) -> None:
    """Locks the batches of the jobs that this transaction has ended or put back.

    Given as tenant and batch, None for a job of none. They are counted when it commits, in whatever
    order the jobs were written; locked here first, all transactions take them in the same order.
    """
    keys = sorted({(tenant, str(batch)) for tenant, batch in batches if batch is not None})
    if len(keys) > 1:
        transaction.execute(
            """
            SELECT FROM batches JOIN unnest(CAST(:tenants AS text[]), CAST(:ids AS uuid[]))
                AS given (tenant, id) ON tenant_id = tenant AND batch_id = id
            ORDER BY tenant_id, batch_id FOR UPDATE OF batches
            """,
            {"tenants": [key[0] for key in keys], "ids": [key[1] for key in keys]},
        )
